//! Which nodes a task is for, as the command line says it.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// The nodes: those that any of these options names; all without any.
#[derive(Clone, Debug, Default, Args)]
pub struct Scope {
    /// Nodes with these names
    #[arg(long = "node", short, value_name = "NAME", value_delimiter = ',')]
    pub nodes: Vec<String>,
    /// Nodes with these UUIDs
    #[arg(long = "uuid", value_name = "UUID", value_delimiter = ',')]
    pub uuids: Vec<String>,
    /// Nodes in these racks
    #[arg(long = "rack", short, value_name = "NAME", value_delimiter = ',')]
    pub racks: Vec<String>,
    /// Nodes with one of these tags
    #[arg(long = "tag", short, value_name = "TAG", value_delimiter = ',')]
    pub tags: Vec<String>,
    /// Nodes with one of these addresses
    #[arg(long = "mac", value_name = "MAC", value_delimiter = ',')]
    pub macs: Vec<String>,
    /// Nodes whose introspection is in one of these states
    #[arg(long = "state", value_name = "STATE", value_delimiter = ',')]
    pub states: Vec<String>,
    /// A node filter as JSON, in the place of the options above
    #[arg(long, value_name = "FILE", conflicts_with_all = ["nodes", "uuids", "racks", "tags", "macs", "states"])]
    pub filter: Option<PathBuf>,
}

impl Scope {
    /// The filter of the API; null for all nodes.
    ///
    /// # Errors
    /// A file that can not be read.
    pub fn filter(&self) -> Result<Value> {
        if let Some(path) = &self.filter {
            let wrong = |why: String| Error::bad_request(format!("{}: {why}", path.display()));
            let text = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
            return serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()));
        }
        let criteria = [
            ("node_names", &self.nodes),
            ("node_uuids", &self.uuids),
            ("rack_names", &self.racks),
            ("node_tags", &self.tags),
            ("mac_addresses", &self.macs),
            ("states", &self.states),
        ];
        let mut element = Map::from_iter([("filter_type".to_owned(), json!("union"))]);
        for (name, values) in criteria.into_iter().filter(|(_, values)| !values.is_empty()) {
            element.insert(name.to_owned(), json!(values));
        }
        if element.len() == 1 {
            return Ok(Value::Null);
        }
        Ok(json!({"filter_set_type": "intersection", "filter_set": [element]}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::filter::NodeFilter;

    #[test]
    fn every_option_is_a_criterion_and_none_means_all() {
        assert_eq!(Scope::default().filter().unwrap(), Value::Null);
        let one = |text: &str| vec![text.to_owned()];
        let scope = Scope {
            nodes: one("a"),
            uuids: one("11111111-2222-4333-8444-555555555555"),
            racks: one("r1"),
            tags: one("t"),
            macs: one("52:54:00:00:00:01"),
            states: one("error"),
            filter: None,
        };
        let filter = scope.filter().unwrap();
        assert_eq!(filter["filter_set"][0].as_object().unwrap().len(), 7);
        NodeFilter::parse(&filter).unwrap();
    }
}
