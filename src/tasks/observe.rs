//! What is told of a run: its timeline, entry by entry, as messages of the child that observes it. Pure.
//!
//! Invariant: messages follow from the stored timeline and from nothing else, so that whoever leads tells the same, and
//! what was told already is not told again. The state machine stays the authority; a task only watches.

use super::jobs::about_node;
use super::model::Outcome;
use crate::clock::Timestamp;
use crate::fsm::{Event, State};
use crate::node::timeline::{Entry, Timeline};
use crate::store::tasks::{Mark, NewMessage, TaskRow};

/// What is new since the last look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub observed: i32,
    pub messages: Vec<NewMessage>,
    /// How the run ended, and that in one line.
    pub end: Option<(Outcome, String)>,
}

/// Looks at a run.
pub(super) fn look(child: &TaskRow, timeline: &Timeline, mark: &Mark, now: Timestamp) -> Seen {
    let told = usize::try_from(child.observed).unwrap_or(0);
    let mut messages: Vec<NewMessage> =
        timeline.entries.iter().skip(told).flat_map(|entry| messages(child, entry)).collect();
    let end = mark.outcome.as_deref().map(|outcome| end(outcome, mark.error.as_deref()));
    // Nothing of these stands in the timeline of the run itself.
    if let (Some("superseded" | "forgotten"), Some((_, text))) = (mark.outcome.as_deref(), &end) {
        messages.push(about_node(child, text.clone(), true, now));
    }
    let observed = i32::try_from(timeline.entries.len().max(told)).unwrap_or(i32::MAX);
    Seen { observed, messages, end }
}

fn end(outcome: &str, error: Option<&str>) -> (Outcome, String) {
    match outcome {
        "finished" => (Outcome::Success, "Introspection finished.".to_owned()),
        "superseded" => (Outcome::Failure, "The run was ended by another start.".to_owned()),
        "forgotten" => (Outcome::Failure, "The node is gone from the node service.".to_owned()),
        _ => (Outcome::Failure, error.unwrap_or("Introspection failed").to_owned()),
    }
}

/// An entry as messages.
fn messages(child: &TaskRow, entry: &Entry) -> Vec<NewMessage> {
    let at = Timestamp(entry.at_us);
    let info = |text: String| about_node(child, text, false, at);
    let by = entry.by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
    let cause = entry.cause.as_deref().unwrap_or("the reason is not known");
    if entry.event == "plan" {
        return plan(child, entry, at);
    }
    if entry.event == "refused" {
        return vec![info(format!("A request was refused: {cause}"))];
    }
    if entry.event == "token" {
        return vec![info("The callback was given another token.".to_owned())];
    }
    let event = entry.event.parse::<Event>().ok();
    match event {
        Some(Event::Start) => vec![info(format!("Introspection was started{by}."))],
        Some(Event::Wait) => vec![info("Waiting for the ramdisk.".to_owned())],
        Some(Event::Process) => vec![info("Data received.".to_owned())],
        Some(Event::Reapply) => vec![info(format!("Stored data is processed again{by}."))],
        Some(Event::Finish) => vec![info("Introspection finished.".to_owned())],
        Some(Event::Abort) if entry.to == Some(State::Aborting) => {
            vec![info(format!("Abort was asked for{by}."))]
        }
        Some(Event::Abort | Event::AbortEnd) => {
            vec![about_node(child, format!("Introspection was aborted: {cause}"), true, at)]
        }
        Some(Event::Timeout) => {
            vec![about_node(child, format!("Introspection timed out: {cause}"), true, at)]
        }
        Some(Event::Error) => {
            // From `waiting` only data leads there, which was refused in the same step.
            let received = entry.from == Some(State::Waiting);
            let received = received.then(|| info("Data received.".to_owned()));
            let failed = about_node(child, format!("Introspection failed: {cause}"), true, at);
            received.into_iter().chain([failed]).collect()
        }
        None => vec![info(format!("{}.", entry.event))],
    }
}

