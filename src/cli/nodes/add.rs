//! `rollcall nodes add`: one node from the command line.

use clap::Args;
use serde_json::Value;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::mac::Mac;
use crate::node_service::Object;
use crate::node_service::local::register::{Registration, names};

/// What is known of the node.
#[derive(Clone, Debug, Args)]
pub struct AddNode {
    /// Its UUID; without it one is made up
    #[arg(long)]
    pub uuid: Option<Uuid>,
    /// Its name
    #[arg(long, value_parser = name)]
    pub name: Option<String>,
    /// MAC address of a port; may be given several times
    #[arg(long = "mac", value_name = "MAC")]
    pub macs: Vec<Mac>,
    /// Address of its BMC: what its ramdisk reports must be the same
    #[arg(long, value_name = "ADDRESS", value_parser = bmc)]
    pub bmc: Option<String>,
    /// Its driver; all drivers only pretend so far
    #[arg(long, default_value = "fake-hardware")]
    pub driver: String,
    /// A property, as text or as JSON object or list; may be given several times
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = property)]
    pub properties: Vec<(String, Value)>,
}

impl AddNode {
    /// The node to be registered.
    ///
    /// # Errors
    /// Where a callback could never be matched with it.
    pub fn registration(&self) -> Result<Registration> {
        if self.macs.is_empty() && self.bmc.is_none() {
            return Err(Error::bad_request(
                "A node needs --mac or --bmc: without either its data could not be told from that of others",
            ));
        }
        let bmc = self.bmc.iter().map(|bmc| ("ipmi_address".to_owned(), Value::from(bmc.clone())));
        Ok(Registration {
            name: self.name.clone(),
            macs: self.macs.clone(),
            driver: self.driver.clone(),
            driver_info: bmc.collect(),
            properties: self.properties.iter().cloned().collect(),
            extra: Object::new(),
            uuid: self.uuid.unwrap_or_else(Uuid::new_v4),
        })
    }
}

fn name(text: &str) -> Result<String, String> {
    names::check(text).map(|()| text.to_owned())
}

fn bmc(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err("an IP address or a host name is needed".to_owned());
    }
    Ok(text.to_owned())
}

fn property(text: &str) -> Result<(String, Value), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => {
            let structured = value.starts_with(['{', '[']);
            let value = match structured {
                true => {
                    serde_json::from_str(value).map_err(|error| format!("{key} is no good JSON: {error}"))?
                }
                false => Value::from(value),
            };
            Ok((key.to_owned(), value))
        }
        _ => Err("KEY=VALUE is needed".to_owned()),
    }
}
