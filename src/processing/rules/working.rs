//! The node as the actions have left it so far, and the Change that makes it so.
//!
//! Invariant: the copy is the node with the Change applied. Only whole values go into the Change, so that it can be
//! applied twice: an element of a list is written as the whole list.

use serde_json::{Map, Value, json};

use crate::node_service::{Node, Object, PatchOp};
use crate::processing::capability_list::CapabilityList;
use crate::processing::change::Change;
use crate::processing::python::type_name;

/// Members that every node has, even where its document leaves them out.
const OBJECTS: [&str; 4] = ["properties", "extra", "driver_info", "instance_info"];
const CAPABILITIES: &str = "/properties/capabilities";

/// A node under change.
pub(super) struct Working<'a> {
    document: Value,
    change: &'a mut Change,
}

impl<'a> Working<'a> {
    /// The node with what the hooks want changed. What does not fit is left to the node service to refuse.
    pub(super) fn new(node: &Node, change: &'a mut Change) -> Self {
        let mut document = node.document.clone();
        for name in OBJECTS {
            if document.get(name).is_none_or(Value::is_null) {
                document.insert(name.to_owned(), Value::Object(Map::new()));
            }
        }
        let mut document = Value::Object(document);
        for op in &change.node_patch {
            if let Err(text) = patch(&mut document, op) {
                log::warn!("{text} node={}", node.uuid);
            }
        }
        Self { document, change }
    }

    /// The members of the node.
    pub(super) fn document(&self) -> Object {
        self.document.as_object().cloned().unwrap_or_default()
    }

    /// Sets the value at a JSON pointer.
    pub(super) fn set(&mut self, path: &str, value: Value) -> Result<(), String> {
        let whole = self.whole(path);
        let before = self.document.pointer(whole).cloned();
        patch(&mut self.document, &PatchOp::Add { path: path.to_owned(), value })?;
        let after = self.document.pointer(whole).cloned();
        match after {
            Some(value) if before.as_ref() != Some(&value) => self.record(whole.to_owned(), value),
            _ => {}
        }
        Ok(())
    }

    /// Sets the driver; sent even where it stays, since its interfaces may have to be reset.
    pub(super) fn set_driver(&mut self, value: Value, reset_interfaces: bool) {
        self.put("driver", value.clone());
        self.record("/driver".to_owned(), value);
        self.change.reset_interfaces |= reset_interfaces;
    }

    /// Sets a capability, or removes it.
    pub(super) fn set_capability(&mut self, name: &str, value: Option<&str>) -> Result<(), String> {
        let present = self.document.pointer(CAPABILITIES).and_then(Value::as_str).unwrap_or_default();
        let mut list = CapabilityList::parse(present);
        match value {
            Some(value) => list.set(name, value).map_err(|error| error.to_string())?,
            None if list.remove(name) => {}
            None => return Ok(()),
        }
        self.set(CAPABILITIES, Value::String(list.to_string()))
    }

    /// Appends to a list; one that is missing is made.
    pub(super) fn extend(&mut self, path: &str, value: Value, unique: bool) -> Result<(), String> {
        let mut list = match self.document.pointer(path) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => list.clone(),
            Some(other) => {
                return Err(format!(
                    "Cannot extend attribute {path}: it is no list, but {}",
                    type_name(other)
                ));
            }
        };
        if unique && list.contains(&value) {
            return Ok(());
        }
        list.push(value);
        self.set(path, Value::Array(list))
    }

    /// Adds a trait.
    pub(super) fn add_trait(&mut self, name: &str) {
        let mut traits = self.traits();
        if !traits.iter().any(|present| present == name) {
            traits.push(name.to_owned());
            self.set_traits(traits);
        }
    }

    /// Removes a trait; one that the node does not have is removed already.
    pub(super) fn remove_trait(&mut self, name: &str) {
        let mut traits = self.traits();
        let before = traits.len();
        traits.retain(|present| present != name);
        if traits.len() != before {
            self.set_traits(traits);
        }
    }

    fn traits(&self) -> Vec<String> {
        let listed = self.document.get("traits").and_then(Value::as_array);
        listed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn set_traits(&mut self, traits: Vec<String>) {
        self.put("traits", json!(traits));
        self.change.traits = Some(traits);
    }

    fn put(&mut self, member: &str, value: Value) {
        if let Value::Object(members) = &mut self.document {
            members.insert(member.to_owned(), value);
        }
    }

    /// The path without what lies inside a list.
    fn whole<'p>(&self, path: &'p str) -> &'p str {
        let slashes = path.match_indices('/').map(|(at, _)| at).skip(1);
        let mut parents = slashes.filter_map(|at| path.get(..at));
        parents.find(|parent| self.document.pointer(parent).is_some_and(Value::is_array)).unwrap_or(path)
    }

    /// Adds to the patch. A value that nothing has touched since is replaced where it stands.
    fn record(&mut self, path: String, value: Value) {
        let last = self.change.node_patch.iter_mut().rev().find(|op| touches(op, &path));
        match last {
            Some(PatchOp::Add { path: earlier, value: old }) if *earlier == path => *old = value,
            _ => self.change.node_patch.push(PatchOp::Add { path, value }),
        }
    }
}

/// Whether the operation is about this place, or one above or below it.
fn touches(op: &PatchOp, path: &str) -> bool {
    let (PatchOp::Add { path: other, .. }
    | PatchOp::Replace { path: other, .. }
    | PatchOp::Remove { path: other }) = op;
    let is_at_or_below = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    is_at_or_below(path, other) || is_at_or_below(other, path)
}

fn patch(document: &mut Value, op: &PatchOp) -> Result<(), String> {
    let impossible = |error: &dyn std::fmt::Display| format!("The node can not be changed so: {error}");
    let operation = serde_json::to_value(op).and_then(serde_json::from_value);
    let operation: json_patch::PatchOperation = operation.map_err(|error| impossible(&error))?;
    json_patch::patch(document, &[operation]).map_err(|error| impossible(&error))
}
