//! What one introspection does to the node service, collected before any of it is sent.
//!
//! Invariant: every part is idempotent (whole values, removal of what may be gone already), so that a stored
//! Change can be applied again after a crash.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::node_service::{NewPort, PatchOp};

/// All that a run writes to the node service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// One JSON patch of the node, in the order of the hooks.
    pub node_patch: Vec<PatchOp>,
    /// Ports to be made.
    pub new_ports: Vec<NewPort>,
    /// Ports to be changed, one patch a port.
    pub port_patches: Vec<PortPatch>,
    /// Ports to be dropped.
    pub dropped_ports: Vec<Uuid>,
}

/// The change of one port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortPatch {
    /// The port.
    pub port: Uuid,
    /// What changes.
    pub patch: Vec<PatchOp>,
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

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.node_patch.is_empty()
            && self.new_ports.is_empty()
            && self.port_patches.is_empty()
            && self.dropped_ports.is_empty()
    }
}
