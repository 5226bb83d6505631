//! `example`: logs what it sees, in both phases (processing 2.17). Written to be copied.

use super::{Change, Hook, HookError, View};
use crate::node_service::Object;

/// Changes nothing.
pub struct Example;

impl Hook for Example {
    fn name(&self) -> &'static str {
        "example"
    }

    fn before(&self, document: &mut Object) -> Result<(), HookError> {
        log::info!("The ramdisk posted data members={}", members(document));
        Ok(())
    }

    fn process(&self, view: &View<'_>, document: &mut Object, _: &mut Change) -> Result<(), HookError> {
        let (node, ports) = (view.node.uuid, view.ports.len());
        log::info!("A node is processed node={node} ports={ports} members={}", members(document));
        Ok(())
    }
}

/// Only the names: values may be long, and may be nobody's business.
fn members(document: &Object) -> String {
    document.keys().map(String::as_str).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{object, process};
    use super::*;

    #[test]
    fn nothing_is_changed() {
        let mut document = json!({"inventory": {}, "error": null});
        let before = document.clone();
        Example.before(&mut object(document.clone())).unwrap();
        assert!(process(&Example, json!({}), &mut document, &[]).unwrap().is_empty());
        assert_eq!(document, before);
        assert_eq!(members(&object(document)), "inventory,error");
    }
}
