//! The node's capabilities: the text `k1:v1,k2:v2` in `properties.capabilities`.
//!
//! Invariant: what is written can be read back as the same pairs. An item without a colon on the node is kept
//! as it is. It must not know hooks.

use std::fmt;

use indexmap::IndexMap;

/// Capabilities in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapabilityList(IndexMap<String, Option<String>>);

/// A capability that would tear the list apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCapability {
    /// The name is empty, or holds a separator.
    #[error("Capability name {0:?} is empty or contains ',' or ':'")]
    Name(String),
    /// The value holds a separator.
    #[error("Value {value:?} of capability {name:?} contains ','")]
    Value {
        /// The capability.
        name: String,
        /// What it was to become.
        value: String,
    },
}

impl CapabilityList {
    /// Reads the text of a node (processing 2.4.5). Of several items with the same name the last value counts.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let items = text.split(',').filter(|item| !item.is_empty());
        Self(
            items
                .map(|item| match item.split_once(':') {
                    Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                    None => (item.to_owned(), None),
                })
                .collect(),
        )
    }

    /// Sets a capability: where it stands, or at the end.
    ///
    /// # Errors
    ///
    /// A name or value that could not be read back.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), InvalidCapability> {
        check_name(name)?;
        if value.contains(',') {
            return Err(InvalidCapability::Value { name: name.to_owned(), value: value.to_owned() });
        }
        self.0.insert(name.to_owned(), Some(value.to_owned()));
        Ok(())
    }

    /// Removes a capability; answers whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.shift_remove(name).is_some()
    }

    /// The value of a capability.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_deref()
    }
}

/// Whether a capability may have this name.
///
/// # Errors
///
/// An empty name, or one with a separator.
pub fn check_name(name: &str) -> Result<(), InvalidCapability> {
    if name.is_empty() || name.contains([',', ':']) {
        return Err(InvalidCapability::Name(name.to_owned()));
    }
    Ok(())
}

impl fmt::Display for CapabilityList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            match value {
                Some(value) => write!(f, "{separator}{name}:{value}")?,
                None => write!(f, "{separator}{name}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_new_names_are_appended() {
        let mut list = CapabilityList::parse("profile:control,cpu_vt:false,boot_option:local");
        list.set("cpu_vt", "true").unwrap();
        list.set("cpu_aes", "true").unwrap();
        assert_eq!(list.to_string(), "profile:control,cpu_vt:true,boot_option:local,cpu_aes:true");
        assert_eq!(list.get("cpu_aes"), Some("true"));
    }

    #[test]
    fn a_removed_capability_leaves_the_others_in_order() {
        let mut list = CapabilityList::parse("a:1,b:2,c:3");
        assert!(list.remove("b") && !list.remove("b"));
        assert_eq!(list.to_string(), "a:1,c:3");
    }

    #[test]
    fn an_item_without_colon_is_kept() {
        let mut list = CapabilityList::parse("odd,,a:b:c");
        list.set("x", "1:2").unwrap();
        assert_eq!(list.to_string(), "odd,a:b:c,x:1:2");
        assert_eq!(list.get("odd"), None);
        assert_eq!(list.get("a"), Some("b:c"));
    }

    #[test]
    fn separators_are_refused() {
        let mut list = CapabilityList::default();
        for name in ["", "a,b", "a:b"] {
            assert!(matches!(list.set(name, "x"), Err(InvalidCapability::Name(_))), "{name}");
        }
        assert!(matches!(list.set("a", "b,c:d"), Err(InvalidCapability::Value { .. })));
        assert_eq!(list.to_string(), "");
    }
}
