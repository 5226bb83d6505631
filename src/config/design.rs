//! `[design]`: where designs may be read from, and who we are to their servers.
//!
//! Invariant: a section whose check found nothing has a Keystone for each host that is to have a token.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::keystone::with_auth;
use super::spec::Section;
use super::{Auth, Secret};
use crate::design::reference::Reference;

/// Ways to tokens: passwords have an option of their own.
const WORKING: &[&str] = &["none", "password", "v3password", "v3applicationcredential"];

/// What stands in the file about `[design]`.
pub(super) const SECTION: Section = Section {
    name: "design",
    help: "Designs, which declare the hardware that a site should have: where they may be read from. auth_type and what \
           belongs to it is who we are for <service>+http and <service>+https.",
    options: with_auth![
        "\"none\"",
        WORKING,
        works(
            "default",
            Kind::Form(forms::DESIGN),
            None,
            "The design of tasks that name none, and what nodes are held against after each run.",
        ),
        works("folders", Kind::Multi, Some("[]"), "Folders; files below them may be named by file://."),
        works(
            "allowed_networks",
            Kind::ListOf(forms::CIDR),
            Some("[]"),
            "Networks that may be asked although they are of this machine, its link or a cloud's metadata.",
        ),
        works(
            "credentials",
            Kind::Dict,
            Some("{}"),
            "Secret: USER:PASSWORD for hosts, or HOST:PORT, that are asked by http or https.",
        ),
        works(
            "token_hosts",
            Kind::List,
            Some("[]"),
            "Hosts, or HOST:PORT, that may be sent a token, for <service>+http and <service>+https.",
        ),
        works(
            "max_bytes",
            Kind::Integer(1024, 1_073_741_824),
            Some("16777216"),
            "Bytes that a design may have.",
        ),
        works("timeout", Kind::Integer(1, 3600), Some("60"), "Seconds that an answer may take."),
        works("cache_time", Kind::Integer(0, 86_400), Some("180"), "Seconds that a design is remembered."),
    ],
    rest: None,
};

/// `[design]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Design {
    /// Who we are to services that want a token.
    #[serde(flatten)]
    pub auth: Auth,
    /// The design of tasks that name none.
    pub default: Option<String>,
    /// Folders that files may be in.
    pub folders: Vec<PathBuf>,
    /// Networks that may be asked whatever they are.
    pub allowed_networks: Vec<String>,
    /// User and password by host.
    pub credentials: BTreeMap<String, Secret>,
    /// Hosts that may be sent a token.
    pub token_hosts: Vec<String>,
    /// Bytes of a design.
    pub max_bytes: usize,
    /// Seconds of an answer.
    pub timeout: u64,
    /// Seconds that one is remembered.
    pub cache_time: u64,
}

impl Design {
    /// The networks that may be asked whatever they are; the check has seen to their form.
    #[must_use]
    pub fn networks(&self) -> Vec<IpNet> {
        self.allowed_networks.iter().filter_map(|text| super::forms::network(text).ok()).collect()
    }

    /// The design of tasks that name none; the check has seen to its form.
    #[must_use]
    pub fn default_reference(&self) -> Option<Reference> {
        self.default.as_deref().and_then(|text| Reference::parse(text).ok())
    }

    /// Adds what is missing or idle.
    pub(super) fn check(&self, draft: &mut Draft) {
        self.auth.check("design", draft);
        match (self.token_hosts.is_empty(), self.auth.uses_keystone()) {
            (false, false) => {
                draft.problem("design.token_hosts", "auth_type is needed too, to have a token");
            }
            (true, true) => draft.warning("design.auth_type", "has no effect without token_hosts"),
            _ => {}
        }
        if self.credentials.values().any(|pair| !pair.expose().contains(':')) {
            draft.problem("design.credentials", "USER:PASSWORD is needed, and one has no colon");
        }
    }
}

impl Default for Design {
    fn default() -> Self {
        Self {
            auth: Auth::default(),
            default: None,
            folders: Vec::new(),
            allowed_networks: Vec::new(),
            credentials: BTreeMap::new(),
            token_hosts: Vec::new(),
            max_bytes: 16 << 20,
            timeout: 60,
            cache_time: 180,
        }
    }
}
