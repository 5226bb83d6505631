//! Which provision states let a node be introspected (processing 5.2).

use super::ManageBoot;
use crate::error::{Error, Result};
use crate::node_service::Node;

const VALID: [&str; 5] = ["enroll", "manageable", "inspecting", "inspect wait", "inspect failed"];

/// The same with nodes in use.
const VALID_IN_USE: [&str; 7] =
    ["enroll", "manageable", "inspecting", "inspect wait", "inspect failed", "active", "rescue"];

/// Whether nodes in use (`active`, `rescue`) may be introspected; their power is never touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InUse {
    /// They may.
    Permitted,
    /// They may not.
    Refused,
}

/// Whether the node may be introspected now.
///
/// # Errors
/// The contract's literal, where it may not.
pub fn check(node: &Node, in_use: InUse) -> Result<()> {
    let state = node.provision_state();
    let valid: &[&str] = match in_use {
        InUse::Permitted => &VALID_IN_USE,
        InUse::Refused => &VALID,
    };
    if valid.contains(&state.as_str()) {
        return Ok(());
    }
    let list = valid.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    Err(Error::bad_request(format!(
        "Invalid provision state for introspection: \"{state}\", valid states are \"[{list}]\""
    )))
}

/// Whether the node's boot may be managed as it is asked for: a running instance is never rebooted.
///
/// # Errors
/// Where it is in use and the boot is to be managed.
pub fn check_boot(node: &Node, manage_boot: ManageBoot) -> Result<()> {
    if manage_boot == ManageBoot::Managed && node.is_in_use() {
        return Err(Error::bad_request(format!(
            "Node {} is in use (provision state {}) and must not be rebooted: its introspection can be started \
             only with manage_boot=false",
            node.uuid,
            node.provision_state()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(state: &str) -> Node {
        let document = json!({"provision_state": state}).as_object().cloned().unwrap();
        Node { uuid: uuid::Uuid::nil(), document }
    }

    #[test]
    fn only_nodes_that_are_not_in_use_are_introspected() {
        for state in ["enroll", "manageable", "Inspect Wait"] {
            assert!(check(&node(state), InUse::Refused).is_ok(), "{state}");
        }
        let error = check(&node("active"), InUse::Refused).unwrap_err();
        assert!(error.text.starts_with("Invalid provision state for introspection: \"active\", valid"));
    }

    #[test]
    fn nodes_in_use_may_be_introspected_where_permitted_but_never_rebooted() {
        for state in ["active", "rescue"] {
            let node = node(state);
            assert!(check(&node, InUse::Permitted).is_ok(), "{state}");
            assert!(check_boot(&node, ManageBoot::Unmanaged).is_ok(), "{state}");
            assert!(check_boot(&node, ManageBoot::Managed).is_err(), "{state}");
        }
        assert!(check(&node("available"), InUse::Permitted).is_err());
        assert!(check_boot(&node("manageable"), ManageBoot::Managed).is_ok());
    }
}
