//! What one introspection does to the node service, collected before any of it is sent.
//!
//! Invariant: every part is idempotent (whole values, removal of what may be gone already), so that a stored
//! Change can be applied again after a crash.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::capability_list::{CapabilityList, InvalidCapability};
use crate::node_service::{NewPort, Node, PatchOp};

/// All that a run writes to the node service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// One JSON patch of the node, in the order of the hooks.
    pub node_patch: Vec<PatchOp>,
    /// Whether a change of the driver resets the node's interfaces.
    pub reset_interfaces: bool,
    /// All traits that the node is to have; `None` where they stay.
    pub traits: Option<Vec<String>>,
    /// Ports to be made.
    pub new_ports: Vec<NewPort>,
    /// Ports to be changed, one patch a port.
    pub port_patches: Vec<PortPatch>,
    /// Ports to be dropped.
    pub dropped_ports: Vec<Uuid>,
}

/// The change of one port: what the hooks add to it, sent as one patch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortPatch {
    /// The port.
    pub port: Uuid,
    /// What changes, a part for each hook, in their order.
    pub parts: Vec<PatchPart>,
}

/// What one hook changes of a port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatchPart {
    /// What changes.
    pub ops: Vec<PatchOp>,
    /// What it means if the node service will not have it.
    pub refusal: Refusal,
}

/// What the refusal of a part of a Change means to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Refusal {
    /// The run fails.
    Fatal,
    /// A warning; the rest is applied.
    Tolerated,
}

impl PortPatch {
    /// All operations, as one patch.
    #[must_use]
    pub fn ops(&self) -> Vec<PatchOp> {
        self.parts.iter().flat_map(|part| part.ops.iter().cloned()).collect()
    }
}

impl Change {
    /// Sets `/properties/<name>`; a value set earlier in the same run is replaced where it stands.
    pub fn set_property(&mut self, name: &str, value: Value) {
        let wanted = format!("/properties/{name}");
        let earlier = self.node_patch.iter_mut().find_map(|op| match op {
            PatchOp::Add { path, value } if *path == wanted => Some(value),
            _ => None,
        });
        match earlier {
            Some(old) => *old = value,
            None => self.node_patch.push(PatchOp::Add { path: wanted, value }),
        }
    }

    /// The value that `/properties/<name>` will have by this Change, if it sets it.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Value> {
        let wanted = format!("/properties/{name}");
        self.node_patch.iter().find_map(|op| match op {
            PatchOp::Add { path, value } if *path == wanted => Some(value),
            _ => None,
        })
    }

    /// Sets capabilities among those that the node has, or will have by what was set earlier in the same run.
    ///
    /// # Errors
    ///
    /// A capability that would tear the list apart; then nothing is set.
    pub fn set_capabilities<'a>(
        &mut self,
        node: &Node,
        capabilities: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), InvalidCapability> {
        let present = self.property("capabilities").or_else(|| node.property("capabilities"));
        let mut list = CapabilityList::parse(present.and_then(Value::as_str).unwrap_or_default());
        for (name, value) in capabilities {
            list.set(name, value)?;
        }
        self.set_property("capabilities", Value::String(list.to_string()));
        Ok(())
    }

    /// Adds to the patch of a port.
    pub fn patch_port(&mut self, port: Uuid, ops: Vec<PatchOp>, refusal: Refusal) {
        if ops.is_empty() {
            return;
        }
        let part = PatchPart { ops, refusal };
        match self.port_patches.iter_mut().find(|patch| patch.port == port) {
            Some(patch) => patch.parts.push(part),
            None => self.port_patches.push(PortPatch { port, parts: vec![part] }),
        }
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.node_patch.is_empty()
            && self.traits.is_none()
            && self.new_ports.is_empty()
            && self.port_patches.is_empty()
            && self.dropped_ports.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(properties: Value) -> Node {
        let document = [("properties".to_owned(), properties)].into_iter().collect();
        Node { uuid: Uuid::nil(), document }
    }

    #[test]
    fn capabilities_of_several_hooks_become_one_operation() {
        let node = node(json!({"capabilities": "a:1,odd"}));
        let mut change = Change::default();
        change.set_capabilities(&node, [("b", "2")]).unwrap();
        change.set_property("cpus", json!("4"));
        change.set_capabilities(&node, [("c", "3"), ("a", "9")]).unwrap();
        let add = |path: &str, value: &str| PatchOp::Add { path: path.to_owned(), value: json!(value) };
        assert_eq!(
            change.node_patch,
            [add("/properties/capabilities", "a:9,odd,b:2,c:3"), add("/properties/cpus", "4")]
        );
    }

    #[test]
    fn what_several_hooks_change_of_a_port_is_one_patch() {
        let replace = |path: &str| PatchOp::Replace { path: path.to_owned(), value: json!(1) };
        let mut change = Change::default();
        change.patch_port(Uuid::nil(), vec![replace("/a")], Refusal::Fatal);
        change.patch_port(Uuid::max(), vec![replace("/b")], Refusal::Fatal);
        change.patch_port(Uuid::nil(), vec![replace("/c")], Refusal::Tolerated);
        change.patch_port(Uuid::nil(), vec![], Refusal::Tolerated);
        assert_eq!(change.port_patches.len(), 2);
        assert_eq!(change.port_patches[0].parts.len(), 2);
        assert_eq!(change.port_patches[0].ops(), [replace("/a"), replace("/c")]);
    }

    #[test]
    fn a_bad_capability_changes_nothing() {
        let mut change = Change::default();
        assert!(change.set_capabilities(&node(json!({})), [("good", "1"), ("b,d", "2")]).is_err());
        assert!(change.is_empty());
    }
}
