//! Which nodes a task is for: the filter as it is given, and what it means. Pure.
//!
//! Invariant: what is not understood is refused when the task is created, never later. The values of one criterion are
//! alternatives, except for labels: in an `intersection` all of them have to be there.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::fsm::State;
use crate::inventory::search;
use crate::mac::Mac;

/// Elements of a filter at most.
const MAX_ELEMENTS: usize = 1000;
/// Values of one criterion at most.
const MAX_VALUES: usize = 100_000;

/// How sets are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetType {
    /// What is in any of them.
    Union,
    /// What is in all of them.
    Intersection,
}

/// Which nodes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeFilter {
    filter_set_type: SetType,
    filter_set: Vec<Element>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Element {
    filter_type: SetType,
    #[serde(default)]
    node_names: Vec<String>,
    #[serde(default)]
    node_tags: Vec<String>,
    #[serde(default)]
    node_labels: BTreeMap<String, String>,
    #[serde(default)]
    rack_names: Vec<String>,
    #[serde(default)]
    rack_labels: BTreeMap<String, String>,
    #[serde(default)]
    node_uuids: Vec<Uuid>,
    #[serde(default)]
    mac_addresses: Vec<Mac>,
    #[serde(default)]
    states: Vec<State>,
    #[serde(default)]
    systems: Option<String>,
}

/// What has to be looked up before a filter can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The nodes of addresses.
    pub owners: BTreeMap<Mac, Uuid>,
    /// The nodes of the systems that a search of the inventory finds, by the expression.
    pub systems: BTreeMap<String, BTreeSet<Uuid>>,
}

/// What a design tells a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UseOfDesign {
    /// Nothing that it asks for.
    Nothing,
    /// More than the node service does.
    More,
    /// What nothing else does.
    Needed,
}

/// A node as filters see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// Its UUID.
    pub uuid: Uuid,
    /// Its name.
    pub name: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Where it stands.
    pub rack: Option<String>,
    /// The labels of that rack.
    pub rack_labels: BTreeMap<String, String>,
    /// Where its introspection stands.
    pub state: Option<State>,
}

impl Candidate {
    /// What results name it: its name, or its UUID where it has none.
    #[must_use]
    pub fn entity(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.uuid.to_string())
    }
}

impl Known {
    fn are(&self, search: &str, node: Uuid) -> bool {
        self.systems.get(search).is_some_and(|nodes| nodes.contains(&node))
    }
}

impl NodeFilter {
    /// The filter of a request.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(given: &Value) -> Result<Self> {
        let wrong = |why: String| Error::bad_request(format!("Invalid node_filter: {why}"));
        if !given.is_object() {
            return Err(wrong("an object is expected".to_owned()));
        }
        let filter: Self = serde_json::from_value(given.clone()).map_err(|why| wrong(why.to_string()))?;
        if filter.filter_set.is_empty() {
            return Err(wrong("filter_set is empty".to_owned()));
        }
        if filter.filter_set.len() > MAX_ELEMENTS {
            return Err(wrong(format!("filter_set has more than {MAX_ELEMENTS} elements")));
        }
        for (number, element) in filter.filter_set.iter().enumerate() {
            element.check().map_err(|why| wrong(format!("element {number} of filter_set {why}")))?;
        }
        Ok(filter)
    }

    /// The addresses that have to be looked up before the filter can be used.
    pub fn addresses(&self) -> impl Iterator<Item = &Mac> {
        self.filter_set.iter().flat_map(|element| &element.mac_addresses)
    }

    /// Whether the states of introspections count.
    #[must_use]
    pub fn needs_states(&self) -> bool {
        self.filter_set.iter().any(|element| !element.states.is_empty())
    }

    /// Whether racks are named, so that they bound what is done at a time.
    #[must_use]
    pub fn names_racks(&self) -> bool {
        self.filter_set
            .iter()
            .any(|element| !element.rack_names.is_empty() || !element.rack_labels.is_empty())
    }

    /// How much of a design it takes to know which nodes are meant.
    #[must_use]
    pub fn use_of_design(&self) -> UseOfDesign {
        let uses = self.filter_set.iter().map(Element::use_of_design);
        uses.max().unwrap_or(UseOfDesign::Nothing)
    }

    /// The searches of the inventory that have to be made before the filter can be used.
    pub fn searches(&self) -> impl Iterator<Item = &str> {
        self.filter_set.iter().filter_map(|element| element.systems.as_deref())
    }

    /// Whether a node is meant.
    #[must_use]
    pub fn matches(&self, node: &Candidate, known: &Known) -> bool {
        let verdicts = self.filter_set.iter().map(|element| element.matches(node, known));
        joined(self.filter_set_type, verdicts)
    }
}

