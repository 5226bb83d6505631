//! The contract's vectors (processing 3.10), and rules at work on one node.

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::node_service::{Node, Object, PatchOp};
use crate::processing::change::Change;

const NODE: Uuid = Uuid::from_u128(0x1111_2222_3333_4444_5555_6666_7777_8888);

fn data() -> Value {
    json!({
        "inventory": {
            "cpu": {"count": 4, "frequency": "2100.0", "flags": ["vmx", "aes", "pse"], "architecture": "x86_64"},
            "boot": {"current_boot_mode": "uefi"},
            "disks": [{"name": "/dev/vda", "rotational": true}],
            "bmc_address": "192.0.2.10", "hostname": "h", "memory": {"physical_mb": 8192},
            "interfaces": [
                {"name": "eth0", "has_carrier": true, "speed_mbps": 1000, "ipv4_address": "192.0.2.20"},
                {"name": "eth1", "has_carrier": false, "speed_mbps": null, "ipv4_address": null},
            ],
        },
        "lldp_raw": {"eth1": []}, "cpus": 4, "memory_mb": 8192,
    })
}

fn node() -> Node {
    let document = json!({
        "uuid": NODE, "driver": "ipmi", "maintenance": false, "provision_state": "manageable",
        "properties": {"capabilities": "profile:old,boot:local", "inspection_scope": "gold"},
        "extra": {"tags": ["old"]}, "driver_info": {}, "traits": ["CUSTOM_OLD", "CUSTOM_KEPT"],
    });
    Node { uuid: NODE, document: document.as_object().cloned().unwrap() }
}

fn rule(body: Value) -> Rule {
    Rule::from_object(body.as_object().unwrap()).unwrap_or_else(|error| panic!("{body}: {error}"))
}

fn refusal(body: Value) -> String {
    Rule::from_object(body.as_object().unwrap()).unwrap_err().text
}

fn applied(rules: &[Value]) -> (Change, Outcome) {
    let rules: Vec<Rule> = rules.iter().cloned().map(rule).collect();
    let mut change = Change::default();
    let (outcome, _) = RuleSet::new(&rules, Matching::default()).apply(&data(), &node(), &mut change);
    (change, outcome)
}

fn done(actions: Value) -> Change {
    let (change, outcome) = applied(&[json!({ "actions": actions })]);
    assert_eq!(outcome, Outcome::Applied);
    change
}

fn failed(actions: Value) -> (Change, String) {
    match applied(&[json!({ "actions": actions })]) {
        (change, Outcome::Failed(text)) => (change, text),
        (change, Outcome::Applied) => panic!("{change:?}"),
    }
}

fn add(path: &str, value: Value) -> PatchOp {
    PatchOp::Add { path: path.to_owned(), value }
}

fn matches(condition: &Value) -> bool {
    let body = json!({"conditions": [condition], "actions": [{"action": "set-attribute", "path": "/extra/hit", "value": 1}]});
    !applied(&[body]).0.is_empty()
}

fn condition(op: &str, field: &str, value: Value) -> Value {
    json!({"op": op, "field": field, "value": value})
}

