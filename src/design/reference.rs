//! Where a design is: a reference as it is given, and what of it is kept.
//!
//! Invariant: user and password are in no reference that is stored or shown. Pure.

use std::path::PathBuf;

use url::Url;

use crate::error::{Error, Result};

/// The longest reference.
const MAX_CHARS: usize = 2048;

/// What is said of other schemes.
const SCHEMES: &str = "its scheme is none of file, http, https, <service>+http, <service>+https";

/// A reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A file of this machine.
    File(PathBuf),
    /// What a server answers.
    Web(Url),
    /// What a service answers to whoever carries a token.
    Service {
        /// What it is called, before the `+` of the scheme.
        name: String,
        /// Where it is.
        url: Url,
    },
}

impl Reference {
    /// A reference as it is given.
    ///
    /// # Errors
    /// What is wrong with it, without its user and password.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| Err(Error::bad_request(format!("Invalid design_ref: {why}")));
        if text.chars().count() > MAX_CHARS {
            return wrong(&format!("it has more than {MAX_CHARS} characters"));
        }
        let scheme = text.split_once(':').map(|(scheme, _)| scheme).unwrap_or_default();
        if let Some((name, plain)) = scheme.split_once('+') {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            let rest = text.split_once('+').map(|(_, rest)| rest).unwrap_or_default();
            return match (plain.to_lowercase().as_str(), Self::parse(rest)) {
                _ if name.is_empty() || !name.bytes().all(is_name) => wrong("it names no service"),
                ("http" | "https", Ok(Self::Web(url))) => {
                    Ok(Self::Service { name: name.to_lowercase(), url })
                }
                ("http" | "https", Err(error)) => Err(error),
                _ => wrong(SCHEMES),
            };
        }
        let Ok(mut url) = Url::parse(text) else { return wrong("it is no URI") };
        match url.scheme() {
            "file" => match url.to_file_path() {
                Ok(path) if path.is_absolute() && path.file_name().is_some() => Ok(Self::File(path)),
                _ => wrong("a file URI with an absolute path is expected"),
            },
            "http" | "https" => {
                if url.host_str().is_none_or(str::is_empty) {
                    return wrong("it names no host");
                }
                // Neither fails for URLs with a host.
                let _ = url.set_username("");
                let _ = url.set_password(None);
                url.set_fragment(None);
                Ok(Self::Web(url))
            }
            _ => wrong(SCHEMES),
        }
    }

    /// As it is stored and shown.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) => format!("file://{}", path.display()),
            Self::Web(url) => url.to_string(),
            Self::Service { name, url } => format!("{name}+{url}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_not_kept() {
        for (text, shown) in [
            ("http://me:secret@design.example/a?b=c#d", "http://design.example/a?b=c"),
            ("https://me@design.example:8443/", "https://design.example:8443/"),
            ("file:///etc/rollcall/site.yaml", "file:///etc/rollcall/site.yaml"),
            ("deckhand+https://me:s3cret@x/a#d", "deckhand+https://x/a"),
            ("Deckhand+HTTP://x:9000/a", "deckhand+http://x:9000/a"),
        ] {
            assert_eq!(Reference::parse(text).unwrap().shown(), shown);
        }
    }

    #[test]
    fn what_is_no_reference_is_refused_without_its_secrets() {
        for text in [
            "",
            "site.yaml",
            "ftp://me:secret@x/",
            "deckhand+ftp://me:secret@x/",
            "deckhand+file:///etc/passwd",
            "a+b+http://me:secret@x/",
            "+http://x/",
            "deck hand+http://x/",
            "deckhand+http://",
            "file://",
            "file:///",
            "http://",
        ] {
            let error = Reference::parse(text).unwrap_err();
            assert!(error.text.starts_with("Invalid design_ref: "), "{text}");
            assert!(!error.text.contains("secret"), "{}", error.text);
        }
        assert!(Reference::parse(&format!("http://x/{}", "a".repeat(3000))).is_err());
    }
}
