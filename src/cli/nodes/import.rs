//! `rollcall nodes import`: a JSON file as registrations.
//!
//! Invariant: an error names the entry that it is about, counted from one, and its name where it has one.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::mac::Mac;
use crate::node_service::Object;
use crate::node_service::local::register::{Registration, names};

/// What the file looks like, for `--help`.
pub const HELP: &str = "Each object may have: uuid, name, macs (list), bmc_address, driver, driver_info, properties, \
                        extra.\nExample: [{\"name\": \"a1\", \"macs\": [\"52:54:00:12:34:56\"], \
                        \"bmc_address\": \"192.0.2.10\"}]";

/// One object of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    uuid: Option<Uuid>,
    name: Option<String>,
    #[serde(default)]
    macs: Vec<Mac>,
    bmc_address: Option<String>,
    driver: Option<String>,
    #[serde(default)]
    driver_info: Object,
    #[serde(default)]
    properties: Object,
    #[serde(default)]
    extra: Object,
}

/// Reads a file.
///
/// # Errors
/// Where it can not be read, or an entry is wrong.
pub fn read(file: &Path) -> Result<Vec<Registration>> {
    let shown = file.display();
    let text =
        fs::read(file).map_err(|cause| Error::bad_request(format!("{shown} can not be read: {cause}")))?;
    let entries: Vec<Value> = serde_json::from_slice(&text)
        .map_err(|cause| Error::bad_request(format!("{shown} is not a JSON list: {cause}")))?;
    let numbered = entries.into_iter().enumerate();
    numbered.map(|(index, value)| registration(index, value).map_err(Error::bad_request)).collect()
}

/// How an entry is named in errors.
pub fn entry(index: usize, name: Option<&str>) -> String {
    let number = index.saturating_add(1);
    match name {
        Some(name) => format!("entry {number} ({name})"),
        None => format!("entry {number}"),
    }
}

fn registration(index: usize, value: Value) -> Result<Registration, String> {
    let named = entry(index, value.get("name").and_then(Value::as_str));
    let wrong = |text: String| format!("Nothing is registered: {named}: {text}");
    let entry = Entry::deserialize(value).map_err(|error| wrong(error.to_string()))?;
    if let Some(name) = &entry.name {
        names::check(name).map_err(wrong)?;
    }
    let mut driver_info = entry.driver_info;
    if let Some(bmc) = entry.bmc_address {
        if driver_info.contains_key("ipmi_address") {
            return Err(wrong("bmc_address and driver_info.ipmi_address are the same thing".to_owned()));
        }
        driver_info.insert("ipmi_address".to_owned(), Value::from(bmc));
    }
    let blank = Registration::new(entry.uuid.unwrap_or_else(Uuid::new_v4));
    Ok(Registration {
        name: entry.name,
        macs: entry.macs,
        driver: entry.driver.unwrap_or(blank.driver),
        driver_info,
        properties: entry.properties,
        extra: entry.extra,
        ..Registration::new(blank.uuid)
    })
}
