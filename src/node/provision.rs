//! Which provision states let a node be introspected (processing 5.2).

use crate::error::{Error, Result};
use crate::node_service::Node;

const VALID: [&str; 5] = ["enroll", "manageable", "inspecting", "inspect wait", "inspect failed"];

/// Whether the node may be introspected now.
///
/// # Errors
/// The contract's literal, where it may not.
pub fn check(node: &Node) -> Result<()> {
    let state = node.provision_state();
    if VALID.contains(&state.as_str()) {
        return Ok(());
    }
    let list = VALID.map(|name| format!("'{name}'")).join(", ");
    Err(Error::bad_request(format!(
        "Invalid provision state for introspection: \"{state}\", valid states are \"[{list}]\""
    )))
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
            assert!(check(&node(state)).is_ok(), "{state}");
        }
        let error = check(&node("active")).unwrap_err();
        assert!(error.text.starts_with("Invalid provision state for introspection: \"active\", valid"));
    }
}
