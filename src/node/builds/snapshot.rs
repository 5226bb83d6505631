//! Which two snapshots are compared.

use super::Snapshot;
use crate::build_data::Generator;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::store::build_data::{Build, Of, Selection};
use crate::store::{QueryResult, Session};

/// The earlier and the later snapshot.
pub(super) fn pair(
    session: &mut dyn Session,
    of: &Of,
    from: Option<Snapshot>,
    to: Option<Snapshot>,
) -> QueryResult<Result<(Build, Build)>> {
    let Some(later) = named(session, of, to, None)? else { return Ok(Err(missing(of, to))) };
    let Some(earlier) = named(session, of, from, Some(&later))? else { return Ok(Err(missing(of, from))) };
    Ok(Ok((earlier, later)))
}

fn missing(of: &Of, wanted: Option<Snapshot>) -> Error {
    let node = match of {
        Of::Node(uuid) => uuid.to_string(),
        Of::Name(name) => name.clone(),
    };
    Error::not_found(match wanted {
        Some(Snapshot::Run(run)) => format!("There is no snapshot of node {node} of run {run}"),
        Some(Snapshot::Row(id)) => format!("There is no snapshot {id} of node {node}"),
        None => format!("There are not enough snapshots of node {node}"),
    })
}

/// The facts that are meant; without a name the latest, or the latest before another.
fn named(
    session: &mut dyn Session,
    of: &Of,
    wanted: Option<Snapshot>,
    before: Option<&Build>,
) -> QueryResult<Option<Build>> {
    let facts = Some(Generator::Facts.name().to_owned());
    let mut selection = Selection { of: Some(of.clone()), generator: facts, ..Selection::default() };
    match wanted {
        Some(Snapshot::Run(run)) => selection.run = Some(run),
        Some(Snapshot::Row(id)) => {
            // Any row of a run leads to the facts of that run.
            let Some((row, _)) = session.build(id)? else { return Ok(None) };
            selection.run = row.run_id.and_then(|run| run.parse().ok());
            selection.since = Some(Timestamp(row.collected_us));
            selection.until = selection.since;
        }
        None => selection.marker = before.map(|later| later.id),
    }
    Ok(session.builds(&selection, 1)?.pop())
}
