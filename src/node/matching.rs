//! Why a callback was taken for the data of a node: what matched, and how much each match says.
//!
//! Invariant: the weights order the explanation for its reader; who matches is decided by [`lookup`](super::lookup)
//! alone.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Attribute, BMC_ADDRESS, MAC};
use crate::mac::Mac;

/// Nodes that an explanation names at most.
pub const MAX_CANDIDATES: usize = 8;

/// How a callback came to its node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// By what the node was found.
    pub source: Source,
    /// The nodes that the data spoke for, the likeliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
}

/// By what a node was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// By the look-up attributes of a run.
    Run,
    /// In the node service, as a node in use.
    NodeService,
    /// It was made for the data.
    Discovery,
}

/// A node that the data spoke for. Members are declared by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// What matched, the heaviest first.
    pub matched: Vec<Matched>,
    /// The node.
    pub node: Uuid,
    /// How many attributes matched: this decides.
    pub points: usize,
    /// How much they say together.
    pub weight: u32,
}

/// One attribute that matched. Members are declared by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Matched {
    /// What it is.
    pub kind: Kind,
    /// Its value.
    pub value: String,
    /// How much it says.
    pub weight: u32,
}

/// What an attribute that matched is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The MAC of the interface that the machine booted from.
    PxeMac,
    /// The MAC of another interface.
    Mac,
    /// An address of the BMC, which machines of one chassis may share.
    BmcAddress,
}

impl Kind {
    fn weight(self) -> u32 {
        match self {
            Self::PxeMac => 8,
            Self::Mac => 4,
            Self::BmcAddress => 2,
        }
    }
}

impl Explanation {
    /// A node that was found without the look-up attributes of a run.
    #[must_use]
    pub fn without_run(source: Source) -> Self {
        Self { source, candidates: Vec::new() }
    }

    /// Of nodes with their attributes; `posted` is what the data can be matched by.
    #[must_use]
    pub fn of(nodes: Vec<(Uuid, Vec<Attribute>)>, posted: &[Attribute], pxe: Option<&Mac>) -> Self {
        let candidate = |(node, attributes): (Uuid, Vec<Attribute>)| candidate(node, attributes, posted, pxe);
        let mut candidates: Vec<Candidate> = nodes.into_iter().map(candidate).collect();
        candidates.sort_by_key(|candidate| (Reverse((candidate.points, candidate.weight)), candidate.node));
        Self { source: Source::Run, candidates }
    }
}

fn candidate(node: Uuid, attributes: Vec<Attribute>, posted: &[Attribute], pxe: Option<&Mac>) -> Candidate {
    let kind = |attribute: &Attribute| match attribute.name {
        BMC_ADDRESS => Kind::BmcAddress,
        MAC if pxe.is_some_and(|mac| mac.as_str() == attribute.value) => Kind::PxeMac,
        _ => Kind::Mac,
    };
    let matched = attributes.into_iter().filter(|attribute| posted.contains(attribute)).map(|attribute| {
        let kind = kind(&attribute);
        Matched { kind, value: attribute.value, weight: kind.weight() }
    });
    let mut matched: Vec<Matched> = matched.collect();
    matched.sort_by(|one, other| other.weight.cmp(&one.weight).then_with(|| one.value.cmp(&other.value)));
    let weight = matched.iter().fold(0, |sum: u32, attribute| sum.saturating_add(attribute.weight));
    Candidate { points: matched.len(), matched, node, weight }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &'static str, value: &str) -> Attribute {
        Attribute { name, value: value.to_owned() }
    }

    #[test]
    fn an_explanation_names_what_matched_by_its_weight() {
        let (first, second) = ("52:54:00:00:00:01", "52:54:00:00:00:02");
        let posted = [attribute(BMC_ADDRESS, "192.0.2.1"), attribute(MAC, first), attribute(MAC, second)];
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let nodes = vec![
            (one, vec![attribute(BMC_ADDRESS, "192.0.2.1"), attribute(MAC, "52:54:00:00:00:09")]),
            (two, vec![attribute(BMC_ADDRESS, "192.0.2.1"), attribute(MAC, first), attribute(MAC, second)]),
        ];
        let explanation = Explanation::of(nodes, &posted, second.parse().ok().as_ref());
        let nodes: Vec<_> = explanation.candidates.iter().map(|c| (c.node, c.points, c.weight)).collect();
        assert_eq!(nodes, [(two, 3, 14), (one, 1, 2)]);
        let kinds: Vec<Kind> = explanation.candidates[0].matched.iter().map(|m| m.kind).collect();
        assert_eq!(kinds, [Kind::PxeMac, Kind::Mac, Kind::BmcAddress]);
    }
}
