//! `[tasks]`: how much of the work on many nodes is done at a time.

use serde::{Deserialize, Serialize};

use super::spec::{Kind, Section, works};

const MOST: i64 = 1_000_000;

/// What stands in the file about `[tasks]`.
pub(super) const SECTION: Section = Section {
    name: "tasks",
    help: "Work on many nodes: how much is done at a time.",
    options: &[
        works("max_running", Kind::Integer(1, 1000), Some("4"), "Tasks that are worked on at a time."),
        works(
            "nodes_per_task",
            Kind::Integer(1, MOST),
            Some("100"),
            "Nodes of a task that are worked on at a time.",
        ),
        works(
            "max_nodes",
            Kind::Integer(1, MOST),
            Some("1000"),
            "Nodes of all tasks that are worked on at a time.",
        ),
        works(
            "nodes_per_rack",
            Kind::Integer(0, MOST),
            Some("0"),
            "Nodes of a rack that a task works on at a time, where its filter names racks; 0 is no limit.",
        ),
        works(
            "power_timeout",
            Kind::Integer(1, 86_400),
            Some("300"),
            "Seconds that a power state may take to be reached.",
        ),
        works(
            "keep_days",
            Kind::Integer(0, 36_500),
            Some("0"),
            "Days after which tasks that are over are removed; 0 keeps them.",
        ),
    ],
    rest: None,
};

/// `[tasks]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tasks {
    /// Tasks at a time.
    pub max_running: usize,
    /// Nodes of a task at a time.
    pub nodes_per_task: usize,
    /// Nodes of all tasks at a time.
    pub max_nodes: usize,
    /// Nodes of a rack at a time; 0 is no limit.
    pub nodes_per_rack: usize,
    /// Seconds that a power state may take.
    pub power_timeout: u64,
    /// Days that tasks are kept; 0 for ever.
    pub keep_days: i64,
}

impl Default for Tasks {
    fn default() -> Self {
        Self {
            max_running: 4,
            nodes_per_task: 100,
            max_nodes: 1000,
            nodes_per_rack: 0,
            power_timeout: 300,
            keep_days: 0,
        }
    }
}