/// The Change is committed: the hooks are done, and the rules have told what they want.
fn plan(child: &TaskRow, entry: &Entry, at: Timestamp) -> Vec<NewMessage> {
    let mut messages = vec![about_node(child, "Hooks done.".to_owned(), false, at)];
    let held = entry.rules.as_ref().map_or(0, |rules| rules.matched.len());
    let text = match entry.rules.as_ref().and_then(|rules| rules.failed.as_ref()) {
        Some(_) => format!("A rule failed after {held} were applied."),
        None => format!("Rules applied: {held} matched."),
    };
    messages.push(about_node(child, text, false, at));
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::service::tests::child;

    fn entry(event: &str, to: State, cause: Option<&str>) -> Entry {
        let refused = Entry::refused(Timestamp(7), Some(to), String::new(), Some("admin req-1".to_owned()));
        Entry { event: event.to_owned(), to: Some(to), cause: cause.map(str::to_owned), ..refused }
    }

    fn mark(outcome: Option<&str>, error: Option<&str>) -> Mark {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let (outcome, error) = (text(outcome), text(error));
        Mark { run: "r".to_owned(), node: "n".to_owned(), outcome, error, version: None }
    }

    fn told(entries: Vec<Entry>, observed: i32, mark: &Mark) -> (Vec<String>, Option<(Outcome, String)>) {
        let timeline = Timeline { entries, left_out: 0 };
        let child = TaskRow { observed, ..child("p", 0, 1) };
        let seen = look(&child, &timeline, mark, Timestamp(9));
        assert_eq!(seen.observed, i32::try_from(timeline.entries.len()).unwrap());
        let text = |message: &NewMessage| {
            assert_eq!(
                (message.context_type, message.context.as_str()),
                ("node", child.node_uuid.as_deref().unwrap())
            );
            format!("{}{}", if message.error { "E " } else { "" }, message.text)
        };
        (seen.messages.iter().map(text).collect(), seen.end)
    }

    #[test]
    fn a_run_is_told_from_its_start_to_its_end_and_nothing_twice() {
        let all = vec![
            entry("start", State::Starting, None),
            entry("wait", State::Waiting, None),
            entry("process", State::Processing, None),
            entry("plan", State::Processing, None),
            entry("finish", State::Finished, None),
        ];
        let (messages, end) = told(all.clone(), 0, &mark(Some("finished"), None));
        assert_eq!(
            messages,
            [
                "Introspection was started by admin req-1.",
                "Waiting for the ramdisk.",
                "Data received.",
                "Hooks done.",
                "Rules applied: 0 matched.",
                "Introspection finished.",
            ]
        );
        assert_eq!(end.unwrap().0, Outcome::Success);
        let (messages, _) = told(all, 4, &mark(Some("finished"), None));
        assert_eq!(messages, ["Introspection finished."]);
    }

    #[test]
    fn each_bad_end_is_an_error_with_its_reason() {
        for (entries, outcome, wanted) in [
            (
                vec![entry("error", State::Error, Some("no disks"))],
                "error",
                "E Introspection failed: no disks",
            ),
            (vec![entry("timeout", State::Error, Some("late"))], "error", "E Introspection timed out: late"),
            (
                vec![entry("abort_end", State::Error, Some("Canceled"))],
                "error",
                "E Introspection was aborted: Canceled",
            ),
            (Vec::new(), "superseded", "E The run was ended by another start."),
            (Vec::new(), "forgotten", "E The node is gone from the node service."),
        ] {
            let (messages, end) = told(entries, 0, &mark(Some(outcome), Some("why")));
            assert_eq!(messages, [wanted]);
            assert_eq!(end.unwrap().0, Outcome::Failure);
        }
        let refused = Entry { from: Some(State::Waiting), ..entry("error", State::Error, Some("no disks")) };
        let (messages, _) = told(vec![refused], 0, &mark(Some("error"), None));
        assert_eq!(messages, ["Data received.", "E Introspection failed: no disks"]);
        let (messages, end) = told(vec![entry("abort", State::Aborting, None)], 0, &mark(None, None));
        assert_eq!((messages, end), (vec!["Abort was asked for by admin req-1.".to_owned()], None));
    }
}
