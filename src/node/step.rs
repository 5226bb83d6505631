//! Rows before and after: builds the [`Transition`] of an event. Pure.
//!
//! Invariant: the state of a row is never anything but what `fsm` answers, and a terminal row is whole (its end,
//! its error, no look-up attributes, its run closed).

use uuid::Uuid;

use super::{ManageBoot, Outcome, Record, RunKind, Variant};
use crate::clock::Timestamp;
use crate::fsm::{self, Birth, Event, Refusal};
use crate::store::documents::Packed;
use crate::store::runs::RunEnd;
use crate::store::transition::{
    BuildWrite, DataWrite, Expected, Lookup, PowerJobWrite, Removal, RunWrite, Stay, Transition,
};

/// The text of a run that ran out of time.
pub const TIMEOUT_TEXT: &str = "Introspection timeout";

/// Longer error texts are cut.
const MAX_TEXT_BYTES: usize = 16 * 1024;
/// How long the look-up attributes of an ended run are kept to file late callbacks: a day.
const KEPT_S: i64 = 24 * 3600;

/// Where introspection data is when a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepData {
    /// Both documents stay in the database.
    Yes,
    /// None is stored, and the raw data of a run in flight goes with its end.
    No,
    /// They are in the data store; the database has them on their way there only.
    Elsewhere,
}

impl KeepData {
    /// Both documents of the run before, which count no more.
    #[must_use]
    pub fn without_old(self) -> DataWrite {
        let removal = if self == Self::Elsewhere { Removal::Void } else { Removal::Forget };
        DataWrite { removed: vec![Variant::Raw, Variant::Processed], removal, ..self.nothing_new() }
    }

    /// The raw data of a run in flight, which is always in the database.
    #[must_use]
    pub fn with_raw(self, raw: &Packed) -> DataWrite {
        DataWrite { raw: Some(raw.clone()), ..self.nothing_new() }
    }

    /// The processed data, which is not stored yet.
    #[must_use]
    pub fn with_processed(self, processed: Packed) -> DataWrite {
        let processed = (self != Self::No).then_some(processed);
        DataWrite { processed, ..self.nothing_new() }
    }

    /// Both documents, which the data store has.
    #[must_use]
    pub fn delivered(self, raw: &Packed, processed: &Packed) -> DataWrite {
        let all = [(Variant::Raw, raw), (Variant::Processed, processed)];
        let elsewhere = all.map(|(variant, document)| (variant, document.digest.clone())).to_vec();
        DataWrite { elsewhere, ..self.nothing_new() }
    }

    fn nothing_new(self) -> DataWrite {
        let stay = if self == Self::Elsewhere { Stay::Spooled } else { Stay::Here };
        DataWrite { stay, ..DataWrite::default() }
    }
}

/// What becomes of the power of a machine whose run has timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutPower {
    /// It is powered off, if its boot is managed (`timeout_power_off`).
    Off,
    /// It is left alone, as the ancestor does.
    Leave,
}

/// A transition that changes nothing yet: the row as it is, one version on.
#[must_use]
pub fn stay(record: &Record, now: Timestamp) -> Transition {
    let next = Record { version: record.version.saturating_add(1), ..record.clone() };
    Transition {
        record: next,
        expected: Expected::Version(record.version),
        at: now,
        lookup: Lookup::Keep,
        data: DataWrite::default(),
        runs: RunWrite::default(),
        power_job: PowerJobWrite::Keep,
        build: BuildWrite::default(),
    }
}

/// The transition of a non-terminal event.
///
/// # Errors
/// The refusal of the state machine.
pub fn advance(
    record: &Record,
    event: Event,
    now: Timestamp,
    deadline: Option<Timestamp>,
) -> Result<Transition, Refusal> {
    let mut transition = stay(record, now);
    transition.record.state = fsm::next(record.state, event)?;
    transition.record.last_event = event;
    transition.record.state_since = now;
    transition.record.deadline = deadline;
    Ok(transition)
}

/// How a run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Why it failed; `None` for success.
    pub error: Option<String>,
    /// What became of the power, where that is known.
    pub power: Option<String>,
}

impl End {
    /// Success.
    #[must_use]
    pub fn success(power: Option<String>) -> Self {
        Self { error: None, power }
    }

    /// A failure with its text.
    #[must_use]
    pub fn failure(error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), power: None }
    }
}

