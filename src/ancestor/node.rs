//! One node with all that belongs to it, as it is to be here.
//!
//! Invariant: what comes out can be written: its state goes with its end and its error, its values are canonical.

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::times::{flag, time};
use super::{Documents, Settings};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::fsm::{self, Event, State};
use crate::mac::Mac;
use crate::node::step::storable;
use crate::node::{Attribute, BMC_ADDRESS, MAC, ManageBoot, Record, Variant};
use crate::processing::document;
use crate::store::ancestor::{Ancestor, AncestorAttribute, AncestorDocument, AncestorNode};
use crate::store::documents::Packed;

/// The error of a run that failed without a text.
const NO_TEXT: &str = "ironic-inspector recorded no error text";

/// A node as it comes from the ancestor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Incoming {
    /// The record; its version is that of a first one.
    pub record: Record,
    /// The state it had there.
    pub state_there: State,
    /// What a callback is matched by; none where the run is over.
    pub attributes: Vec<Attribute>,
    /// Options of plug-ins; none where the run is over.
    pub options: Vec<(String, Option<String>)>,
    /// The documents, each variant once.
    pub documents: Vec<(Variant, Packed)>,
}

impl Incoming {
    /// Whether its run was being worked on there, and ended by being taken over.
    pub(super) fn is_interrupted(&self) -> bool {
        self.state_there.is_active()
    }

    /// About how many bytes are written for it.
    pub(super) fn weight_bytes(&self) -> usize {
        self.documents.iter().map(|(_, packed)| packed.body.len()).sum()
    }
}

/// How much of a node there is, beyond what is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Documents that are left since none are kept here.
    pub documents_left: u64,
    /// Documents that can not be used.
    pub documents_unusable: u64,
    /// Look-up values that can not be used.
    pub values_unusable: u64,
}

/// What came of reading a node.
pub(super) enum Read {
    /// It can be taken over.
    Whole(Box<Incoming>, Extent),
    /// It can not, for this reason.
    Left(String),
}

/// Reads what belongs to a row of nodes.
///
/// # Errors
/// Any error of the ancestor's database.
pub(super) fn read(ancestor: &mut Ancestor, row: &AncestorNode, settings: &Settings) -> Result<Read> {
    let (record, state_there) = match record(row, settings) {
        Ok(found) => found,
        Err(reason) => return Ok(Read::Left(reason)),
    };
    let mut extent = Extent::default();
    let (mut attributes, mut options) = (Vec::new(), Vec::new());
    if record.state == State::Waiting {
        let rows = ancestor.attributes(&row.uuid)?;
        let count = rows.len();
        attributes = rows.into_iter().filter_map(attribute).collect();
        extent.values_unusable = number(count.saturating_sub(attributes.len()));
        options = ancestor.options(&row.uuid)?.into_iter().map(|row| (row.name, row.value)).collect();
        attributes.sort();
        attributes.dedup();
    }
    let rows = ancestor.documents(&row.uuid)?;
    let documents = match settings.documents {
        Documents::Left => {
            extent.documents_left = number(rows.len());
            Vec::new()
        }
        Documents::Taken => {
            let count = rows.len();
            let taken: Vec<_> = rows.into_iter().filter_map(packed).collect();
            extent.documents_unusable = number(count.saturating_sub(taken.len()));
            taken
        }
    };
    Ok(Read::Whole(Box::new(Incoming { record, state_there, attributes, options, documents }), extent))
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The record that a row becomes, and the state it had.
pub(super) fn record(row: &AncestorNode, settings: &Settings) -> Result<(Record, State), String> {
    let uuid = Uuid::try_parse(&row.uuid).map_err(|_| "its UUID is none".to_owned())?;
    let name = row.state.as_deref().unwrap_or_default();
    let there: State = name.parse().map_err(|_| format!("its state {name:?} is not known"))?;
    let finished_at = optional_time(row.finished_at.as_deref())?;
    let started_at = optional_time(row.started_at.as_deref())?.or(finished_at).unwrap_or(settings.now);
    let state = fsm::taken_over(there);
    let finished_at = match (state.is_terminal(), there.is_active()) {
        (false, _) => None,
        (true, true) => Some(settings.now),
        // A row without its end is damaged; the run was over no earlier than it began.
        (true, false) => Some(finished_at.unwrap_or(started_at)),
    };
    let deadline = settings.timeout_s.filter(|_| state == State::Waiting);
    let record = Record {
        uuid,
        version: 1,
        state,
        state_since: finished_at.unwrap_or(started_at),
        deadline: deadline.map(|seconds| started_at.plus_seconds(seconds)),
        started_at,
        finished_at,
        error: (state == State::Error).then(|| error_text(row, there)),
        manage_boot: match flag(row.manage_boot.as_deref()) {
            Some(false) => ManageBoot::Unmanaged,
            _ => ManageBoot::Managed,
        },
        run: run_of(uuid, started_at),
        last_event: last_event(state),
        posted: None,
        token: None,
        owner: None,
    };
    Ok((record, there))
}

fn optional_time(text: Option<&str>) -> Result<Option<Timestamp>, String> {
    text.map(|text| time(text).ok_or_else(|| format!("its time {text:?} is none"))).transpose()
}

fn error_text(row: &AncestorNode, there: State) -> String {
    if there.is_active() {
        return format!(
            "Introspection was interrupted by the migration from ironic-inspector, where the node was {there}. \
             Please start it again"
        );
    }
    let text = row.error.as_deref().filter(|text| !text.is_empty()).unwrap_or(NO_TEXT);
    storable(text.to_owned())
}

fn last_event(state: State) -> Event {
    match state {
        State::Waiting => Event::Wait,
        State::Finished => Event::Finish,
        _ => Event::Error,
    }
}

/// The name of a run that was taken over: the same each time, and no other's.
fn run_of(node: Uuid, started_at: Timestamp) -> Uuid {
    let name = format!("ironic-inspector {node} {}", started_at.0);
    let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
    let (bytes, _) =
        digest.split_first_chunk::<16>().map_or(([0; 16], &[][..]), |(first, rest)| (*first, rest));
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// A look-up value in its canonical form; nothing for one that no callback could match.
fn attribute(row: AncestorAttribute) -> Option<Attribute> {
    let value = row.value?;
    match row.name.as_str() {
        BMC_ADDRESS => {
            Some(Attribute { name: BMC_ADDRESS, value: value.trim().parse::<IpAddr>().ok()?.to_string() })
        }
        MAC => Some(Attribute { name: MAC, value: value.trim().parse::<Mac>().ok()?.to_string() }),
        _ => None,
    }
}

/// A document as it lay there; nothing for one that could not be processed again.
fn packed(row: AncestorDocument) -> Option<(Variant, Packed)> {
    let text = row.data?;
    document::decode(text.as_bytes()).ok()?;
    let variant = if flag(row.processed.as_deref())? { Variant::Processed } else { Variant::Raw };
    Some((variant, Packed::pack(text.as_bytes()).ok()?))
}
