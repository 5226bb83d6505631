//! A site: what a design declares of each node, after inheritance. Pure.
//!
//! A node inherits from its host profile, host profiles from others, and the hardware profile is the ground of it all. The
//! child goes over the parent; objects are joined, lists are added up, and `!x` in a list removes the parent's `x`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::document::{self, Document};
use super::finding::Finding;

/// Host profiles above one another at most.
const MAX_DEPTH: usize = 50;

/// What is declared of a node, joined.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// All members of node and host profiles.
    pub node: Value,
    /// What the hardware is to be: that of the profile, and what the node says over it.
    pub hardware: Value,
    /// Its labels: those of its document, and `metadata.owner_data`.
    pub labels: BTreeMap<String, String>,
}

impl Declared {
    /// The rack that it stands in.
    #[must_use]
    pub fn rack(&self) -> Option<&str> {
        self.node.pointer("/metadata/rack").and_then(Value::as_str)
    }

    /// Its tags.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        let tags = self.node.pointer("/metadata/tags").and_then(Value::as_array);
        tags.into_iter().flatten().filter_map(Value::as_str)
    }
}

/// A design as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Site {
    /// What is declared of each node, by name.
    pub nodes: BTreeMap<String, Declared>,
    /// The labels of each rack, by name.
    pub racks: BTreeMap<String, BTreeMap<String, String>>,
    /// What is wrong with the design.
    pub findings: Vec<Finding>,
}

impl Site {
    /// The design of a text.
    #[must_use]
    pub fn read(text: &[u8]) -> Self {
        let (documents, mut findings) = document::read(text);
        let mut known: BTreeMap<(&str, &str), &Document> = BTreeMap::new();
        for document in &documents {
            if known.insert((document.kind, &document.name), document).is_some() {
                let why = "There is another document with this kind and name.".to_owned();
                findings.push(Finding::error("DD003", &document.place(), why));
            }
        }
        let mut nodes = BTreeMap::new();
        for node in documents.iter().filter(|document| document.kind == "BaremetalNode") {
            match compile(node, &known) {
                Ok(declared) => {
                    nodes.insert(node.name.clone(), declared);
                }
                Err((code, why)) => findings.push(Finding::error(code, &node.place(), why)),
            }
        }
        let racks = documents.iter().filter(|document| document.kind == "Rack");
        let racks = racks.map(|rack| (rack.name.clone(), rack.labels.clone())).collect();
        Self { nodes, racks, findings }
    }
}

type Known<'a> = BTreeMap<(&'a str, &'a str), &'a Document>;

fn compile(node: &Document, known: &Known<'_>) -> Result<Declared, (&'static str, String)> {
    let mut chain = vec![&node.content];
    while let Some(name) = chain.last().and_then(|child| child.get("host_profile")?.as_str()) {
        if chain.len() > MAX_DEPTH {
            return Err((
                "DD005",
                format!("Its host profiles inherit from one another without end, as {name} does."),
            ));
        }
        let Some(profile) = known.get(&("HostProfile", name)) else {
            return Err(("DD004", format!("The host profile {name} is not declared.")));
        };
        chain.push(&profile.content);
    }
    let joined = chain.into_iter().rev().fold(Value::Null, join);
    let Some(name) = joined.get("hardware_profile").and_then(Value::as_str) else {
        return Err(("DD006", "It has no hardware profile.".to_owned()));
    };
    let Some(profile) = known.get(&("HardwareProfile", name)) else {
        return Err(("DD004", format!("The hardware profile {name} is not declared.")));
    };
    let own = joined.get("hardware").cloned().unwrap_or_else(|| Value::Object(Map::new()));
    let hardware = join(profile.content.clone(), &own);
    let mut labels = joined.pointer("/metadata/owner_data").map(document::pairs).unwrap_or_default();
    labels.extend(node.labels.clone());
    Ok(Declared { name: node.name.clone(), node: joined, hardware, labels })
}

/// The child over its parent.
fn join(parent: Value, child: &Value) -> Value {
    match (parent, child) {
        (Value::Object(mut members), Value::Object(own)) => {
            for (name, value) in own {
                let inherited = members.shift_remove(name).unwrap_or_default();
                members.insert(name.clone(), join(inherited, value));
            }
            Value::Object(members)
        }
        (parent, Value::Array(own)) => {
            let removed = |item: &Value| own.iter().any(|mine| negates(mine, item));
            let mut items: Vec<Value> = match parent {
                Value::Array(items) => items.into_iter().filter(|item| !removed(item)).collect(),
                _ => Vec::new(),
            };
            for item in own.iter().filter(|item| !item.as_str().is_some_and(|text| text.starts_with('!'))) {
                if !items.contains(item) {
                    items.push(item.clone());
                }
            }
            Value::Array(items)
        }
        (parent, Value::Null) => parent,
        (_, child) => child.clone(),
    }
}

