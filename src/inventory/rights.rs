//! What who asks may change of the inventory: by kind of object, and the members that lead to management interfaces.
//!
//! Invariant: what may not be done is refused in a dry run as well. It must not know how rights are given.

use std::collections::BTreeSet;

use serde_json::Value;

use super::model::{Kind, Val};
use super::plan::{Change, Op};
use super::problem::{Code, Findings, Problem};

/// Something that may be allowed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// To make and change objects of a kind.
    Write(Kind),
    /// To delete.
    Delete,
    /// To change what leads to management interfaces and nodes.
    Manage,
}

/// Members of systems that lead to management interfaces and nodes.
const MANAGEMENT: [&str; 4] = ["oob_ip", "oob_switch_port", "change_password", "node_uuid"];

/// What may be done: everything that is not denied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// What may not be done.
    pub denied: BTreeSet<Right>,
}

impl Right {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Write(kind) => kind.name(),
            Self::Delete => "delete",
            Self::Manage => "management",
        }
    }

    /// All of them.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let kinds = Kind::ALL.into_iter().map(Self::Write);
        kinds.chain([Self::Delete, Self::Manage]).collect()
    }
}

impl Rights {
    fn lack(&self, right: Right) -> bool {
        self.denied.contains(&right)
    }

    /// Notes every change that may not be made.
    pub fn check(&self, changes: &[Change], findings: &mut Findings) {
        if self.denied.is_empty() {
            return;
        }
        for change in changes {
            let (kind, place) = (change.id.0, &change.place);
            if change.op == Op::Delete && self.lack(Right::Delete) {
                let text = format!("You may not delete: the {} {} stays", kind.name(), change.label());
                findings.wrong(Problem::of_object(kind, place, Code::Forbidden, text));
            } else if change.op != Op::Delete && self.lack(Right::Write(kind)) {
                let text = format!("You may not change a {}", kind.name());
                findings.wrong(Problem::of_object(kind, place, Code::Forbidden, text));
            }
            if kind == Kind::System && change.op != Op::Delete && self.lack(Right::Manage) {
                self.managed(change, findings);
            }
        }
    }

    fn managed(&self, change: &Change, findings: &mut Findings) {
        let Some(after) = &change.after else { return };
        for field in MANAGEMENT {
            let was = change.before.as_ref().map_or(&Val::Null, |before| before.get(field));
            if after.get(field) != was {
                let text = format!("You may not change {field}");
                let problem = Problem::of_object(Kind::System, &change.place, Code::Forbidden, text);
                findings.wrong(problem.at(field).with(Value::Null));
            }
        }
    }
}
