//! The items of a run: one for each generator that found something.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::facts::{Facts, Sighting};
use crate::error::Result;
use crate::node_service::Object;
use crate::processing::ramdisk_logs::RamdiskLogs;
use crate::store::documents::Packed;

/// Larger logs are left to the folder of logs.
const MAX_LOGS_BYTES: usize = 8 << 20;

/// What made an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generator {
    /// The inventory as posted.
    Inventory,
    /// What the interfaces heard of their switches, as received.
    Lldp,
    /// Everything as posted, without the logs.
    Unprocessed,
    /// The ramdisk's logs.
    Logs,
    /// The components that can be compared: see [`crate::build_data::facts`].
    Facts,
    /// Where the machine is other than its design declares it.
    DesignFindings,
}

impl Generator {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Inventory, Self::Lldp, Self::Unprocessed, Self::Logs, Self::Facts, Self::DesignFindings];

    /// The name in rows and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inventory => "inventory",
            Self::Lldp => "lldp",
            Self::Unprocessed => "unprocessed",
            Self::Logs => "logs",
            Self::Facts => "facts",
            Self::DesignFindings => "design-findings",
        }
    }

    /// The generator of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|generator| generator.name() == name)
    }

    /// The media type of its items.
    #[must_use]
    pub fn data_format(self) -> &'static str {
        match self {
            Self::Logs => "application/gzip",
            Self::Inventory | Self::Lldp | Self::Unprocessed | Self::Facts | Self::DesignFindings => {
                "application/json"
            }
        }
    }
}

impl fmt::Display for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One item, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What made it.
    pub generator: Generator,
    /// Its content.
    pub content: Packed,
}

/// An item whose content is stored already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// What made it.
    pub generator: Generator,
    /// SHA-256 of its content.
    pub digest: String,
}

/// What the end of a run writes: a row for each reference, and where the components are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// The node's name, where it has one.
    pub node_name: Option<String>,
    /// The items.
    pub items: Vec<Reference>,
    /// What the machine is made of, for the question where something is; nothing where it is not known.
    pub sightings: Option<Vec<Sighting>>,
}

impl Item {
    /// An item of JSON.
    ///
    /// # Errors
    /// Where it can not be compressed.
    pub fn json(generator: Generator, content: &Value) -> Result<Self> {
        let text = content.to_string();
        Ok(Self { generator, content: Packed::pack(text.as_bytes())? })
    }

    /// The row that is to be written for it.
    #[must_use]
    pub fn reference(&self) -> Reference {
        Reference { generator: self.generator, digest: self.content.digest.clone() }
    }
}

/// The items of data that was posted, whatever becomes of it: itself, and the logs.
///
/// # Errors
/// Where the logs are too large to be counted.
pub fn of_posting(raw: &Packed, logs: Option<&RamdiskLogs>, wanted: &[Generator]) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    if wanted.contains(&Generator::Unprocessed) {
        items.push(Item { generator: Generator::Unprocessed, content: raw.clone() });
    }
    if wanted.contains(&Generator::Logs)
        && let Some(archive) = logs.and_then(RamdiskLogs::archive)
        && archive.len() <= MAX_LOGS_BYTES
    {
        items.push(Item { generator: Generator::Logs, content: Packed::plain(archive)? });
    }
    Ok(items)
}

/// The items of a document that the hooks have been through, with its facts, and what can be looked for in it. Takes long for a
/// reactor thread.
///
/// # Errors
/// Where an item can not be compressed.
pub fn of_document(
    document: &Object,
    facts: &Facts,
    wanted: &[Generator],
) -> Result<(Vec<Item>, Vec<Sighting>)> {
    let mut items = Vec::new();
    if wanted.contains(&Generator::Inventory)
        && let Some(inventory) = document.get("inventory")
    {
        items.push(Item::json(Generator::Inventory, inventory)?);
    }
    if wanted.contains(&Generator::Lldp)
        && let Some(heard) = heard(document)
    {
        items.push(Item::json(Generator::Lldp, &heard)?);
    }
    if wanted.contains(&Generator::Facts) {
        items.push(Item { generator: Generator::Facts, content: Packed::pack(&facts.to_json())? });
    }
    Ok((items, facts.sightings()))
}

/// The TLVs of each interface that heard some, by the interface's name.
fn heard(document: &Object) -> Option<Value> {
    let interfaces = document.get("inventory")?.get("interfaces")?.as_array()?;
    let raw = document.get("lldp_raw").and_then(Value::as_object);
    let mut all = Map::new();
    for interface in interfaces {
        let Some(name) = interface.get("name").and_then(Value::as_str) else { continue };
        let own = interface.get("lldp");
        let tlvs = raw.and_then(|raw| raw.get(name)).or(own).and_then(Value::as_array);
        if let Some(tlvs) = tlvs.filter(|tlvs| !tlvs.is_empty()) {
            all.insert(name.to_owned(), Value::Array(tlvs.clone()));
        }
    }
    (!all.is_empty()).then_some(Value::Object(all))
}
