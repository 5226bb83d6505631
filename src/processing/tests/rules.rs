//! Rules on whatever the hooks leave: never a panic; a Change holds all that was wanted before a failure and nothing
//! after it; applied twice it is the same as applied once.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::mutations::value;
use super::*;
use crate::processing::change::Change;
use crate::processing::rules::{Matching, Outcome, Rule, RuleSet};

/// Each operator and action, on fields that documents have and have not.
static RULES: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::new(&each_kind(), Matching::default()));

fn rule(conditions: &Value, actions: &Value) -> Rule {
    let body = json!({"conditions": conditions, "actions": actions});
    Rule::from_object(body.as_object().unwrap()).unwrap_or_else(|error| panic!("{body}: {error}"))
}

fn each_kind() -> Vec<Rule> {
    let fields = [
        "inventory.cpu.count",
        "$..name",
        "all_interfaces.*.mac",
        "root_disk",
        "data[0][1:2]",
        "node://properties",
    ];
    let operators = [
        json!({"op": "eq", "value": 80}),
        json!({"op": "ne", "value": "x", "multiple": "all"}),
        json!({"op": "lt", "value": 1.5, "invert": true}),
        json!({"op": "in-net", "value": "192.0.2.0/24", "multiple": "first"}),
        json!({"op": "matches", "value": "(a|b)*c"}),
        json!({"op": "contains", "value": "[0-9]+"}),
        json!({"op": "is-empty"}),
    ];
    let action = |number: usize| match number % 5 {
        0 => {
            json!({"action": "set-attribute", "path": format!("/extra/r{number}"), "value": "{data[root_disk]}"})
        }
        1 => {
            json!({"action": "extend-attribute", "path": "/extra/list", "value": {"{data[cpus]}": [number]}})
        }
        2 => {
            json!({"action": "set-capability", "name": format!("c{number}"), "value": "{data[boot_interface]}"})
        }
        3 => json!({"action": "add-trait", "name": format!("CUSTOM_{number}")}),
        _ => {
            json!({"action": "set-attribute", "path": "/properties/memory_mb", "value": "{data[memory_mb]:>9}"})
        }
    };
    let pairs = fields.iter().flat_map(|field| operators.iter().map(move |operator| (field, operator)));
    let made = pairs.enumerate().map(|(number, (field, operator))| {
        let mut condition = operator.clone();
        condition["field"] = json!(field);
        rule(&json!([condition]), &json!([action(number)]))
    });
    made.collect()
}

/// The node with the Change applied to it.
fn applied(node: &Node, change: &Change, times: usize) -> Value {
    let mut document = Value::Object(node.document.clone());
    for name in ["extra", "driver_info", "instance_info"] {
        document.as_object_mut().unwrap().entry(name).or_insert_with(|| json!({}));
    }
    for _ in 0..times {
        for op in &change.node_patch {
            let op: json_patch::PatchOperation = serde_json::from_value(json!(op)).unwrap();
            // What does not fit, the node service refuses; the others are as they would be.
            let _ = json_patch::patch(&mut document, &[op]);
        }
    }
    document
}

/// Applies the fixed rules to a document that the hooks have been through.
pub(super) fn survive(node: &Node, data: &Value, change: &mut Change) {
    let (outcome, results) = RULES.apply(data, node, change);
    let failed = matches!(&outcome, Outcome::Failed(text) if !text.is_empty());
    assert_eq!(failed, results.failed.is_some(), "{outcome:?}");
    assert!(!failed || results.failed == results.matched.last().map(|rule| rule.uuid.clone()));
    assert_eq!(applied(node, change, 1), applied(node, change, 2), "{change:?}");
}