/// Where the ancestor fails the whole introspection, the condition is false.
#[test]
fn the_contracts_vectors_hold() {
    let inventory = |name: &str| format!("inventory.{name}");
    let nic = |rest: &str| format!("inventory.interfaces[1].{rest}");
    let cases = [
        ("eq", inventory("cpu.count"), json!(4), true),
        ("eq", inventory("cpu.count"), json!(4.0), true),
        ("eq", inventory("cpu.count"), json!("4"), false),
        ("eq", inventory("cpu.frequency"), json!(2100.0), true),
        ("eq", inventory("cpu.frequency"), json!(2100), false),
        ("eq", inventory("disks[0].rotational"), json!(true), true),
        ("eq", inventory("cpu.count"), json!(true), false),
        ("eq", inventory("boot.current_boot_mode"), json!(true), false),
        ("eq", nic("speed_mbps"), json!(5), false),
        ("gt", nic("speed_mbps"), json!(5), false),
        ("eq", nic("speed_mbps"), json!("x"), false),
        ("lt", inventory("cpu.count"), json!("5"), false),
        ("eq", inventory("missing"), json!(1), false),
        ("ne", inventory("missing"), json!(1), false),
        ("in-net", inventory("bmc_address"), json!("192.0.2.0/24"), true),
        ("in-net", inventory("bmc_address"), json!("192.0.2.77/24"), true),
        ("in-net", inventory("bmc_address"), json!("192.0.2.10"), true),
        ("in-net", inventory("bmc_address"), json!("2001:db8::/32"), false),
        ("in-net", inventory("hostname"), json!("192.0.2.0/24"), false),
        ("in-net", nic("ipv4_address"), json!("192.0.2.0/24"), false),
        ("matches", inventory("boot.current_boot_mode"), json!("uef"), false),
        ("matches", inventory("boot.current_boot_mode"), json!("uef."), true),
        // The whole alternation is anchored; the ancestor anchors its last branch only.
        ("matches", inventory("boot.current_boot_mode"), json!("ue|bios"), false),
        ("matches", inventory("boot.current_boot_mode"), json!("uefi|bios"), true),
        ("matches", inventory("boot.current_boot_mode"), json!(""), false),
        ("matches", inventory("boot.current_boot_mode"), json!("(?!bios)(.).*"), true),
        ("matches", inventory("cpu.count"), json!("[0-9]"), true),
        ("matches", nic("ipv4_address"), json!("None"), true),
        ("contains", inventory("boot.current_boot_mode"), json!("ef"), true),
        ("contains", inventory("boot.current_boot_mode"), json!(""), true),
        ("contains", inventory("cpu.flags"), json!("'vmx'"), true),
        ("eq", inventory("memory[0]"), json!(4), false),
        ("eq", inventory("cpu.flags"), json!(["vmx", "aes", "pse"]), true),
        ("eq", inventory("boot"), json!({"current_boot_mode": "uefi"}), true),
        ("eq", "node://driver".to_owned(), json!("ipmi"), true),
        ("eq", "node://id".to_owned(), json!(NODE), true),
        ("eq", "node://uuid".to_owned(), json!(NODE), true),
        ("eq", "node://maintenance".to_owned(), json!(false), true),
        ("eq", "node://is_maintenance".to_owned(), json!(false), true),
        ("eq", "data://cpus".to_owned(), json!(4), true),
        ("lt", inventory("cpu.count"), json!(4.5), true),
        ("ge", inventory("cpu.frequency"), json!(2100.5), false),
        ("le", inventory("hostname"), json!("h"), true),
        ("gt", inventory("cpu.flags"), json!(["vmx", "aes"]), true),
        ("eq", inventory("cpu.flags"), json!(["vmx", "aes"]), false),
    ];
    for (op, field, value, wanted) in cases {
        assert_eq!(matches(&condition(op, &field, value.clone())), wanted, "{field} {op} {value}");
    }
}

#[test]
fn verdicts_are_turned_round_and_taken_together() {
    let with = |mut base: Value, more: Value| {
        base.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        base
    };
    let carrier = |value: bool| condition("eq", "inventory.interfaces[*].has_carrier", json!(value));
    let is_empty = |field: &str| json!({"op": "is-empty", "field": field});
    let cases = [
        (with(carrier(false), json!({"multiple": "any"})), true),
        (with(carrier(false), json!({"multiple": "all"})), false),
        (with(carrier(false), json!({"multiple": "first"})), false),
        (with(carrier(true), json!({"invert": true, "multiple": "any"})), true),
        (with(carrier(true), json!({"invert": true, "multiple": "all"})), false),
        (with(condition("eq", "missing", json!(1)), json!({"invert": true})), false),
        (with(condition("eq", "missing", json!(1)), json!({"multiple": "all"})), false),
        (is_empty("missing"), true),
        (with(is_empty("missing"), json!({"invert": true})), false),
        (is_empty("lldp_raw.eth1"), true),
        (is_empty("inventory.disks[0].rotational"), false),
        (is_empty("inventory.interfaces[1].ipv4_address"), true),
        // What surprises is false on either side, and keeps the other values from nothing.
        (with(condition("in-net", "inventory.hostname", json!("::/0")), json!({"invert": true})), false),
        (condition("in-net", "inventory.interfaces[*].ipv4_address", json!("192.0.2.0/24")), true),
    ];
    for (condition, wanted) in cases {
        assert_eq!(matches(&condition), wanted, "{condition}");
    }
}

