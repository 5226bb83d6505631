//! The list of known devices: a YAML file, read once at the start.
//!
//! Identifiers are read as text whatever they look like: `8086` and `1e08` are no numbers here.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::node_service::Object;

const SHIPPED: &str = include_str!("known.yaml");

/// A device by its identifiers, with all that is to be said of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    pub vendor_id: String,
    pub device_id: String,
    /// All members, in the order of the file.
    pub members: Object,
}

#[derive(Deserialize)]
struct File {
    pci_devices: Vec<Known>,
}

/// The devices in a file, or those shipped.
pub(super) fn read(path: Option<&Path>) -> Result<Vec<Known>> {
    let Some(path) = path else { return parse(SHIPPED).map_err(Error::internal) };
    let refused = |cause: String| {
        Error::bad_request(format!("[accelerators]known_devices: {} {cause}", path.display()))
    };
    let text = fs::read_to_string(path).map_err(|cause| refused(format!("cannot be read: {cause}")))?;
    parse(&text).map_err(|cause| refused(format!("is not a list of known devices: {cause}")))
}

fn parse(text: &str) -> std::result::Result<Vec<Known>, String> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    Ok(file.pci_devices)
}

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(KnownVisitor)
    }
}

struct KnownVisitor;

impl<'de> Visitor<'de> for KnownVisitor {
    type Value = Known;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a device with vendor_id and device_id")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Known, A::Error> {
        let mut members = Object::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = match name.as_str() {
                "vendor_id" | "device_id" => Value::String(map.next_value()?),
                _ => map.next_value()?,
            };
            members.insert(name, value);
        }
        let id = |name: &'static str| {
            let id = members.get(name).and_then(Value::as_str).map(str::to_owned);
            id.ok_or_else(|| A::Error::missing_field(name))
        };
        Ok(Known { vendor_id: id("vendor_id")?, device_id: id("device_id")?, members })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_shipped_list_is_good() {
        let known = read(None).unwrap();
        let ids: Vec<(&str, &str)> =
            known.iter().map(|known| (known.vendor_id.as_str(), known.device_id.as_str())).collect();
        assert_eq!(ids, [("10de", "1eb8"), ("10de", "1df6")]);
        assert_eq!(known[1].members["device_info"], "NVIDIA Corporation GV100GL");
    }

    #[test]
    fn identifiers_are_text_whatever_they_look_like() {
        for id in ["8086", "1e08", "0102", "0x10", "\"1eb8\""] {
            let text =
                format!("pci_devices:\n  - {{vendor_id: {id}, device_id: {id}, cards: 2, new: true}}\n");
            let known = parse(&text).unwrap();
            let wanted = id.trim_matches('"');
            let members = json!({"vendor_id": wanted, "device_id": wanted, "cards": 2, "new": true});
            assert_eq!(Value::Object(known[0].members.clone()), members);
        }
    }

    #[test]
    fn lists_of_another_form_are_refused() {
        let bad = [
            "",
            "[]",
            "pci_devices: 7",
            "pci_devices: [7]",
            "pci_devices: [{vendor_id: 10de}]",
            "pci_devices: [{vendor_id: [1], device_id: a}]",
            "devices: []",
            "pci_devices: [",
            "a: &a [*a, *a]",
        ];
        for text in bad {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("pci_devices: []\n"), Ok(vec![]));
    }

    #[test]
    fn a_refusal_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("devices.yaml");
        assert!(read(Some(&path)).unwrap_err().text.contains("devices.yaml cannot be read"));
        fs::write(&path, "pci_devices: 7").unwrap();
        let text = read(Some(&path)).unwrap_err().text;
        assert!(text.starts_with("[accelerators]known_devices: ") && text.contains("devices.yaml is not"));
    }
}