fn action() -> impl Strategy<Value = Value> {
    let path = prop::sample::select(vec![
        "/extra/a",
        "extra/a",
        "/extra/a/b",
        "/extra/list",
        "/extra/list/0",
        "/extra/list/-",
        "/extra",
        "/driver",
        "/properties/capabilities",
        "/properties/cpus",
        "/no/such/place",
        "/",
        "/extra/~1",
        "/extra/a/0",
    ]);
    let text =
        prop::sample::select(vec!["x", "{data[cpus]}", "{data[no]}", "{", "{data[list][0]:d}", "a,b", ""]);
    let capability = prop::sample::select(vec!["a", "b:c", "boot", ""]);
    let value = prop_oneof![value(), text.prop_map(|text| json!(text))];
    prop_oneof![
        (path.clone(), value.clone())
            .prop_map(|(path, value)| json!({"action": "set-attribute", "path": path, "value": value})),
        (path, value.clone(), any::<bool>()).prop_map(|(path, value, unique)| {
            json!({"action": "extend-attribute", "path": path, "value": [value], "unique": unique})
        }),
        (capability.clone(), value)
            .prop_map(|(name, value)| json!({"action": "set-capability", "name": name, "value": value})),
        capability.clone().prop_map(|name| json!({"action": "add-trait", "name": name})),
        capability.prop_map(|name| json!({"action": "remove-trait", "name": name})),
        Just(json!({"action": "fail", "message": "stop"})),
    ]
}

fn subject() -> (Node, Value) {
    let mut node = node(json!({"capabilities": "boot:local,odd", "cpus": 1}));
    node.document.insert("extra".to_owned(), json!({"list": [1], "a": {"b": {}}}));
    node.document.insert("traits".to_owned(), json!(["a", "KEPT"]));
    (node, json!({"cpus": 4, "list": [7], "memory_mb": 1}))
}

/// The Change of these actions, and whether the last of them failed.
fn change_of(actions: &[Value]) -> (Change, Outcome) {
    let rules: Vec<Rule> = actions.iter().map(|action| rule(&json!([]), &json!([action]))).collect();
    let ((node, data), mut change) = (subject(), Change::default());
    let (outcome, _) = RuleSet::new(&rules, Matching::default()).apply(&data, &node, &mut change);
    (change, outcome)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_change_holds_what_was_wanted_before_a_failure_and_nothing_of_what_failed(
        actions in prop::collection::vec(action(), 1..8),
    ) {
        let (whole, outcome) = change_of(&actions);
        let good = (0..=actions.len()).rev().find(|count| change_of(&actions[..*count]).1 == Outcome::Applied);
        let (before, _) = change_of(&actions[..good.unwrap()]);
        prop_assert_eq!(&whole, &before);
        prop_assert_eq!(outcome == Outcome::Applied, good == Some(actions.len()));
        if let Some(end) = actions.iter().position(|action| action["action"] == "fail") {
            prop_assert!(matches!(outcome, Outcome::Failed(_)));
            prop_assert_eq!(whole, change_of(&actions[..=end]).0);
        }
    }

    #[test]
    fn a_change_applied_twice_is_the_same_as_applied_once(actions in prop::collection::vec(action(), 1..8)) {
        let ((change, _), (node, _)) = (change_of(&actions), subject());
        prop_assert_eq!(applied(&node, &change, 1), applied(&node, &change, 2));
    }

    #[test]
    fn any_rule_is_compiled_or_refused_and_any_data_is_judged(
        op in "eq|ne|lt|gt|le|ge|in-net|matches|contains|is-empty|other", field in "(data://|node://|x://)?[a-c$.*\\[\\]0-9|,]{0,8}",
        operand in value(), data in value(), invert in any::<bool>(),
    ) {
        let condition = json!({"op": op, "field": field, "value": operand, "invert": invert});
        let body = json!({"conditions": [condition], "actions": [{"action": "example"}]});
        if let Ok(rule) = Rule::from_object(body.as_object().unwrap()) {
            let (node, _) = subject();
            let mut change = Change::default();
            let data = json!({"a": data, "b": [data], "c": {"a": data}});
            let (outcome, results) = RuleSet::new(&[rule], Matching::default()).apply(&data, &node, &mut change);
            prop_assert_eq!(outcome, Outcome::Applied);
            prop_assert!(results.matched.len() <= 1 && results.doubts.len() <= 1);
        }
    }
}