#[test]
fn a_regular_expression_that_goes_back_for_ever_is_given_up() {
    let text = "a".repeat(5000) + "b";
    let rule = rule(json!({
        "conditions": [condition("matches", "text", json!("((?=a)a|a)*c"))],
        "actions": [{"action": "fail", "message": "never"}],
    }));
    let (outcome, results) = RuleSet::new(&[rule], Matching::default()).apply(
        &json!({ "text": text }),
        &node(),
        &mut Change::default(),
    );
    assert!(results.doubts[0].problem.to_lowercase().contains("backtrack"), "{results:?}");
    assert_eq!(outcome, Outcome::Applied);
}

#[test]
fn wrong_rules_are_refused_by_name() {
    let actions = json!([{"action": "fail", "message": "m"}]);
    let conditions = |conditions: Value| refusal(json!({"conditions": conditions, "actions": actions}));
    let eq = |more: Value| {
        let mut base = json!({"op": "eq", "field": "a"});
        base.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        conditions(json!([base]))
    };
    assert_eq!(conditions(json!("text")), "Validation failed for conditions: 'text' is not of type 'array'");
    assert_eq!(
        conditions(json!([{"op": "eq"}])),
        "Validation failed for conditions: 'field' is a required property"
    );
    assert!(
        conditions(json!([{"op": "x", "field": "a"}]))
            .starts_with("Validation failed for conditions: 'x' is not one of ['eq', ")
    );
    assert_eq!(eq(json!({})), "Invalid parameters for operator eq: missing required parameter(s): value");
    assert_eq!(
        eq(json!({"other": 1})),
        "Invalid parameters for operator eq: missing required parameter(s): value; unexpected parameter(s): other"
    );
    assert_eq!(
        conditions(json!([condition("in-net", "a", json!("10.0.0.0/99"))])),
        "Invalid parameters for operator in-net: invalid value: invalid IPNetwork 10.0.0.0/99"
    );
    assert!(
        conditions(json!([condition("matches", "a", json!("["))]))
            .starts_with("Invalid parameters for operator matches: invalid regular expression: ")
    );
    for odd in [json!(5), json!("a)(b"), json!("(?P<")] {
        assert!(conditions(json!([condition("contains", "a", odd)])).contains("invalid regular expression"));
    }
    assert_eq!(
        conditions(json!([condition("eq", "http://a", json!(1))])),
        "Unsupported scheme for field: http, valid values are node:// or data://"
    );
    assert!(
        conditions(json!([condition("eq", "a..[", json!(1))]))
            .starts_with("Unable to parse field JSON path a..[: ")
    );
    for (actions, text) in [
        (json!([]), "Validation failed for actions: [] should be non-empty"),
        (
            json!([{"action": "fail"}]),
            "Invalid parameters for action fail: missing required parameter(s): message",
        ),
        (
            json!([{"action": "set-attribute", "path": "/a", "value": 1, "x": 1}]),
            "Invalid parameters for action set-attribute: unexpected parameter(s): x",
        ),
    ] {
        assert_eq!(refusal(json!({ "actions": actions })), text);
    }
    assert_eq!(refusal(json!({"uuid": "x", "actions": actions})), "Invalid UUID value");
    assert_eq!(refusal(json!({"uuid": 5, "actions": actions})), "Invalid UUID value");
    let long = "s".repeat(256);
    assert_eq!(
        refusal(json!({"scope": long, "actions": actions})),
        "Invalid scope: the length of the scope should be within 255 characters"
    );
    assert!(refusal(json!({"priority": "high", "actions": actions})).contains("priority"));
    assert!(refusal(json!({"disabled": 1, "actions": actions})).contains("disabled"));
}

