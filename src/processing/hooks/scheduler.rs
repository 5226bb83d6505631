//! `scheduler`: the properties by which nodes are chosen, `cpus`, `cpu_arch` and `memory_mb` (processing 2.7).
//!
//! What the ramdisk does not know is left out with a warning, never an error.

use serde_json::{Number, Value};

use super::{Change, Hook, HookError, View};
use crate::config::Processing;
use crate::node_service::Object;
use crate::processing::inventory;
use crate::processing::python::{is_truthy, to_integer, to_text, truthy};

const PROPERTIES: [&str; 3] = ["cpus", "cpu_arch", "memory_mb"];

/// Sets the properties for scheduling.
pub struct Scheduler {
    overwrite_existing: bool,
}

impl Scheduler {
    /// As configured.
    pub fn new(options: &Processing) -> Self {
        Self { overwrite_existing: options.overwrite_existing }
    }
}

impl Hook for Scheduler {
    fn name(&self) -> &'static str {
        "scheduler"
    }

    fn process(&self, view: &View<'_>, document: &mut Object, change: &mut Change) -> Result<(), HookError> {
        let inventory = inventory::checked(document)?;
        let found =
            [("cpus", cpus(inventory)), ("cpu_arch", cpu_arch(inventory)), ("memory_mb", memory(inventory))];
        for (name, value) in found {
            match value {
                Some(value) => drop(document.insert(name.to_owned(), value)),
                None => log::warn!("No usable {name} in the inventory node={}", view.node.uuid),
            }
        }
        for name in PROPERTIES {
            let present = view.node.property(name).is_some_and(is_truthy);
            if let Some(value) = truthy(document, name).filter(|_| self.overwrite_existing || !present) {
                change.set_property(name, Value::String(to_text(value)));
            }
        }
        Ok(())
    }
}

fn cpus(inventory: &Object) -> Option<Value> {
    integer(inventory.get("cpu")?.get("count")?)
}

/// The architecture counts only beside a count.
fn cpu_arch(inventory: &Object) -> Option<Value> {
    cpus(inventory)?;
    let architecture = inventory.get("cpu")?.get("architecture").filter(|value| !value.is_null())?;
    Some(Value::String(to_text(architecture)))
}

fn memory(inventory: &Object) -> Option<Value> {
    integer(inventory.get("memory")?.get("physical_mb")?)
}

fn integer(value: &Value) -> Option<Value> {
    Some(Value::Number(Number::from_i128(to_integer(value)?)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{add, process};
    use super::*;

    fn run(overwrite_existing: bool, properties: Value, inventory: Value) -> (Change, Value) {
        let mut document = json!({"inventory": inventory});
        document["inventory"]["interfaces"] = json!([{}]);
        let hook = Scheduler { overwrite_existing };
        (process(&hook, properties, &mut document, &[]).unwrap(), document)
    }

    fn inventory() -> Value {
        json!({"cpu": {"count": 80, "architecture": "x86_64"}, "memory": {"physical_mb": 1024}})
    }

    #[test]
    fn numbers_go_into_the_data_and_text_to_the_node() {
        let (change, document) = run(true, json!({"cpus": "80", "cpu_arch": "i386"}), inventory());
        assert_eq!(
            change.node_patch,
            [
                add("/properties/cpus", "80"),
                add("/properties/cpu_arch", "x86_64"),
                add("/properties/memory_mb", "1024")
            ]
        );
        assert_eq!((&document["cpus"], &document["memory_mb"]), (&json!(80), &json!(1024)));
    }

    #[test]
    fn present_values_stay_without_overwriting() {
        let (change, document) = run(false, json!({"cpus": "1", "cpu_arch": ""}), inventory());
        assert_eq!(
            change.node_patch,
            [add("/properties/cpu_arch", "x86_64"), add("/properties/memory_mb", "1024")]
        );
        assert_eq!(document["cpus"], json!(80));
    }

    #[test]
    fn a_count_may_be_text() {
        let (change, document) = run(true, json!({}), json!({"cpu": {"count": "24", "architecture": "arm"}}));
        assert_eq!(change.property("cpus"), Some(&json!("24")));
        assert_eq!(document["cpus"], json!(24));
    }

    #[test]
    fn without_an_architecture_the_count_remains() {
        for cpu in [json!({"count": 2}), json!({"count": 2, "architecture": null})] {
            let (change, _) = run(true, json!({}), json!({"cpu": cpu}));
            assert_eq!(change.node_patch, [add("/properties/cpus", "2")]);
        }
    }

    #[test]
    fn whatever_is_missing_or_odd_is_left_out() {
        let odd = [json!(null), json!(4), json!([]), json!("text"), json!({}), json!({"count": "many"})];
        for value in odd {
            let (change, document) = run(true, json!({}), json!({"cpu": value, "memory": value}));
            assert!(change.is_empty());
            assert!(document.get("cpus").is_none());
        }
    }

    #[test]
    fn empty_values_are_not_written() {
        let cpu = json!({"count": 0, "architecture": ""});
        let (change, document) = run(true, json!({}), json!({"cpu": cpu}));
        assert!(change.is_empty());
        assert_eq!((&document["cpus"], &document["cpu_arch"]), (&json!(0), &json!("")));
    }
}
