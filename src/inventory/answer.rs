//! What an import answers: what was or would be done, or all that is wrong.
//!
//! Invariant: an answer is written piece by piece; it is never held as a tree.

use std::io::Write;

use serde::Serialize;
use serde_json::json;

use super::fates::{self, Fate};
use super::model::Kind;
use super::options::{Commit, Dialect, Pace};
use super::pieces::Pieces;
use super::plan::{Plan, ShownChange};
use super::problem::{Code, Findings, Problem};
use super::shown::Relations;
use crate::error::{Error, Result};

/// What came of an import; decides the HTTP status at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is committed, or could be.
    Fine,
    /// The request can not be read.
    Malformed,
    /// Who asks may not do it.
    Forbidden,
    /// The inventory is not, or not any more, as the request wants it.
    Clash,
    /// Something in the request is wrong.
    Refused,
    /// It is too large to be waited for.
    TooLarge,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What came of it.
    pub verdict: Verdict,
    /// JSON.
    pub body: Pieces,
}

/// What would be done, or was.
///
/// # Errors
/// Never, unless it can not be written as JSON.
pub fn success(
    plan: &Plan,
    commit: Commit,
    change_set: Option<&str>,
    manner: (Dialect, Pace),
) -> Result<Answer> {
    let (dialect, pace) = manner;
    let mut body = Pieces::default();
    match dialect {
        // Only the outcome: what is this large is looked up in the history.
        _ if pace == Pace::Background => {
            head(&mut body, plan, commit, change_set)?;
            write(&mut body, ",\"changes\":[],\"systems\":{")?;
        }
        Dialect::Own => {
            let shape = plan.shape(commit, Relations::Names);
            head(&mut body, plan, commit, change_set)?;
            write(&mut body, ",\"changes\":[")?;
            for (place, change) in plan.changes.iter().enumerate() {
                put(&mut body, if place > 0 { "," } else { "" }, &ShownChange { change, shape })?;
            }
            write(&mut body, "],\"systems\":{")?;
            systems(&mut body, plan, commit, Relations::Names, dialect)?;
        }
        Dialect::Ancestor => {
            write(&mut body, "{\"systems\":{")?;
            systems(&mut body, plan, commit, Relations::Keys, dialect)?;
        }
    }
    write(&mut body, "}}\n")?;
    Ok(Answer { verdict: Verdict::Fine, body })
}

/// What became of it, before what was changed.
fn head(body: &mut Pieces, plan: &Plan, commit: Commit, change_set: Option<&str>) -> Result<()> {
    let shape = plan.shape(commit, Relations::Names);
    let taken = plan.fates.as_ref().is_none_or(|fates| fates.iter().any(Fate::is_taken));
    put(body, "{\"committed\":", &(commit == Commit::Commit && taken))?;
    put(body, ",\"change_set\":", &change_set)?;
    put(body, ",\"summary\":", &plan.summary())?;
    put(body, ",\"notices\":", &plan.findings.notices)?;
    if let Some(fates) = &plan.fates {
        put(body, ",\"fates\":", &fates::shown(fates, &shape))?;
    }
    Ok(())
}

fn write(body: &mut Pieces, text: &str) -> Result<()> {
    body.write_all(text.as_bytes()).map_err(Error::internal)
}

fn put<T: Serialize + ?Sized>(body: &mut Pieces, before: &str, value: &T) -> Result<()> {
    write(body, before)?;
    serde_json::to_writer(body, value).map_err(Error::internal)
}

/// The systems as they are afterwards: what a following export would say. The ancestor calls them as the request did.
fn systems(
    body: &mut Pieces,
    plan: &Plan,
    commit: Commit,
    relations: Relations,
    dialect: Dialect,
) -> Result<()> {
    let shape = plan.shape(commit, relations);
    let mut first = true;
    for asked in &plan.systems {
        let Some(system) = plan.after.get((Kind::System, asked.pk)) else { continue };
        let label = if dialect == Dialect::Ancestor { asked.place.label.as_str() } else { system.label() };
        put(body, if first { "" } else { "," }, label)?;
        put(body, ":", &shape.tree(&plan.after, system))?;
        first = false;
    }
    Ok(())
}

/// All that is wrong.
///
/// # Errors
/// Never, unless it can not be written as JSON.
pub fn refusal(findings: &Findings) -> Result<Answer> {
    let verdict = verdict(&findings.problems);
    let (name, status, title) = match verdict {
        Verdict::Malformed => ("malformed", 400, "The request can not be read"),
        Verdict::Forbidden => ("forbidden", 403, "You may not do that"),
        Verdict::Clash => ("clash", 409, "The inventory is not as the request wants it"),
        Verdict::Refused | Verdict::Fine | Verdict::TooLarge => ("refused", 422, "The request is refused"),
    };
    let count = findings.problems.len();
    let found = match (count, findings.truncated) {
        (1, false) => "1 mistake was found".to_owned(),
        (_, false) => format!("{count} mistakes were found"),
        (_, true) => format!("{count} and more mistakes were found"),
    };
    let body = json!({
        "type": format!("urn:rollcall:inventory:{name}"),
        "title": title,
        "status": status,
        "detail": format!("{found}; nothing is written"),
        "errors": findings.problems,
        "truncated": findings.truncated,
    });
    let mut text = serde_json::to_vec(&body).map_err(Error::internal)?;
    text.push(b'\n');
    Ok(Answer { verdict, body: text.into() })
}

fn verdict(problems: &[Problem]) -> Verdict {
    let unreadable = |problem: &Problem| {
        let of_request = problem.kind.is_none();
        let form = [
            Code::Malformed,
            Code::Type,
            Code::Missing,
            Code::Choice,
            Code::Syntax,
            Code::TooLong,
            Code::UnknownMember,
        ];
        of_request && form.contains(&problem.code)
    };
    let clash = |problem: &Problem| matches!(problem.code, Code::Stale | Code::Conflict | Code::Duplicate);
    let forbidden = |problem: &Problem| problem.code == Code::Forbidden;
    if problems.iter().any(unreadable) {
        Verdict::Malformed
    } else if !problems.is_empty() && problems.iter().all(forbidden) {
        Verdict::Forbidden
    } else if problems.iter().all(clash) {
        Verdict::Clash
    } else {
        Verdict::Refused
    }
}