#[test]
fn a_uuid_is_kept_in_any_notation() {
    let plain = NODE.simple().to_string().to_uppercase();
    for uuid in [NODE.to_string(), plain.clone(), format!("{{{NODE}}}"), format!("urn:uuid:{NODE}")] {
        let body = json!({"uuid": uuid, "actions": [{"action": "example"}]});
        assert_eq!(rule(body).uuid, uuid);
    }
    let made = |uuid: Value| rule(json!({"uuid": uuid, "actions": [{"action": "example"}]})).uuid;
    assert_ne!(made(Value::Null), made(json!("")));
}

#[test]
fn every_action_sees_the_node_as_the_ones_before_left_it() {
    let change = done(json!([
        {"action": "extend-attribute", "path": "/extra/tags", "value": "a"},
        {"action": "extend-attribute", "path": "extra/tags", "value": "a", "unique": true},
        {"action": "set-attribute", "path": "/extra/o", "value": 1},
        {"action": "set-attribute", "path": "extra/o", "value": "{data[cpus]}"},
        {"action": "extend-attribute", "path": "/extra/new", "value": 1},
        {"action": "set-capability", "name": "cores", "value": "{data[cpus]}"},
        {"action": "set-capability", "name": "boot"},
        {"action": "set-attribute", "path": "/extra/tags/0", "value": "new"},
        {"action": "example"},
    ]));
    assert_eq!(
        change.node_patch,
        [
            add("/extra/tags", json!(["new", "old", "a"])),
            add("/extra/o", json!("4")),
            add("/extra/new", json!([1])),
            add("/properties/capabilities", json!("profile:old,cores:4")),
        ]
    );
    assert_eq!((change.traits, change.reset_interfaces), (None, false));
}

#[test]
fn a_list_inside_of_objects_is_extended_where_it_is() {
    let change = done(json!([
        {"action": "set-attribute", "path": "/extra/foo", "value": {"bar": ["old"], "other": 1}},
        {"action": "extend-attribute", "path": "/extra/foo/bar", "value": "new"},
        {"action": "extend-attribute", "path": "/extra/foo/bar", "value": "new", "unique": true},
    ]));
    let mut node = Value::Object(node().document);
    let patch: json_patch::Patch = serde_json::from_value(json!(change.node_patch)).unwrap();
    json_patch::patch(&mut node, &patch).unwrap();
    assert_eq!(node["extra"], json!({"tags": ["old"], "foo": {"bar": ["old", "new"], "other": 1}}));
}

#[test]
fn what_the_hooks_want_is_seen_and_kept() {
    let mut change = Change::default();
    change.set_capabilities(&node(), [("cpu_vt", "true")]).unwrap();
    let seen = condition("contains", "node://properties.capabilities", json!("cpu_vt"));
    let rule = rule(
        json!({"conditions": [seen], "actions": [{"action": "set-capability", "name": "a", "value": "1"}]}),
    );
    assert_eq!(
        RuleSet::new(&[rule], Matching::default()).apply(&data(), &node(), &mut change).0,
        Outcome::Applied
    );
    assert_eq!(
        change.node_patch,
        [add("/properties/capabilities", json!("profile:old,boot:local,cpu_vt:true,a:1"))]
    );
}

#[test]
fn a_value_is_not_moved_across_one_that_holds_it() {
    let change = done(json!([
        {"action": "set-attribute", "path": "/extra/a", "value": 1},
        {"action": "set-attribute", "path": "/extra", "value": {}},
        {"action": "set-attribute", "path": "/extra/a", "value": 2},
    ]));
    let paths: Vec<_> = change.node_patch.iter().map(|op| format!("{op:?}")).collect();
    assert_eq!(paths.len(), 3, "{paths:?}");
}

