//! The inventory of the posted document: presence, types and the boot interface.
//!
//! Invariant: a member of the wrong type is named in a plain 400, whatever it holds. It must not know nodes.

use serde_json::Value;

use super::hooks::HookError;
use super::python::{is_truthy, truthy, type_name};
use crate::mac::Mac;
use crate::node_service::Object;

/// Interfaces that a machine may have, VLANs among them: each is compared with every port.
pub const MAX_INTERFACES: usize = 8192;

/// The inventory, after the check that most hooks begin with (processing 2.4.1): there is one, and it has
/// interfaces, but not too many of them. Missing or empty `disks` become an empty list.
///
/// # Errors
///
/// The contract's texts for missing parts, and one that names the member for a wrong type.
pub fn checked(document: &mut Object) -> Result<&mut Object, HookError> {
    let inventory = document
        .get_mut("inventory")
        .filter(|value| is_truthy(value))
        .ok_or_else(|| HookError::expected("Hardware inventory is empty or missing"))?;
    let Value::Object(inventory) = inventory else {
        return Err(wrong_type("inventory", "an object", inventory));
    };
    match truthy(inventory, "interfaces") {
        Some(Value::Array(interfaces)) if interfaces.len() > MAX_INTERFACES => {
            return Err(HookError::Expected(format!(
                "Invalid introspection data: inventory.interfaces has {} items, at most {MAX_INTERFACES} are \
                 possible",
                interfaces.len()
            )));
        }
        Some(Value::Array(_)) => {}
        Some(other) => return Err(wrong_type("inventory.interfaces", "a list", other)),
        None => return Err(HookError::expected("No network interfaces provided in the inventory")),
    }
    if truthy(inventory, "disks").is_none() {
        log::info!("No disks were found in the inventory, assuming a diskless node");
        inventory.insert("disks".to_owned(), Value::Array(Vec::new()));
    }
    Ok(inventory)
}

/// A member that should be an object; `None` where it is missing or null.
///
/// # Errors
///
/// A value of another type.
pub fn object<'a>(
    parent: &'a Object,
    parent_name: &str,
    name: &str,
) -> Result<Option<&'a Object>, HookError> {
    match parent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(other) => Err(wrong_type(&path(parent_name, name), "an object", other)),
    }
}

/// A member that should be a list; `None` where it is missing or null.
///
/// # Errors
///
/// A value of another type.
pub fn list<'a>(parent: &'a Object, parent_name: &str, name: &str) -> Result<Option<&'a [Value]>, HookError> {
    match parent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(other) => Err(wrong_type(&path(parent_name, name), "a list", other)),
    }
}

/// A member that should be text; `None` where it counts as empty.
///
/// # Errors
///
/// A value of another type.
pub fn text<'a>(parent: &'a Object, parent_name: &str, name: &str) -> Result<Option<&'a str>, HookError> {
    match truthy(parent, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(&path(parent_name, name), "a string", other)),
    }
}

/// The objects in a list, each with its place.
///
/// # Errors
///
/// The first element that is no object.
pub fn objects<'a>(items: &'a [Value], name: &str) -> Result<Vec<(String, &'a Object)>, HookError> {
    let item = |(index, value): (usize, &'a Value)| {
        let place = format!("{name}[{index}]");
        match value {
            Value::Object(object) => Ok((place, object)),
            other => Err(wrong_type(&place, "an object", other)),
        }
    };
    items.iter().enumerate().map(item).collect()
}

/// A text of a document as a log may show it: on one line, and not longer than it can be read.
#[must_use]
pub fn loggable(text: &str) -> String {
    text.escape_debug().take(64).collect()
}

/// The refusal of a member that has the wrong type.
pub fn wrong_type(path: &str, wanted: &str, got: &Value) -> HookError {
    HookError::Expected(format!(
        "Invalid introspection data: {path} is expected to be {wanted}, got {}",
        type_name(got)
    ))
}

fn path(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

/// The interface that the machine booted from, as the top-level `boot_interface` names it (processing 2.4.3).
#[must_use]
pub fn boot_mac(document: &Object) -> Option<Mac> {
    Mac::from_boot_interface(document.get("boot_interface")?.as_str()?)
}

/// The same, or else as `inventory.boot.pxe_interface` names it.
///
/// Only for telling which port boots: a document without `boot_interface` is one whose addressed interfaces all
/// become ports, and clients rely on that.
#[must_use]
pub fn likely_boot_mac(document: &Object) -> Option<Mac> {
    let named = || {
        let boot = document.get("inventory")?.get("boot")?;
        Mac::from_boot_interface(boot.get("pxe_interface")?.as_str()?)
    };
    boot_mac(document).or_else(named)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(document: Value) -> Result<Value, HookError> {
        let Value::Object(mut document) = document else { panic!("an object") };
        checked(&mut document).map(|inventory| Value::Object(inventory.clone()))
    }

    #[test]
    fn missing_parts_have_the_texts_of_the_contract() {
        for document in
            [json!({}), json!({"inventory": null}), json!({"inventory": {}}), json!({"inventory": []})]
        {
            assert_eq!(check(document), Err(HookError::expected("Hardware inventory is empty or missing")));
        }
        for inventory in [json!({"cpu": {}}), json!({"interfaces": []}), json!({"interfaces": null})] {
            assert_eq!(
                check(json!({"inventory": inventory})),
                Err(HookError::expected("No network interfaces provided in the inventory"))
            );
        }
    }

    #[test]
    fn wrong_types_are_named() {
        let refusal = |document| check(document).unwrap_err().to_string();
        assert_eq!(
            refusal(json!({"inventory": [1]})),
            "Invalid introspection data: inventory is expected to be an object, got list"
        );
        assert_eq!(
            refusal(json!({"inventory": {"interfaces": "eth0"}})),
            "Invalid introspection data: inventory.interfaces is expected to be a list, got str"
        );
    }

    #[test]
    fn what_a_document_says_stays_on_its_line_of_the_log() {
        assert_eq!(loggable("eth0"), "eth0");
        assert_eq!(loggable("a\nb\u{1b}"), r"a\nb\u{1b}");
        assert_eq!(loggable(&"x".repeat(1000)).len(), 64);
    }

    #[test]
    fn the_number_of_interfaces_has_a_limit() {
        let with = |count: usize| check(json!({"inventory": {"interfaces": vec![json!({}); count]}}));
        assert!(with(MAX_INTERFACES).is_ok());
        let refusal = with(MAX_INTERFACES + 1).unwrap_err().to_string();
        assert!(refusal.contains("inventory.interfaces has 8193 items"), "{refusal}");
    }

    #[test]
    fn missing_disks_become_an_empty_list() {
        for disks in [json!(null), json!([]), json!("")] {
            let inventory = check(json!({"inventory": {"interfaces": [1], "disks": disks}})).unwrap();
            assert_eq!(inventory, json!({"interfaces": [1], "disks": []}));
        }
    }

    #[test]
    fn the_boot_interface_of_the_inventory_is_only_the_likely_one() {
        let Value::Object(document) =
            json!({"boot_interface": null, "inventory": {"boot": {"pxe_interface": "52:54:00:00:00:0A"}}})
        else {
            panic!("an object")
        };
        assert_eq!(boot_mac(&document), None);
        assert_eq!(likely_boot_mac(&document).unwrap().as_str(), "52:54:00:00:00:0a");
    }
}
