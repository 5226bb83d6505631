//! Every place of the example document, with every sort of wrong value: survived, or refused by name.

use serde_json::json;

use super::mutations::{ALL_HOOKS, places};
use super::*;
use crate::processing::View;

/// What the contract says instead of naming a place, and what names a capability or an interface.
const TEXTS: [&str; 8] = [
    "Hardware inventory is empty or missing",
    "No network interfaces provided in the inventory",
    "No interfaces supplied by the ramdisk",
    "No suitable interfaces found in ",
    "Ramdisk reported error: ",
    "Invalid introspection data: the IP address ",
    "Value \"",
    "all_interfaces is missing: validate_interfaces did not run",
];
const NAMED: &str = "Invalid introspection data: ";

fn wrong_values() -> Vec<Value> {
    let number = serde_json::from_str("123456789012345678901234567890").unwrap();
    let mut values =
        vec![json!(null), json!(true), json!(7), json!(0.5), json!("\u{1}"), json!("x,y:z"), number];
    values.extend([json!([]), json!({}), json!([7]), json!([{}]), json!({"name": [1]})]);
    values
}

/// The first failure on the document's way, without the name of the hook.
fn failure(pipeline: &Pipeline, mut document: Object) -> Option<String> {
    let lines = pipeline.prepare(&mut document);
    if let Some(line) = lines.into_iter().next() {
        let (hook, text) = line.split_once(": ").unwrap();
        assert!(hook.starts_with("Preprocessing hook "), "{line}");
        return Some(text.to_owned());
    }
    let node = node(json!({}));
    let outcome = pipeline.process(&View { node: &node, ports: &[] }, &mut document);
    outcome.err().map(|failure| failure.text)
}

/// `/inventory/disks/0/size` as failures name it: `inventory.disks[0].size`.
fn dotted(place: &str) -> String {
    let parts = place.split('/').skip(1).map(|part| match part.parse::<usize>() {
        Ok(index) => format!("[{index}]"),
        Err(_) => format!(".{part}"),
    });
    parts.collect::<String>().trim_start_matches('.').to_owned()
}

/// Whether a failure that names a place means this one, or what it is in.
fn is_about(text: &str, place: &str) -> bool {
    let named = text.split([' ', ':']).next().unwrap_or_default();
    // What the pre phase makes of an interface is named by the interface.
    let derived = place.contains("/inventory/interfaces") && named.contains("interfaces");
    dotted(place).starts_with(named) || named.starts_with(&dotted(place)) || derived
}

#[test]
fn a_wrong_value_anywhere_is_survived_or_refused_by_name() {
    let processing = Processing { processing_hooks: ALL_HOOKS.to_owned(), ..Processing::default() };
    let pipeline = pipeline(processing);
    let whole = Value::Object(example());
    let mut all = Vec::new();
    places(&whole, "", &mut all);
    let (mut runs, mut refused) = (0, 0);
    for place in &all {
        for wrong in wrong_values() {
            let mut document = whole.clone();
            *document.pointer_mut(place).unwrap() = wrong.clone();
            runs += 1;
            let Some(text) = failure(&pipeline, document.as_object().unwrap().clone()) else { continue };
            refused += 1;
            let is_named = text.strip_prefix(NAMED).is_some_and(|rest| is_about(rest, place));
            let is_known = TEXTS.iter().any(|known| text.starts_with(known));
            assert!(is_named || is_known, "{place} = {wrong}: {text}");
        }
    }
    assert!(runs > 2000 && refused > 100, "{runs} runs, {refused} refused");
}