#[test]
fn nothing_is_sent_where_nothing_changes() {
    let change = done(json!([
        {"action": "set-attribute", "path": "/extra/tags", "value": ["old"]},
        {"action": "set-capability", "name": "profile", "value": "old"},
        {"action": "set-capability", "name": "absent"},
        {"action": "remove-trait", "name": "CUSTOM_ABSENT"},
        {"action": "add-trait", "name": "CUSTOM_OLD"},
    ]));
    assert!(change.is_empty(), "{change:?}");
}

#[test]
fn traits_are_set_at_once() {
    let change = done(json!([
        {"action": "add-trait", "name": "CUSTOM_NEW"},
        {"action": "remove-trait", "name": "CUSTOM_OLD"},
    ]));
    assert_eq!(change.traits, Some(vec!["CUSTOM_KEPT".to_owned(), "CUSTOM_NEW".to_owned()]));
    assert!(!change.is_empty());
}

#[test]
fn a_new_driver_resets_the_interfaces_unless_told_not_to() {
    for (more, wanted) in [(json!({}), true), (json!({"reset_interfaces": false}), false)] {
        let mut action = json!({"action": "set-attribute", "path": "/driver", "value": "redfish"});
        action.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let change = done(json!([action]));
        assert_eq!(change.node_patch, [add("/driver", json!("redfish"))]);
        assert_eq!(change.reset_interfaces, wanted);
    }
}

#[test]
fn a_failing_action_ends_the_change_and_keeps_what_was_before() {
    let set = |name: &str| json!({"action": "set-attribute", "path": format!("/extra/{name}"), "value": 1});
    let fail = |action: Value| {
        let (change, text) = failed(json!([set("one"), action, set("two")]));
        assert_eq!(change.node_patch, [add("/extra/one", json!(1))]);
        text
    };
    assert_eq!(fail(json!({"action": "fail", "message": "stop"})), "stop");
    assert_eq!(
        fail(json!({"action": "set-attribute", "path": "/extra/f", "value": "{data[no_such_key]}"})),
        "Invalid formatting variable key provided in value {data[no_such_key]}: 'no_such_key'"
    );
    assert!(fail(json!({"action": "set-capability", "name": "a", "value": "b,c"})).contains("contains ','"));
    assert_eq!(
        fail(json!({"action": "extend-attribute", "path": "/extra/one", "value": 1})),
        "Cannot extend attribute /extra/one: it is no list, but int"
    );
    assert!(
        fail(json!({"action": "set-attribute", "path": "/extra/no/such", "value": 1})).contains("can not be")
    );
}

#[test]
fn rules_go_by_priority_and_scope_and_see_no_effects_of_others() {
    let named = |name: &str, more: Value| {
        let mut body =
            json!({"actions": [{"action": "extend-attribute", "path": "/extra/list", "value": name}]});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        body
    };
    let (change, _) = applied(&[
        named("plain", json!({})),
        named("low", json!({"priority": -5})),
        named("high", json!({"priority": 10})),
        named("gold", json!({"scope": "gold"})),
        named("silver", json!({"scope": "silver"})),
        named("empty scope", json!({"scope": ""})),
        named("disabled", json!({"disabled": true})),
        named(
            "never",
            json!({"conditions": [{"op": "is-empty", "field": "node://extra.list", "invert": true}]}),
        ),
    ]);
    assert_eq!(
        change.node_patch,
        [add("/extra/list", json!(["high", "low", "plain", "gold", "empty scope"]))]
    );
}

