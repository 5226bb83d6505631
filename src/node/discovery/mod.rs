//! Machines that no run expects: those in use, and those that nobody knows yet.
//!
//! Invariant: of one machine's data only one at a time is decided upon (its [`claims`] are held until its record is
//! there), so that parallel posts make one node. It must not change a record.

mod active;
pub mod claims;
mod enroll;
mod known;
mod names;
mod quota;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;

use self::claims::Claims;
use self::names::Names;
use self::quota::Quota;
use super::provision::InUse;
use crate::config::{Config, NotFoundHook};
use crate::node_service::Object;
use crate::processing::bmc::Family;
use crate::processing::identity::Identity;

pub use self::active::find as find_in_use;
pub use self::enroll::{Miss, enroll, half_made, uuid_of};

/// The member of the processed data that tells discovered machines.
pub const MARK: &str = "auto_discovered";

/// What is done about machines that no run expects.
pub struct Discovery {
    /// Whether nodes in use may post.
    pub in_use: InUse,
    /// What is done about unknown machines; `None` where they are refused at once.
    pub hook: Option<Hook>,
    /// Whose data is being decided upon.
    pub claims: Arc<Claims>,
    /// Values that tell nothing about a machine, in their canonical form.
    pub ignored: Vec<String>,
    /// What the names of BMCs were resolved to a moment ago.
    names: Names,
    /// New nodes in the last hour.
    quota: Quota,
}

/// What is done about unknown machines.
#[derive(Clone, Debug, PartialEq)]
pub enum Hook {
    /// They become nodes.
    Enroll(Enroll),
    /// They are logged and refused.
    Example,
}

/// How unknown machines become nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Enroll {
    /// Their driver.
    pub driver: String,
    /// More fields.
    pub fields: Object,
    /// The member of `driver_info` for the address of the BMC.
    pub bmc_member: String,
    /// Which address of the BMC is preferred.
    pub families: Vec<Family>,
}

impl Discovery {
    /// As configured.
    #[must_use]
    pub fn from_config(config: &Config) -> Self {
        let processing = &config.processing;
        let permitted = processing.permit_active_introspection;
        Self {
            in_use: if permitted { InUse::Permitted } else { InUse::Refused },
            hook: processing.node_not_found_hook.map(|hook| match hook {
                NotFoundHook::Enroll => Hook::Enroll(Enroll::from_config(config)),
                NotFoundHook::Example => Hook::Example,
            }),
            claims: Arc::default(),
            ignored: processing.ignored_lookup_values.iter().map(|text| canonical(text)).collect(),
            names: Names::default(),
            quota: Quota::new(config.discovery.max_per_hour),
        }
    }

    /// Whether data that matches no run is looked into at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.hook.is_some() || self.in_use == InUse::Permitted
    }

    /// The identity without what tells nothing.
    #[must_use]
    pub fn telling(&self, mut identity: Identity) -> Identity {
        let tells = |value: String| !self.ignored.contains(&value);
        identity.macs.retain(|mac| tells(mac.to_string()));
        identity.bmc_addresses.retain(|address| tells(address.to_string()));
        identity
    }
}

impl Enroll {
    fn from_config(config: &Config) -> Self {
        let options = &config.discovery;
        let fields = options.enroll_node_fields.iter();
        let member = options.bmc_address_members.get(&options.enroll_node_driver);
        let versions = options.enabled_bmc_address_version.iter();
        Self {
            driver: options.enroll_node_driver.clone(),
            fields: fields.map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect(),
            bmc_member: member.map_or_else(|| "ipmi_address".to_owned(), Clone::clone),
            families: versions.map(|text| if text == "6" { Family::V6 } else { Family::V4 }).collect(),
        }
    }
}

/// A MAC or IP address as look-up attributes show it; any other text lower case.
fn canonical(text: &str) -> String {
    match text.trim().parse::<std::net::IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => text.trim().to_ascii_lowercase(),
    }
}
