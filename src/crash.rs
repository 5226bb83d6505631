//! Named points between two effects, at which a test can have the process killed as by `kill -9`.
//!
//! They exist only where debug assertions do (never in a release build). `ROLLCALL_TEST_CRASH_AT` names the point;
//! [`POINTS`] lists them all with what becomes of a node there, and `docs/crash-matrix.md` is made from it.

/// What is done when the process is killed, and how the node ends after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Its name.
    pub name: &'static str,
    /// What a test does to come by: `start`, `callback`, `refusal`, `reapply`, `abort`, `timeout` or `enroll`; with a data
    /// store outside of the database `store` (a callback), `delivery` or `removal`;
    /// `recovery` of a callback that was interrupted before.
    pub flow: &'static str,
    /// How it ends.
    pub ending: Ending,
}

/// How a node ends after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As if it had not been asked: the caller had no answer, and asks again.
    Untouched,
    /// `error`, with a text that says that the start was interrupted.
    Interrupted,
    /// `error`, with a text that says that the enrollment was interrupted; the data can be processed again.
    EnrollInterrupted,
    /// `waiting`, and a callback is taken.
    Waiting,
    /// `finished`, with its data.
    Finished,
    /// `error`, with what the pre hooks found.
    Refused,
    /// `error`, `Canceled by operator`, and the machine is off.
    Canceled,
    /// `error`, `Introspection timeout`.
    TimedOut,
    /// `error`, as the data store was away; it has the data now.
    Delivered,
    /// Without a record, and without data in the data store.
    Removed,
}

impl Ending {
    /// The ending in a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::Interrupted => "interrupted",
            Self::EnrollInterrupted => "enrollment interrupted",
            Self::Waiting => "waiting",
            Self::Finished => "finished",
            Self::Refused => "refused",
            Self::Canceled => "canceled",
            Self::TimedOut => "timed out",
            Self::Delivered => "delivered",
            Self::Removed => "removed",
        }
    }
}

const fn at(flow: &'static str, name: &'static str, ending: Ending) -> Point {
    Point { name, flow, ending }
}

/// Every point, in the order in which a flow comes by.
pub const POINTS: &[Point] = &[
    at("start", "start.before", Ending::Untouched),
    at("start", "start.committed", Ending::Interrupted),
    at("start", "starting.answered", Ending::Interrupted),
    at("start", "boot_device.begun", Ending::Interrupted),
    at("start", "boot_device.done", Ending::Interrupted),
    at("start", "turn.done", Ending::Interrupted),
    at("start", "turn.before", Ending::Interrupted),
    at("start", "turn.committed", Ending::Interrupted),
    at("start", "reboot.begun", Ending::Interrupted),
    at("start", "reboot.done", Ending::Interrupted),
    at("start", "wait.before", Ending::Interrupted),
    at("start", "wait.committed", Ending::Waiting),
    at("callback", "fetch.begun", Ending::Waiting),
    at("callback", "fetch.done", Ending::Waiting),
    at("callback", "process.before", Ending::Waiting),
    at("callback", "process.committed", Ending::Finished),
    at("callback", "hooks.begun", Ending::Finished),
    at("callback", "hooks.done", Ending::Finished),
    at("callback", "plan.before", Ending::Finished),
    at("callback", "plan.committed", Ending::Finished),
    at("callback", "apply.begun", Ending::Finished),
    at("callback", "apply.node_patched", Ending::Finished),
    at("callback", "apply.port_created", Ending::Finished),
    at("callback", "apply.port_dropped", Ending::Finished),
    at("callback", "apply.port_patched", Ending::Finished),
    at("callback", "apply.done", Ending::Finished),
    at("callback", "processing.answered", Ending::Finished),
    at("callback", "power_off.begun", Ending::Finished),
    at("callback", "power_off.done", Ending::Finished),
    at("callback", "finish.before", Ending::Finished),
    at("callback", "finish.committed", Ending::Finished),
    at("refusal", "error.before", Ending::Waiting),
    at("refusal", "error.committed", Ending::Refused),
    at("reapply", "reapply.before", Ending::Untouched),
    at("reapply", "reapply.committed", Ending::Finished),
    at("reapply", "reapplying.answered", Ending::Finished),
    at("reapply", "fetch.done", Ending::Finished),
    at("reapply", "plan.committed", Ending::Finished),
    at("reapply", "apply.node_patched", Ending::Finished),
    at("reapply", "finish.before", Ending::Finished),
    at("abort", "abort.before", Ending::Waiting),
    at("abort", "abort.committed", Ending::Canceled),
    at("abort", "aborting.answered", Ending::Canceled),
    at("abort", "abort_power_off.begun", Ending::Canceled),
    at("abort", "abort_power_off.sent", Ending::Canceled),
    at("abort", "abort_power_off.done", Ending::Canceled),
    at("abort", "abort_end.before", Ending::Canceled),
    at("abort", "abort_end.committed", Ending::Canceled),
    at("timeout", "sweep.found", Ending::TimedOut),
    at("timeout", "sweep.committed", Ending::TimedOut),
    at("enroll", "enroll.checked", Ending::Untouched),
    at("enroll", "enroll.made", Ending::Untouched),
    at("enroll", "start.before", Ending::Untouched),
    at("enroll", "start.committed", Ending::EnrollInterrupted),
    at("enroll", "process.before", Ending::EnrollInterrupted),
    at("enroll", "process.committed", Ending::Finished),
    at("enroll", "apply.node_patched", Ending::Finished),
    at("enroll", "apply.port_created", Ending::Finished),
    at("enroll", "finish.before", Ending::Finished),
    at("store", "save.begun", Ending::Finished),
    at("store", "save.raw_stored", Ending::Finished),
    at("store", "save.done", Ending::Finished),
    at("store", "plan.before", Ending::Finished),
    at("store", "plan.committed", Ending::Finished),
    at("delivery", "deliver.begun", Ending::Delivered),
    at("delivery", "deliver.sent", Ending::Delivered),
    at("delivery", "deliver.done", Ending::Delivered),
    at("removal", "discard.begun", Ending::Removed),
    at("removal", "discard.sent", Ending::Removed),
    at("removal", "discard.done", Ending::Removed),
    at("recovery", "recovery.found", Ending::Finished),
    at("recovery", "recovery.woken", Ending::Finished),
    at("recovery", "recovery.read", Ending::Finished),
];

