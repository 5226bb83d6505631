//! Committed transitions, as the metrics count them.

use super::Record;
use super::timeline::Timeline;
use crate::clock::Timestamp;
use crate::fsm::{Event, State};
use crate::metrics;
use crate::node::{Outcome, RunKind};
use crate::store::transition::Transition;

/// Counts a committed transition. `deadline` is that of the state before.
pub fn committed(transition: &Transition, deadline: Option<Timestamp>, now: Timestamp) {
    let (record, timeline) = (&transition.record, transition.runs.timeline.as_ref());
    if record.state_since == transition.at {
        metrics::get().transitions.with_label_values(&[record.last_event.name()]).inc();
        let last = timeline.and_then(|timeline| timeline.entries.last());
        if let Some((state, ms)) = last.and_then(|entry| entry.from.zip(entry.took_ms)) {
            lasted(state, ms.saturating_mul(1000));
        }
        if let Some(deadline) = deadline.filter(|_| record.last_event == Event::Timeout) {
            late(deadline, now);
        }
    }
    if let Some((_, end)) = &transition.runs.ended {
        ended(kind(transition, timeline), end.outcome);
    }
}

/// Counts a waiting node that was ended together with others.
pub fn expired(record: &Record, now: Timestamp, committed: Timestamp) {
    metrics::get().transitions.with_label_values(&[Event::Timeout.name()]).inc();
    lasted(record.state, now.since_us(record.state_since));
    if let Some(deadline) = record.deadline {
        late(deadline, committed);
    }
    ended(RunKind::Start, Outcome::Error);
}

fn lasted(state: State, us: i64) {
    metrics::get().phases.with_label_values(&[state.name()]).observe(seconds(us));
}

fn late(deadline: Timestamp, now: Timestamp) {
    metrics::get().deadline_lag.observe(seconds(now.since_us(deadline)));
}

fn ended(kind: RunKind, outcome: Outcome) {
    metrics::get().runs.with_label_values(&[kind.name(), outcome.name()]).inc();
}

/// How the run that ends has begun: its timeline tells. One that another start ends was waiting.
fn kind(transition: &Transition, timeline: Option<&Timeline>) -> RunKind {
    if transition.runs.begun.is_some() {
        return RunKind::Start;
    }
    let first = timeline.and_then(|timeline| timeline.entries.first());
    match first.map(|entry| entry.event.as_str()) {
        Some(event) if event == Event::Reapply.name() => RunKind::Reapply,
        _ => RunKind::Start,
    }
}

fn seconds(us: i64) -> f64 {
    std::time::Duration::from_micros(u64::try_from(us).unwrap_or(0)).as_secs_f64()
}
