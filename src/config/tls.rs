//! `[ssl]`: certificate and key of the API, and of the listener for ramdisks where it has none of its own.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::spec::{Kind, Section, no_effect, works};
use super::{Config, draft::Draft};

/// What stands in the file about `[ssl]`.
pub(super) const SECTION: Section = Section {
    name: "ssl",
    help: "TLS of the API, with use_ssl. The files are read again on SIGHUP.",
    options: &[
        works(
            "cert_file",
            Kind::Text,
            None,
            "Certificate, PEM, followed by those that link it to an authority.",
        ),
        works("key_file", Kind::Text, None, "Its private key, PEM, not encrypted."),
        works(
            "ca_file",
            Kind::Text,
            None,
            "Authorities, PEM: where they are given, every client has to show a certificate of one of them.",
        ),
        no_effect("version", VERSIONS),
        no_effect("ciphers", VERSIONS),
    ],
    rest: None,
};

const VERSIONS: &str = "TLS 1.2 and 1.3 are spoken, with the ciphers that rustls has";

/// `[ssl]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ssl {
    /// The certificate.
    pub cert_file: Option<PathBuf>,
    /// Its private key.
    pub key_file: Option<PathBuf>,
    /// Authorities of clients.
    pub ca_file: Option<PathBuf>,
}

impl Config {
    /// The files of the API's TLS; nothing where it speaks none.
    #[must_use]
    pub fn api_tls(&self) -> Option<&Ssl> {
        Some(&self.ssl).filter(|_| self.use_ssl)
    }

    /// The files of the TLS of the listener for ramdisks; nothing where it speaks none.
    #[must_use]
    pub fn callback_tls(&self) -> Option<Ssl> {
        let own = &self.callback;
        self.callback.use_ssl.unwrap_or(self.use_ssl).then(|| match own.cert_file {
            Some(_) => Ssl {
                cert_file: own.cert_file.clone(),
                key_file: own.key_file.clone(),
                ca_file: own.ca_file.clone(),
            },
            None => Ssl { ca_file: own.ca_file.clone(), ..self.ssl.clone() },
        })
    }
}

/// What is wrong, or idle, in the options about TLS together.
pub(super) fn check(config: &Config, draft: &mut Draft) {
    let own_listener = config.callback.listen_port.is_some();
    let of_ramdisks = config.callback_tls().filter(|_| own_listener);
    if config.use_ssl && config.listen_unix_socket.is_some() {
        draft.problem(
            "use_ssl",
            "a Unix socket has no TLS; [callback] use_ssl is for the listener of ramdisks",
        );
    }
    if config.use_ssl {
        needed(&config.ssl, "ssl", "use_ssl", draft);
    }
    match &of_ramdisks {
        Some(ssl) if config.callback.cert_file.is_some() => needed(ssl, "callback", "cert_file", draft),
        Some(ssl) if !config.use_ssl => needed(ssl, "ssl", "callback.use_ssl", draft),
        _ => {}
    }
    if !config.use_ssl && of_ramdisks.is_none() {
        idle("ssl", "has no effect without use_ssl", draft);
    }
    if !own_listener {
        idle("callback", "has no effect without listen_port", draft);
    } else if of_ramdisks.is_none() {
        idle("callback", "has no effect without use_ssl", draft);
    } else if config.callback.cert_file.is_none() && config.callback.key_file.is_some() {
        draft.problem("callback.cert_file", "needed with key_file");
    }
}

fn needed(ssl: &Ssl, section: &str, by: &str, draft: &mut Draft) {
    for (name, file) in [("cert_file", &ssl.cert_file), ("key_file", &ssl.key_file)] {
        if file.is_none() {
            draft.problem(&format!("{section}.{name}"), &format!("needed with {by}"));
        }
    }
}

fn idle(section: &str, why: &str, draft: &mut Draft) {
    for name in ["cert_file", "key_file", "ca_file"] {
        if draft.has(section, name) {
            draft.warning(&format!("{section}.{name}"), why);
        }
    }
}
