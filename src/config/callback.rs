//! `[callback]`: how the ramdisks' data comes in, and from where it is taken.
//!
//! Invariant: without a port of its own, what ramdisks post comes in on the listener of the API alone.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::forms;
use super::spec::{Kind, Section, works};

/// What stands in the file about `[callback]`.
pub(super) const SECTION: Section = Section {
    name: "callback",
    help: "How the ramdisks' data comes in.",
    options: &[
        works(
            "allowed_cidrs",
            Kind::ListOf(forms::CIDR),
            Some("[]"),
            "Networks from which callbacks are taken, by the address of the connection; none here means all.",
        ),
        works(
            "require_token",
            Kind::Bool,
            Some("false"),
            "Whether the data of a waiting node is taken only with the token of its run (?token=).",
        ),
        works(
            "listen_address",
            Kind::Form(forms::IP_ADDRESS),
            None,
            "Where the listener for ramdisks listens; unset: as the API.",
        ),
        works(
            "listen_port",
            Kind::Integer(0, 65535),
            None,
            "TCP port of a listener that answers POST /v1/continue only; unset: there is none.",
        ),
        works("use_ssl", Kind::Bool, None, "Whether that listener speaks TLS; unset: as the API."),
        works("cert_file", Kind::Text, None, "Its certificate, PEM; unset: that of [ssl], with its key."),
        works("key_file", Kind::Text, None, "The private key of cert_file, PEM, not encrypted."),
        works(
            "ca_file",
            Kind::Text,
            None,
            "Authorities, PEM: where they are given, ramdisks have to show a certificate of one of them.",
        ),
        works(
            "max_connections",
            Kind::Integer(1, 1_000_000),
            Some("32"),
            "Connections of that listener that are read at a time, for each processor; more wait in turn.",
        ),
        works(
            "max_memory_bytes",
            Kind::Integer(65_536, 1_099_511_627_776),
            Some("33554432"),
            "Bytes of posted data in memory at one time; more wait unread. One body always has room.",
        ),
    ],
    rest: None,
};

/// `[callback]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Callback {
    /// Networks from which callbacks are taken, as written; empty: all.
    pub allowed_cidrs: Vec<String>,
    /// Whether data is taken only with the token of its run.
    pub require_token: bool,
    /// IP address of the listener for ramdisks; that of the API where unset.
    pub listen_address: Option<String>,
    /// TCP port of the listener for ramdisks; without it there is none.
    pub listen_port: Option<u16>,
    /// Whether that listener speaks TLS; as the API where unset.
    pub use_ssl: Option<bool>,
    /// Its certificate; that of the API where unset.
    pub cert_file: Option<PathBuf>,
    /// The private key of `cert_file`.
    pub key_file: Option<PathBuf>,
    /// Authorities of the certificates that ramdisks show; they need none where unset.
    pub ca_file: Option<PathBuf>,
    /// Connections of that listener that are read at a time, for each worker thread.
    pub max_connections: usize,
    /// Bytes of posted data in memory at one time, on all listeners together.
    pub max_memory_bytes: usize,
}

impl Default for Callback {
    fn default() -> Self {
        Self {
            allowed_cidrs: Vec::new(),
            require_token: false,
            listen_address: None,
            listen_port: None,
            use_ssl: None,
            cert_file: None,
            key_file: None,
            ca_file: None,
            max_connections: 32,
            max_memory_bytes: 32 * 1024 * 1024,
        }
    }
}

impl Callback {
    /// The networks of `allowed_cidrs`.
    #[must_use]
    pub fn networks(&self) -> Vec<IpNet> {
        // The reader has refused what is no network.
        self.allowed_cidrs.iter().filter_map(|text| forms::network(text).ok()).collect()
    }
}
