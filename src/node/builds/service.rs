//! The answers, out of the database.

use std::rc::Rc;

use async_trait::async_trait;
use uuid::Uuid;

use super::replay;
use super::snapshot;
use super::{Among, Builds, Contents, Diff, Replayed, Seen, Snapshot, Source, WithContent};
use crate::build_data::diff;
use crate::build_data::facts::Facts;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::fsm::State;
use crate::node::service::Nodes;
use crate::store::build_data::{Of, Selection, Sought};
use crate::store::{QueryResult, Session};

/// The contents of one answer, all together: a page ends there.
const CONTENT_BYTES: usize = 16 << 20;
/// Records that are looked at in one go.
const PAGE: i64 = 100;

/// The build data of the database, as one thread asks for it.
pub struct StoredBuilds {
    nodes: Rc<Nodes>,
}

impl StoredBuilds {
    /// The build data beside the nodes of a thread.
    #[must_use]
    pub fn new(nodes: Rc<Nodes>) -> Self {
        Self { nodes }
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut dyn Session) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        self.nodes.shared().store.read(read).await
    }

    async fn facts(&self, id: i64) -> Result<Facts> {
        let (_, content) = self.read(move |session| session.build(id)).await?.ok_or_else(gone)?;
        serde_json::from_slice(&content.unpack()?).map_err(Error::internal)
    }
}

fn gone() -> Error {
    Error::not_found("The build data is not there any more")
}

/// Rows and contents, as far as there is room.
fn with_contents(
    session: &mut dyn Session,
    selection: &Selection,
    limit: i64,
) -> QueryResult<Vec<(crate::store::build_data::Build, Option<crate::store::documents::Packed>)>> {
    let mut found = Vec::new();
    let mut bytes = 0_usize;
    for row in session.builds(selection, limit)? {
        let size = usize::try_from(row.size_bytes).unwrap_or(usize::MAX);
        if !found.is_empty() && bytes.saturating_add(size) > CONTENT_BYTES {
            break;
        }
        bytes = bytes.saturating_add(size);
        let content = session.kept_document(row.document_id)?;
        found.push((row, content));
    }
    Ok(found)
}

/// A marker that is not there is the caller's mistake.
fn known_marker(session: &mut dyn Session, selection: &Selection) -> QueryResult<bool> {
    match selection.marker {
        Some(id) => Ok(session.build(id)?.is_some()),
        None => Ok(true),
    }
}

#[async_trait(?Send)]
impl Builds for StoredBuilds {
    async fn select(
        &self,
        selection: Selection,
        limit: usize,
        contents: Contents,
    ) -> Result<Vec<WithContent>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = self
            .read(move |session| {
                if !known_marker(session, &selection)? {
                    return Ok(None);
                }
                let rows = match contents {
                    Contents::Wanted => with_contents(session, &selection, limit)?,
                    Contents::Left => {
                        session.builds(&selection, limit)?.into_iter().map(|row| (row, None)).collect()
                    }
                };
                Ok(Some(rows))
            })
            .await?;
        let rows = found.ok_or_else(|| Error::not_found("The requested build data was not found."))?;
        let unpacked = move || {
            let unpack = |(row, content): (_, Option<crate::store::documents::Packed>)| {
                Ok((row, content.map(|content| content.unpack()).transpose()?))
            };
            rows.into_iter().map(unpack).collect()
        };
        match contents {
            Contents::Wanted => self.nodes.shared().compute(unpacked).await,
            Contents::Left => unpacked(),
        }
    }

    async fn one(&self, id: i64) -> Result<WithContent> {
        let (row, content) = self.read(move |session| session.build(id)).await?.ok_or_else(gone)?;
        self.nodes.shared().compute(move || Ok((row, Some(content.unpack()?)))).await
    }

    async fn diff(&self, of: Of, from: Option<Snapshot>, to: Option<Snapshot>) -> Result<Diff> {
        let (from, to) = self.read(move |session| snapshot::pair(session, &of, from, to)).await??;
        let (before, after) = (self.facts(from.id).await?, self.facts(to.id).await?);
        let differences = diff::between(&before, &after, &self.nodes.shared().volatile);
        Ok(Diff { from, to, differences })
    }

    async fn sightings(&self, sought: Sought, limit: usize) -> Result<Vec<Seen>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |session| {
            let rows = session.sightings(&sought, limit)?;
            let whole = |row: crate::store::build_data::SightingRow| {
                let look = session.last_look(&row.node_uuid)?;
                // What is still there was seen each time since.
                let last_us = match &look {
                    Some((at, _)) if row.present => row.last_us.max(*at),
                    _ => row.last_us,
                };
                Ok(Seen { row, node_name: look.and_then(|(_, name)| name), last_us })
            };
            rows.into_iter().map(whole).collect()
        })
        .await
    }

    async fn replay(&self, ident: &str, source: Source) -> Result<Replayed> {
        replay::replay(&self.nodes, ident, source).await
    }

    async fn among(&self, among: &Among, after: Option<Uuid>) -> Result<Vec<Uuid>> {
        if !among.nodes.is_empty() {
            return match after {
                Some(_) => Ok(Vec::new()),
                None => {
                    let mut found = Vec::new();
                    for ident in &among.nodes {
                        found.push(self.nodes.resolve(ident).await?);
                    }
                    Ok(found)
                }
            };
        }
        let states: Vec<State> = among.states.clone();
        self.read(move |session| {
            let mut after = after;
            loop {
                let page = session.settled_page(after, Timestamp(i64::MAX), PAGE)?;
                let Some((last, _)) = page.last().copied() else { return Ok(Vec::new()) };
                let mut meant = Vec::new();
                for (uuid, _) in page {
                    let state = session.node(uuid)?.map(|record| record.state);
                    if states.is_empty() || state.is_some_and(|state| states.contains(&state)) {
                        meant.push(uuid);
                    }
                }
                if !meant.is_empty() {
                    return Ok(meant);
                }
                after = Some(last);
            }
        })
        .await
    }
}
