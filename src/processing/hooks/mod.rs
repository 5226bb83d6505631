//! The hooks, one file each, and the registry that makes them from the configuration.
//!
//! A hook reads the document and one view of the node, adds to the document, and adds to one [`Change`]. It must
//! not send, store or wait. A new hook is one file and one line in [`registry`]; see `docs/writing-a-hook.md`.

mod accelerators;
mod capabilities;
mod example;
mod extra_hardware;
mod lldp_basic;
mod local_link_connection;
mod pci_devices;
mod physnet_cidr_map;
mod raid_device;
mod ramdisk_error;
pub mod registry;
mod root_disk_selection;
mod scheduler;
mod validate_interfaces;

use super::capability_list::InvalidCapability;
use super::change::Change;
use crate::node_service::{Node, Object, Port};

/// The node and its ports, as read once for the whole run.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The node.
    pub node: &'a Node,
    /// All its ports.
    pub ports: &'a [Port],
}

/// How a hook fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// The data or the node is not as it has to be; the text says what is wrong.
    #[error("{0}")]
    Expected(String),
    /// Something that should not happen.
    #[error("{text}")]
    Unexpected {
        /// What sort of failure, in one word.
        class: &'static str,
        /// What happened.
        text: String,
    },
}

impl HookError {
    /// A failure that the data or the node explains.
    pub fn expected(text: impl Into<String>) -> Self {
        Self::Expected(text.into())
    }
}

impl From<InvalidCapability> for HookError {
    fn from(error: InvalidCapability) -> Self {
        Self::Expected(error.to_string())
    }
}

/// One step of the pipeline.
pub trait Hook: Send + Sync {
    /// The name in the configuration.
    fn name(&self) -> &'static str;

    /// The pre phase: before the node is known.
    ///
    /// # Errors
    ///
    /// What makes the document unusable. The other hooks run nevertheless.
    fn before(&self, _document: &mut Object) -> Result<(), HookError> {
        Ok(())
    }

    /// The main phase: adds to the document and to the Change of the node.
    ///
    /// # Errors
    ///
    /// What ends the run; nothing of the Change is applied then.
    fn process(
        &self,
        _view: &View<'_>,
        _document: &mut Object,
        _change: &mut Change,
    ) -> Result<(), HookError> {
        Ok(())
    }
}

/// The guide for authors of hooks; its example is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/writing-a-hook.md")]
struct Guide;

#[cfg(test)]
mod testing {
    //! What the hooks' tests share.

    use serde_json::Value;
    use uuid::Uuid;

    use super::{Change, Hook, HookError, View};
    use crate::node_service::{Node, Object, PatchOp, Port};

    /// The object in a literal.
    pub fn object(value: Value) -> Object {
        match value {
            Value::Object(object) => object,
            other => panic!("{other} is no object"),
        }
    }

    /// A node with these properties.
    pub fn node(properties: Value) -> Node {
        let document = object(serde_json::json!({"provision_state": "manageable", "properties": properties}));
        Node { uuid: Uuid::from_u128(7), document }
    }

    /// Runs the main phase of one hook.
    pub fn process(
        hook: &dyn Hook,
        properties: Value,
        document: &mut Value,
        ports: &[Port],
    ) -> Result<Change, HookError> {
        let mut change = Change::default();
        let node = node(properties);
        let document = document.as_object_mut().expect("a document is an object");
        hook.process(&View { node: &node, ports }, document, &mut change)?;
        Ok(change)
    }

    /// An operation as the node service will see it.
    pub fn add(path: &str, value: impl Into<Value>) -> PatchOp {
        PatchOp::Add { path: path.to_owned(), value: value.into() }
    }
}