/// The terminal transition: everything that becomes true with the end of a run.
///
/// # Errors
/// The refusal of the state machine.
pub fn close(
    record: &Record,
    event: Event,
    now: Timestamp,
    end: End,
    keep: KeepData,
) -> Result<Transition, Refusal> {
    // A clock that was set back must not let a run end before it began.
    let at = now.max(Timestamp(record.started_at.0.saturating_add(1)));
    let end = End { error: end.error.map(storable), power: end.power.map(storable) };
    let mut transition = advance(record, event, at, None)?;
    transition.record.finished_at = Some(at);
    transition.record.error.clone_from(&end.error);
    transition.lookup = Lookup::Clear(at.plus_seconds(KEPT_S));
    if keep == KeepData::No {
        transition.data.removed = vec![Variant::Raw, Variant::Processed];
    }
    let outcome = if end.error.is_some() { Outcome::Error } else { Outcome::Finished };
    let run_end = RunEnd { outcome, error: end.error, power: end.power, at };
    transition.runs.ended = Some((record.run, run_end));
    Ok(transition)
}

/// A text that both databases take and a list can show: without NUL, and not longer than it can be read.
#[must_use]
pub fn storable(text: String) -> String {
    let mut text = if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
    if text.len() > MAX_TEXT_BYTES {
        text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
        text.push_str(" [cut]");
    }
    text
}

/// The terminal transition of a failure that is met before the work has begun: through `event` into `error`, in
/// one transaction.
///
/// # Errors
/// The refusal of the state machine.
pub fn close_through(
    record: &Record,
    event: Event,
    now: Timestamp,
    end: End,
    keep: KeepData,
) -> Result<Transition, Refusal> {
    let passed = Record { state: fsm::next(record.state, event)?, ..record.clone() };
    close(&passed, Event::Error, now, end, keep)
}

/// The end of a run whose deadline has passed.
///
/// # Errors
/// The refusal of the state machine.
pub fn expire(
    record: &Record,
    now: Timestamp,
    keep: KeepData,
    power: TimeoutPower,
) -> Result<Transition, Refusal> {
    let mut transition = close(record, Event::Timeout, now, End::failure(TIMEOUT_TEXT), keep)?;
    if power == TimeoutPower::Off && record.manage_boot == ManageBoot::Managed {
        transition.power_job = PowerJobWrite::Add;
    }
    Ok(transition)
}

/// The first transition of a record: over nothing, or over one that has ended. Who boots the machine, data and
/// attributes are the caller's to add.
///
/// # Errors
/// The refusal of the state machine.
pub fn born(
    uuid: Uuid,
    before: Option<&Record>,
    birth: Birth,
    now: Timestamp,
    deadline: Option<Timestamp>,
    (run, kind): (Uuid, RunKind),
) -> Result<Transition, Refusal> {
    let state = fsm::create(birth, before.map(|record| record.state))?;
    let at = before.map_or(now, |record| now.max(Timestamp(record.started_at.0.saturating_add(1))));
    let record = Record {
        uuid,
        version: before.map_or(1, |record| record.version.saturating_add(1)),
        state,
        state_since: at,
        deadline,
        started_at: at,
        finished_at: None,
        error: None,
        manage_boot: ManageBoot::Unmanaged,
        run,
        last_event: if birth == Birth::ActiveIntrospection { Event::Wait } else { Event::Start },
        posted: None,
        token: None,
        owner: None,
    };
    Ok(Transition {
        record,
        expected: before.map_or(Expected::Absent, |record| Expected::Version(record.version)),
        at,
        lookup: Lookup::Keep,
        data: DataWrite::default(),
        runs: RunWrite { begun: Some(kind), ..RunWrite::default() },
        power_job: PowerJobWrite::Drop,
        build: BuildWrite::default(),
    })
}

/// The first transition of a run over an older record.
///
/// # Errors
/// The refusal of the state machine.
pub fn begin(
    record: &Record,
    event: Event,
    now: Timestamp,
    deadline: Option<Timestamp>,
    run: (Uuid, RunKind),
) -> Result<Transition, Refusal> {
    // Started later than the run before, whatever the clock says: listings are ordered by it.
    let at = now.max(Timestamp(record.started_at.0.saturating_add(1)));
    let mut transition = advance(record, event, at, deadline)?;
    let (id, kind) = run;
    transition.power_job = PowerJobWrite::Drop;
    let next = &mut transition.record;
    next.started_at = at;
    next.finished_at = None;
    next.error = None;
    next.posted = None;
    next.token = None;
    next.run = id;
    transition.runs.begun = Some(kind);
    if record.finished_at.is_none() {
        let end = RunEnd { outcome: Outcome::Superseded, error: None, power: None, at };
        transition.runs.ended = Some((record.run, end));
    }
    Ok(transition)
}