fn joined(by: SetType, mut verdicts: impl Iterator<Item = bool>) -> bool {
    match by {
        SetType::Union => verdicts.any(|verdict| verdict),
        SetType::Intersection => verdicts.all(|verdict| verdict),
    }
}

impl Element {
    fn check(&self) -> Result<(), String> {
        if let Some(expression) = &self.systems {
            let read = search::read(expression).map_err(|error| error.text);
            read.map_err(|why| format!("has systems that can not be searched for: {why}"))?;
        }
        let lengths = [
            self.node_names.len(),
            self.node_tags.len(),
            self.node_labels.len(),
            self.rack_names.len(),
            self.rack_labels.len(),
            self.node_uuids.len(),
            self.mac_addresses.len(),
            self.states.len(),
            usize::from(self.systems.is_some()),
        ];
        if lengths.iter().all(|length| *length == 0) {
            return Err("has no criterion".to_owned());
        }
        if lengths.iter().any(|length| *length > MAX_VALUES) {
            return Err(format!("has a criterion with more than {MAX_VALUES} values"));
        }
        Ok(())
    }

    fn use_of_design(&self) -> UseOfDesign {
        if !self.rack_labels.is_empty() {
            return UseOfDesign::Needed;
        }
        let needs_none =
            self.node_tags.is_empty() && self.node_labels.is_empty() && self.rack_names.is_empty();
        if needs_none { UseOfDesign::Nothing } else { UseOfDesign::More }
    }