fn negates(mine: &Value, item: &Value) -> bool {
    mine.as_str().and_then(|text| text.strip_prefix('!')).is_some_and(|text| item.as_str() == Some(text))
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) const DESIGN: &str = "
schema: drydock/HardwareProfile/v1
metadata: {name: server}
data:
  vendor: QEMU
  boot_mode: uefi
  memory_mb: 16384
  cpu: {count: 8, architecture: x86_64}
  disks: {count: 1, min_size_gb: 90}
  device_aliases:
    pxe: {address: 'regexp:0000:0[0-9]:00.0', dev_type: nic, bus_type: pci}
---
apiVersion: drydock/v1
kind: HostProfile
metadata: {name: base}
spec:
  hardware_profile: server
  metadata: {tags: [a, b], rack: r1}
---
apiVersion: drydock/v1
kind: HostProfile
metadata: {name: storage}
spec: {host_profile: base, metadata: {tags: ['!a', c]}}
---
apiVersion: other/v1
kind: BaremetalNode
metadata: {name: not ours}
---
schema: drydock/BaremetalNode/v1
metadata: {name: node1, labels: {row: '7'}}
data:
  host_profile: storage
  metadata: {boot_mac: '52:54:00:00:01:00', owner_data: {gpu: 2, row: '6'}}
  oob: {address: 10.1.0.1}
  hardware:
    memory_mb: 32768
    nics: {eth0: {mac: '52:54:00:00:01:00'}, eth1: {}}
";

    fn codes(text: &str) -> Vec<(&'static str, String)> {
        Site::read(text.as_bytes()).findings.into_iter().map(|found| (found.code, found.place)).collect()
    }

    #[test]
    fn a_node_inherits_from_its_profiles_and_goes_over_them() {
        let site = Site::read(DESIGN.as_bytes());
        assert_eq!(site.findings, []);
        assert_eq!(site.nodes.len(), 1);
        let node = &site.nodes["node1"];
        let metadata = &node.node["metadata"];
        assert_eq!((&metadata["tags"], &metadata["rack"]), (&json!(["b", "c"]), &json!("r1")));
        assert_eq!((&node.hardware["memory_mb"], &node.hardware["vendor"]), (&json!(32768), &json!("QEMU")));
        assert_eq!(node.hardware["cpu"], json!({"count": 8, "architecture": "x86_64"}));
    }

    #[test]
    fn every_violation_is_told_with_its_path() {
        let text = "
schema: drydock/HardwareProfile/v1
metadata: {name: bad}
data: {boot_mode: floppy, memory_mb: much, wheels: 4}
---
schema: drydock/BaremetalNode/v1
metadata: {name: node}
data: {hardware_profile: bad, metadata: {boot_mac: x}}
";
        let mut found = codes(text);
        found.sort();
        let wanted = [
            "BaremetalNode/node/metadata/boot_mac",
            "HardwareProfile/bad",
            "HardwareProfile/bad/boot_mode",
            "HardwareProfile/bad/memory_mb",
        ];
        assert_eq!(found, wanted.map(|place| ("DD001", place.to_owned())));
    }

    #[test]
    fn what_leads_nowhere_is_told() {
        let node = |name: &str, data: &str| {
            format!("---\nschema: drydock/BaremetalNode/v1\nmetadata: {{name: {name}}}\ndata: {data}\n")
        };
        let place = |name: &str| format!("BaremetalNode/{name}");
        let profile = "---\nschema: drydock/HostProfile/v1\nmetadata: {name: p}\ndata: {host_profile: p}\n";
        assert_eq!(codes(&node("a", "{}")), [("DD006", place("a"))]);
        assert_eq!(codes(&node("a", "{hardware_profile: x}")), [("DD004", place("a"))]);
        assert_eq!(codes(&node("a", "{host_profile: x}")), [("DD004", place("a"))]);
        assert_eq!(codes(&format!("{profile}{}", node("a", "{host_profile: p}"))), [("DD005", place("a"))]);
        let twice = format!("{DESIGN}{}", node("node1", "{hardware_profile: server}"));
        assert_eq!(codes(&twice), [("DD003", place("node1"))]);
        assert_eq!(codes("schema: drydock/x\n"), [("DD002", "Document/0".to_owned())]);
        assert_eq!(codes("{"), [("DD000", "Design".to_owned())]);
        assert_eq!(codes(""), []);
    }
}