#[test]
fn it_is_told_which_rules_held_which_failed_and_what_could_not_be_judged() {
    let odd = condition("in-net", "inventory.interfaces[*].name", json!("10.0.0.0/8"));
    let done = json!([{"action": "example"}]);
    let rules = [
        json!({"description": "odd", "conditions": [odd], "actions": done}),
        json!({"description": "holds", "actions": done}),
        json!({"conditions": [condition("eq", "cpus", json!(5))], "actions": done}),
        json!({"actions": [{"action": "fail", "message": "stop"}]}),
        json!({"description": "never", "actions": done}),
    ];
    let rules: Vec<Rule> = rules.into_iter().map(rule).collect();
    let (outcome, results) =
        RuleSet::new(&rules, Matching::default()).apply(&data(), &node(), &mut Change::default());
    assert_eq!(outcome, Outcome::Failed("stop".to_owned()));
    let matched: Vec<_> = results.matched.iter().map(|rule| rule.description.as_deref()).collect();
    assert_eq!(matched, [Some("holds"), None]);
    assert_eq!(results.failed.as_ref(), Some(&rules[3].uuid));
    // Both names are no addresses; the condition is told of once.
    let [doubt] = results.doubts.as_slice() else { panic!("{results:?}") };
    assert_eq!((&doubt.rule, doubt.field.as_str()), (&rules[0].uuid, "inventory.interfaces[*].name"));
    assert!(doubt.problem.contains("no IP address"), "{doubt:?}");
}

#[test]
fn of_several_alternatives_only_the_last_reaches_to_the_end_where_that_is_asked_for() {
    let holds = |pattern: &str, text: &str, matching| {
        let rule = json!({"conditions": [{"op": "matches", "field": "text", "value": pattern}],
            "actions": [{"action": "fail", "message": "it holds"}]});
        let rule = Rule::from_object(rule.as_object().unwrap()).unwrap();
        let set = RuleSet::new(&[rule], matching);
        set.apply(&json!({ "text": text }), &node(), &mut Change::default()).0 != Outcome::Applied
    };
    let ways = [Matching::Whole, Matching::LastAlternative];
    for (pattern, text, expected) in [
        ("ue|bios", "uefi", [false, true]),
        ("bios|ue", "uefi", [false, false]),
        ("bios|ue", "bios 2", [false, true]),
        ("ue|bios", "an ue", [false, false]),
        ("uefi|bios", "bios", [true, true]),
        ("uefi$", "uefi", [true, true]),
        ("uefi", "uefi\n", [false, true]),
    ] {
        assert_eq!(ways.map(|way| holds(pattern, text, way)), expected, "{pattern} {text:?}");
    }
}

#[test]
fn a_dry_run_tells_why() {
    let rules = [
        rule(json!({
            "description": "d",
            "conditions": [condition("eq", "cpus", json!(5)), condition("gt", "inventory.hostname", json!(1))],
            "actions": [{"action": "example"}],
        })),
        rule(
            json!({"actions": [{"action": "add-trait", "name": "A"}, {"action": "fail", "message": "boom"}]}),
        ),
    ];
    let report = dry_run(&rules, Matching::default(), &data(), &node()).unwrap();
    let [first, second] = report["rules"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!((&first["matches"], &second["matches"]), (&json!(false), &json!(true)));
    assert_eq!(first["conditions"][0]["values"], json!([{"value": 4, "holds": false}]));
    assert_eq!(first["conditions"][1]["problems"], json!(["'h' is no int"]));
    assert_eq!(report["error"], json!("boom"));
    assert_eq!(report["change"]["traits"], json!(["CUSTOM_OLD", "CUSTOM_KEPT", "A"]));
}

#[test]
fn a_patch_changes_what_it_names() {
    let old =
        rule(json!({"description": "d", "scope": "s", "priority": 1, "actions": [{"action": "example"}]}));
    let patched = |body: Value| {
        RulePatch::from_object(body.as_object().unwrap_or(&Object::new()))
            .map(|patch| patch.applied_to(old.clone()))
    };
    assert_eq!(patched(json!({})), Ok(old.clone()));
    let new =
        patched(json!({"description": null, "priority": null, "disabled": true, "conditions": []})).unwrap();
    assert_eq!(
        (new.description, new.priority, new.disabled, new.scope),
        (None, None, true, old.scope.clone())
    );
    for body in
        [json!({"actions": []}), json!({"uuid": "x"}), json!({"conditions": null}), json!({"scope": 5})]
    {
        assert!(patched(body.clone()).is_err(), "{body}");
    }
}