    fn matches(&self, node: &Candidate, known: &Known) -> bool {
        let label = |(name, value): (&String, &String)| node.labels.get(name) == Some(value);
        let rack_label = |(name, value): (&String, &String)| node.rack_labels.get(name) == Some(value);
        let labels = match self.filter_type {
            SetType::Union => self.node_labels.iter().any(label),
            SetType::Intersection => self.node_labels.iter().all(label),
        };
        let named =
            |names: &[String], name: &Option<String>| name.as_ref().is_some_and(|name| names.contains(name));
        let criteria = [
            (self.node_names.is_empty(), named(&self.node_names, &node.name)),
            (self.node_tags.is_empty(), self.node_tags.iter().any(|tag| node.tags.contains(tag))),
            (self.node_labels.is_empty(), labels),
            (self.rack_names.is_empty(), named(&self.rack_names, &node.rack)),
            (self.rack_labels.is_empty(), self.rack_labels.iter().any(rack_label)),
            (self.node_uuids.is_empty(), self.node_uuids.contains(&node.uuid)),
            (
                self.mac_addresses.is_empty(),
                self.mac_addresses.iter().any(|address| known.owners.get(address) == Some(&node.uuid)),
            ),
            (self.states.is_empty(), node.state.is_some_and(|state| self.states.contains(&state))),
            (
                self.systems.is_none(),
                self.systems.as_ref().is_some_and(|search| known.are(search, node.uuid)),
            ),
        ];
        let given = criteria.into_iter().filter(|(left_out, _)| !left_out).map(|(_, verdict)| verdict);
        joined(self.filter_type, given)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(number: u128) -> Candidate {
        let labels = [("role", "storage"), ("row", if number == 1 { "a" } else { "b" })];
        Candidate {
            uuid: Uuid::from_u128(number),
            name: Some(format!("node{number}")),
            tags: vec!["all".to_owned(), format!("tag{number}")],
            labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            rack: Some(format!("rack{}", number % 2)),
            rack_labels: BTreeMap::from([("hall".to_owned(), format!("h{}", number % 2))]),
            state: (number == 3).then_some(State::Finished),
        }
    }

    /// Of nodes 1, 2 and 3.
    fn selected(outer: &str, elements: Value) -> Vec<u128> {
        let filter = NodeFilter::parse(&json!({"filter_set_type": outer, "filter_set": elements})).unwrap();
        let known = Known {
            owners: BTreeMap::from([("52:54:00:00:00:02".parse().unwrap(), Uuid::from_u128(2))]),
            systems: BTreeMap::from([("status=production".to_owned(), BTreeSet::from([Uuid::from_u128(3)]))]),
        };
        (1..=3).filter(|number| filter.matches(&node(*number), &known)).collect()
    }

    #[test]
    fn values_are_alternatives_and_criteria_are_joined_by_type() {
        for (element, wanted) in [
            (json!({"filter_type": "union", "node_names": ["node1", "node3", "nobody"]}), vec![1, 3]),
            (json!({"filter_type": "union", "node_names": ["node1"], "rack_names": ["rack0"]}), vec![1, 2]),
            (
                json!({"filter_type": "intersection", "node_names": ["node1"], "rack_names": ["rack0"]}),
                vec![],
            ),
            (json!({"filter_type": "intersection", "node_tags": ["tag1", "tag2"]}), vec![1, 2]),
            (json!({"filter_type": "union", "node_labels": {"row": "a", "role": "storage"}}), vec![1, 2, 3]),
            (json!({"filter_type": "intersection", "node_labels": {"row": "a", "role": "storage"}}), vec![1]),
            (json!({"filter_type": "union", "rack_labels": {"hall": "h1"}}), vec![1, 3]),
            (json!({"filter_type": "intersection", "rack_labels": {"hall": "h0", "none": "x"}}), vec![2]),
            (json!({"filter_type": "union", "node_uuids": [Uuid::from_u128(2)]}), vec![2]),
            (json!({"filter_type": "union", "mac_addresses": ["52:54:00:00:00:02"]}), vec![2]),
            (json!({"filter_type": "union", "states": ["finished", "error"]}), vec![3]),
            (json!({"filter_type": "union", "systems": "status=production"}), vec![3]),
            (
                json!({"filter_type": "union", "systems": "status=production", "node_names": ["node1"]}),
                vec![1, 3],
            ),
            (
                json!({"filter_type": "intersection", "systems": "status=production", "node_names": ["node1"]}),
                vec![],
            ),
        ] {
            assert_eq!(selected("union", json!([element])), wanted, "{element}");
        }
    }

    #[test]
    fn elements_are_joined_by_the_outer_type() {
        let elements = json!([
            {"filter_type": "union", "rack_names": ["rack1"]}, {"filter_type": "union", "node_names": ["node1", "node2"]},
        ]);
        assert_eq!(selected("union", elements.clone()), [1, 2, 3]);
        assert_eq!(selected("intersection", elements), [1]);
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let element = json!({"filter_type": "union", "node_names": ["a"]});
        for (given, why) in [
            (json!("all"), "an object"),
            (json!([]), "an object"),
            (json!({}), "missing field"),
            (json!({"filter_set_type": "union", "filter_set": []}), "filter_set is empty"),
            (json!({"filter_set_type": "both", "filter_set": [element]}), "unknown variant `both`"),
            (json!({"filter_set_type": "union", "filter_set": [element], "x": 1}), "unknown field `x`"),
            (json!({"filter_set_type": "union", "filter_set": ["a"]}), "invalid type"),
            (json!({"filter_set_type": "union", "filter_set": [{"filter_type": "union"}]}), "no criterion"),
            (
                json!({"filter_set_type": "union", "filter_set": [{"filter_type": "x"}]}),
                "unknown variant `x`",
            ),
            (
                json!({"filter_set_type": "union", "filter_set": [{"filter_type": "union", "node_name": "a"}]}),
                "unknown field `node_name`",
            ),
            (
                json!({"filter_set_type": "union", "filter_set": [{"filter_type": "union", "rack_labels": ["a"]}]}),
                "invalid type",
            ),
            (
                json!({"filter_set_type": "union", "filter_set": [{"filter_type": "union", "systems": "colour=red"}]}),
                "There is no field colour; there are: sys.uuid, sys.hostname",
            ),
            (
                json!({"filter_set_type": "union", "filter_set": [{"filter_type": "union", "systems": "(a"}]}),
                "systems that can not be searched for",
            ),
        ] {
            let error = NodeFilter::parse(&given).unwrap_err();
            assert!(error.text.starts_with("Invalid node_filter: "), "{}", error.text);
            assert!(error.text.contains(why), "{given}: {}", error.text);
        }
    }

    #[test]
    fn it_is_known_how_much_of_a_design_a_filter_takes() {
        for (elements, wanted) in [
            (json!([{"filter_type": "union", "node_names": ["a"]}]), UseOfDesign::Nothing),
            (json!([{"filter_type": "union", "node_tags": ["a"]}]), UseOfDesign::More),
            (
                json!([{"filter_type": "union", "node_names": ["a"]}, {"filter_type": "union", "rack_labels": {"a": "b"}}]),
                UseOfDesign::Needed,
            ),
        ] {
            let filter =
                NodeFilter::parse(&json!({"filter_set_type": "union", "filter_set": elements})).unwrap();
            assert_eq!(filter.use_of_design(), wanted);
        }
    }
}
