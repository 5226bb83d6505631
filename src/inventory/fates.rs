//! Imports in which a mistake keeps only its own system out.
//!
//! Invariant: what is taken fulfils every rule together, and is committed together; what a refused system would have
//! given up or made is not counted on by another. Each system is told what becomes of it.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::model::Kind;
use super::plan::{self, Given, Op, Plan};
use super::problem::{Code, Problem, system_of};
use super::request::Request;
use super::shown::Shape;
use crate::store::{QueryResult, Session};

/// How often it is looked whether a system can be done without those that were refused.
const ROUNDS: usize = 100;

/// What becomes of a system.
#[derive(Clone, Debug, Serialize)]
pub struct Fate {
    /// Where it stands in the request.
    pub pointer: String,
    /// What the request calls it.
    pub label: String,
    /// Its key, where it has one.
    pub pk: Option<i64>,
    /// In one word.
    pub fate: &'static str,
    /// What is wrong with it.
    pub errors: Vec<Problem>,
}

impl Fate {
    /// Whether it was not refused.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.fate != REFUSED
    }
}

const REFUSED: &str = "refused";

/// Plans what can be done of a request. What is wrong with the request itself is wrong with all of it.
///
/// # Errors
/// Where the database can not be read.
pub fn plan(session: &mut dyn Session, request: &Request, given: &Given<'_>) -> QueryResult<Plan> {
    // What was left out stands before the system that came next.
    let systems = request.systems.iter().enumerate();
    let systems = systems.map(|(place, blob)| (blob.place.pointer.as_str(), (place, true)));
    let left_out = request.left_out.iter().map(|(place, pointer)| (pointer.as_str(), (*place, false)));
    let order: HashMap<&str, (usize, bool)> = systems.chain(left_out).collect();
    let mut left = request.clone();
    let mut refused = Vec::new();
    for _ in 0..ROUNDS {
        let mut plan = plan::make(session, &left, given)?;
        let bad = std::mem::take(&mut plan.findings.wrong_systems);
        if bad.is_empty() {
            if plan.findings.problems.is_empty() {
                let mut fates = taken(&plan);
                fates.extend(refused);
                fates.sort_by_key(|fate| {
                    order.get(fate.pointer.as_str()).copied().unwrap_or((usize::MAX, true))
                });
                plan.fates = Some(fates);
            }
            return Ok(plan);
        }
        refused.extend(refusals(&left, &bad, plan.findings.problems));
        left.without(&bad);
    }
    let mut plan = plan::make(session, &left, given)?;
    let text = "Too many systems depend on others that are refused";
    plan.findings.wrong(Problem::of_request("/systems", Code::Conflict, text));
    Ok(plan)
}

fn refusals(request: &Request, bad: &HashSet<String>, problems: Vec<Problem>) -> Vec<Fate> {
    let mut of: HashMap<String, Vec<Problem>> = HashMap::new();
    for problem in problems {
        if let Some(system) = system_of(&problem.pointer) {
            of.entry(system.to_owned()).or_default().push(problem);
        }
    }
    let known: HashMap<&str, _> =
        request.systems.iter().map(|blob| (blob.place.pointer.as_str(), blob)).collect();
    let mut all: Vec<&String> = bad.iter().collect();
    all.sort();
    let fate = |pointer: &String| {
        let blob = known.get(pointer.as_str());
        let last = pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
        Fate {
            pointer: pointer.clone(),
            label: blob.map_or(last, |blob| blob.place.label.clone()),
            pk: blob.and_then(|blob| blob.pk),
            fate: REFUSED,
            errors: of.remove(pointer).unwrap_or_default(),
        }
    };
    all.into_iter().map(fate).collect()
}

fn taken(plan: &Plan) -> Vec<Fate> {
    let mut ops: HashMap<i64, &'static str> = HashMap::new();
    for change in &plan.changes {
        let own = change.id.0 == Kind::System;
        let word = match change.op {
            Op::Create if own => "created",
            Op::Delete if own => "deleted",
            _ => "changed",
        };
        ops.entry(change.system).or_insert(word);
    }
    let fate = |asked: &super::apply::Asked| Fate {
        pointer: asked.place.pointer.clone(),
        label: asked.place.label.clone(),
        pk: Some(asked.pk),
        fate: ops.get(&asked.pk).copied().unwrap_or("unchanged"),
        errors: Vec::new(),
    };
    plan.systems.iter().map(fate).collect()
}

/// The same with keys only where they are given out.
#[must_use]
pub fn shown(fates: &[Fate], shape: &Shape<'_>) -> Vec<Fate> {
    let of_key = |fate: &Fate| fate.pk.and_then(|pk| shape.key(pk));
    fates.iter().map(|fate| Fate { pk: of_key(fate), ..fate.clone() }).collect()
}