/// Dies here, if a test asked for it.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::OnceLock;
    static WANTED: OnceLock<Option<String>> = OnceLock::new();
    let wanted = WANTED.get_or_init(|| std::env::var("ROLLCALL_TEST_CRASH_AT").ok());
    if wanted.as_deref() == Some(name) {
        // The signal ends the process before this call returns.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
#[inline]
pub fn point(_name: &str) {}

/// Dies at a point whose name has two parts, if a test asked for it.
#[cfg(debug_assertions)]
pub fn point_of(what: &str, moment: &str) {
    point(&format!("{what}.{moment}"));
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
#[inline]
pub fn point_of(_what: &str, _moment: &str) {}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/crash-matrix.md");

    fn matrix() -> String {
        let mut text = String::from(
            "# What a crash leaves\n\n\
             The process is killed (`kill -9`) at each of these points and started again; the test-suite runs every \
             row on both databases. The table is made from `src/crash.rs`.\n\n\
             | flow | killed at | after the restart |\n|---|---|---|\n",
        );
        for point in POINTS {
            writeln!(text, "| {} | `{}` | {} |", point.flow, point.name, point.ending.name()).unwrap();
        }
        text.push_str(
            "\nUntouched: the caller had no answer and asks again. Interrupted: `error`, with a text that says so. \
             Enrollment interrupted: likewise, and the data can be processed again. Waiting: the next callback is taken. Finished: with its data, as after an undisturbed run. Refused: \
             `error`, with what was wrong with the data. Canceled: `Canceled by operator`, and the machine is off. \
             Timed out: `Introspection timeout`. Store, delivery and removal are flows with a data store outside of the \
             database. Delivered: `error`, as the data store was away; it has the data now. Removed: neither record nor \
             data is left.\n",
        );
        text
    }

    #[test]
    fn the_document_is_made_from_the_points() {
        if std::env::var_os("ROLLCALL_TEST_WRITE_DOCS").is_some() {
            std::fs::write(FILE, matrix()).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(FILE).unwrap(),
            matrix(),
            "ROLLCALL_TEST_WRITE_DOCS=1 writes it anew"
        );
    }

    #[test]
    fn no_point_is_listed_twice_in_a_flow() {
        for (index, point) in POINTS.iter().enumerate() {
            assert!(
                !POINTS[..index].iter().any(|p| p.flow == point.flow && p.name == point.name),
                "{point:?}"
            );
        }
    }
}
