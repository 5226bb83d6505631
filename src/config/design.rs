//! `[design]`: where designs may be read from.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::forms;
use super::spec::{Kind, Section, works};

/// What stands in the file about `[design]`.
pub(super) const SECTION: Section = Section {
    name: "design",
    help: "Designs, which declare the hardware that a site should have: where they may be read from.",
    options: &[
        works("folders", Kind::Multi, Some("[]"), "Folders; files below them may be named by file://."),
        works(
            "allowed_networks",
            Kind::ListOf(forms::CIDR),
            Some("[]"),
            "Networks that may be asked although they are of this machine, its link or a cloud's metadata.",
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
    /// Folders that files may be in.
    pub folders: Vec<PathBuf>,
    /// Networks that may be asked whatever they are.
    pub allowed_networks: Vec<String>,
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
        self.allowed_networks.iter().filter_map(|text| forms::network(text).ok()).collect()
    }
}

impl Default for Design {
    fn default() -> Self {
        Self {
            folders: Vec::new(),
            allowed_networks: Vec::new(),
            max_bytes: 16 << 20,
            timeout: 60,
            cache_time: 180,
        }
    }
}
