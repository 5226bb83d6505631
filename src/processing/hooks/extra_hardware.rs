//! `extra_hardware`: turns the lists of the collector of that name into a tree, `extra` (processing 2.12).

use serde_json::{Number, Value};

use super::{Change, Hook, HookError, View};
use crate::config;
use crate::node_service::Object;
use crate::processing::python::{to_integer, to_text};

/// Replaces `data` by `extra`.
pub struct ExtraHardware {
    strict: bool,
}

impl ExtraHardware {
    /// As configured.
    pub fn new(options: &config::ExtraHardware) -> Self {
        Self { strict: options.strict }
    }

    /// The records, where the data has the form that the collector gives it.
    fn records<'a>(&self, data: &'a Value) -> Option<Vec<&'a [Value]>> {
        let record = |item: &'a Value| {
            let record = item.as_array()?;
            (!self.strict || record.len() == 4).then_some(record.as_slice())
        };
        data.as_array()?.iter().map(record).collect()
    }
}

impl Hook for ExtraHardware {
    fn name(&self) -> &'static str {
        "extra_hardware"
    }

    fn process(&self, view: &View<'_>, document: &mut Object, _: &mut Change) -> Result<(), HookError> {
        let node = view.node.uuid;
        let Some(data) = document.get("data") else {
            log::warn!("No extra hardware in the data; is the collector extra-hardware on? node={node}");
            return Ok(());
        };
        match self.records(data).map(|records| tree(&records)) {
            Some(tree) => {
                document.shift_remove("data");
                document.insert("extra".to_owned(), Value::Object(tree));
            }
            None if self.strict => {
                log::warn!("The extra hardware has an unknown form and is dropped node={node}");
                document.shift_remove("data");
            }
            None => log::warn!("The extra hardware has an unknown form and stays as it is node={node}"),
        }
        Ok(())
    }
}

fn tree(records: &[&[Value]]) -> Object {
    let mut tree = Object::new();
    let whole = records.iter().filter(|record| !record.is_empty());
    let left_out = whole.filter(|record| insert(&mut tree, record).is_none()).count();
    if left_out > 0 {
        log::warn!("Records of the extra hardware are left out count={left_out}");
    }
    tree
}

/// `tree[a][b][c] = d`. Of a bad record the levels that it names stay, as readers know them.
fn insert(tree: &mut Object, record: &[Value]) -> Option<()> {
    let category = level(tree, record.first()?)?;
    let item = level(category, record.get(1)?)?;
    let value = record.get(3)?;
    item.insert(key(record.get(2)?)?, integer(value).unwrap_or_else(|| value.clone()));
    Some(())
}

fn level<'a>(tree: &'a mut Object, name: &Value) -> Option<&'a mut Object> {
    let empty = || Value::Object(Object::new());
    tree.entry(key(name)?).or_insert_with(empty).as_object_mut()
}

/// The value as the name of a JSON member; lists and objects cannot be one.
fn key(value: &Value) -> Option<String> {
    match value {
        Value::String(name) => Some(name.clone()),
        Value::Number(_) => Some(to_text(value)),
        Value::Null | Value::Bool(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn integer(value: &Value) -> Option<Value> {
    Some(Value::Number(Number::from_i128(to_integer(value)?)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::process;
    use super::*;

    fn run(strict: bool, document: Value) -> Value {
        let mut document = document;
        assert!(process(&ExtraHardware { strict }, json!({}), &mut document, &[]).unwrap().is_empty());
        document
    }

    #[test]
    fn records_become_a_tree_with_numbers() {
        let data = json!([
            ["cpu", "physical_0", "cores", "20"],
            ["cpu", "physical_0", "load", 3.7],
            ["cpu", "physical_0", "clock", "5.5"],
            [],
            ["system", "product", "serial", ""],
            ["disk", 0, null, true]
        ]);
        let extra = json!({"cpu": {"physical_0": {"cores": 20, "load": 3, "clock": "5.5"}},
                           "system": {"product": {"serial": ""}}, "disk": {"0": {"null": 1}}});
        assert_eq!(run(false, json!({"data": data})), json!({"extra": extra}));
    }

    #[test]
    fn of_bad_records_the_outer_levels_stay() {
        let data = json!([
            ["short"],
            ["disk", "sda"],
            ["disk", "sdb", "size"],
            [["x"], "a", "b", 1],
            ["cpu", {}, "b", 1],
            ["cpu", "a", [], 1],
            ["cpu", "a", "b", 1, "more"]
        ]);
        let extra = json!({"short": {}, "disk": {"sda": {}, "sdb": {}}, "cpu": {"a": {"b": 1}}});
        assert_eq!(run(false, json!({"data": data})), json!({"extra": extra}));
    }

    #[test]
    fn data_of_another_form_stays_unless_strict() {
        for data in [json!(null), json!("text"), json!({"a": 1}), json!([1]), json!([["a"], "b"])] {
            assert_eq!(run(false, json!({"data": data})), json!({"data": data}));
            assert_eq!(run(true, json!({"data": data})), json!({}));
        }
        assert_eq!(run(true, json!({"data": [["a", "b", "c", "d"], ["short"]]})), json!({}));
        assert_eq!(
            run(true, json!({"data": [["a", "b", "c", "d"]]})),
            json!({"extra": {"a": {"b": {"c": "d"}}}})
        );
        assert_eq!(run(false, json!({"other": 1})), json!({"other": 1}));
    }
}
