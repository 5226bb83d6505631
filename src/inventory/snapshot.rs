//! What the database holds of all that a request speaks of: read at once, before anything is decided.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::blob::Blob;
use super::forest::Forest;
use super::lookups::Lookups;
use super::model::Kind;
use super::options::{Matching, MaxChanges};
use super::request::Request;
use crate::store::inventory::{Find, list_of};
use crate::store::{QueryResult, Session};

/// The inventory as far as a request is concerned.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Counts the commits.
    pub generation: i64,
    /// The next key to be given out.
    pub next_pk: i64,
    /// All names.
    pub lookups: Lookups,
    /// The systems that are spoken of, with all that belongs to them.
    pub forest: Forest,
    /// Systems by what a request may know them by.
    pub known: HashMap<String, Vec<i64>>,
    /// How many systems there are; read only where a limit hangs on it.
    pub systems: i64,
}

/// Keys and names that a request mentions.
#[derive(Default)]
struct Mentioned {
    pks: HashMap<Kind, Vec<i64>>,
    uuids: Vec<String>,
    naturals: Vec<String>,
    clones: Vec<String>,
}

impl Mentioned {
    fn note(&mut self, blob: &Blob, matching: Matching) {
        if let Some(pk) = blob.pk {
            self.pks.entry(blob.kind).or_default().push(pk);
        }
        if blob.kind == Kind::System {
            self.uuids.extend(blob.uuid.clone());
            let natural = match matching {
                Matching::Hostname => Request::text_of(blob, "hostname"),
                Matching::Serial => Request::text_of(blob, "serial"),
                Matching::Pk | Matching::Uuid => None,
            };
            self.naturals.extend(natural.map(str::to_owned));
            self.clones.extend(blob.history_of.iter().map(|name| name.to_lowercase()));
        }
        blob.children.iter().for_each(|child| self.note(child, matching));
    }
}

/// Reads it.
///
/// # Errors
/// Where the database can not be read.
pub fn read(session: &mut dyn Session, request: &Request) -> QueryResult<Snapshot> {
    let (generation, next_pk) = session.inventory_state()?;
    let mut snapshot = Snapshot { generation, next_pk, ..Snapshot::default() };
    for row in session.lookups()? {
        snapshot.lookups.add(row.pk, &row.kind, &row.name);
    }
    if matches!(request.options.max_changes, Some(MaxChanges::Percent(_))) {
        snapshot.systems = session.count_systems()?;
    }
    let matching = request.options.matching;
    let mut mentioned = Mentioned::default();
    request.systems.iter().for_each(|blob| mentioned.note(blob, matching));
    let systems = systems(session, &mentioned, matching, &mut snapshot.known)?;
    if !systems.is_empty() {
        let systems: Vec<i64> = systems.into_iter().collect();
        snapshot.forest = Forest::new(session.inventory_trees(&systems)?.into_iter().map(Arc::new));
    }
    Ok(snapshot)
}

/// All systems that are spoken of, themselves or by something of theirs.
fn systems(
    session: &mut dyn Session,
    mentioned: &Mentioned,
    matching: Matching,
    known: &mut HashMap<String, Vec<i64>>,
) -> QueryResult<HashSet<i64>> {
    let mut systems = HashSet::new();
    let by_key = [
        (Kind::System, Find::System),
        (Kind::Registration, Find::OwnerOfRegistration),
        (Kind::Adapter, Find::OwnerOfAdapter),
        (Kind::Alias, Find::OwnerOfAlias),
        (Kind::Attribute, Find::OwnerOfAttribute),
    ];
    for (kind, find) in by_key {
        if let Some(pks) = mentioned.pks.get(&kind) {
            systems.extend(session.inventory_find(find, &list_of(pks))?.into_iter().map(|found| found.pk));
        }
    }
    let natural = if matching == Matching::Serial { Find::Serial } else { Find::Hostname };
    let by_text =
        [(Find::Uuid, &mentioned.uuids), (natural, &mentioned.naturals), (Find::Hostname, &mentioned.clones)];
    for (find, texts) in by_text {
        if texts.is_empty() {
            continue;
        }
        for found in session.inventory_find(find, &list_of(texts))? {
            systems.insert(found.pk);
            let pks = known.entry(found.key).or_default();
            if !pks.contains(&found.pk) {
                pks.push(found.pk);
            }
        }
    }
    Ok(systems)
}
