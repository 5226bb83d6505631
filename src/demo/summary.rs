//! What became of the fleet: the table at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};

use super::life::Outcome;

/// Width of the table.
const WIDTH: u16 = 110;

/// All outcomes with the same state and reason.
#[derive(Debug, Default)]
struct Group {
    nodes: usize,
    as_planned: usize,
    took: Vec<Duration>,
}

/// The table: a row for each state and reason.
#[must_use]
pub fn table(outcomes: &[Outcome]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.set_header(["State", "Nodes", "As planned", "Reason", "Median", "p90"]);
    for ((state, reason), mut group) in groups(outcomes) {
        group.took.sort_unstable();
        table.add_row([
            state,
            group.nodes.to_string(),
            group.as_planned.to_string(),
            reason,
            seconds(percentile(&group.took, 50)),
            seconds(percentile(&group.took, 90)),
        ]);
    }
    table
}

/// How many of the fleet ended as planned, and what happened to the others, one line each.
#[must_use]
pub fn verdict(outcomes: &[Outcome]) -> Vec<String> {
    let good = outcomes.iter().filter(|outcome| outcome.surprise.is_none()).count();
    let mut lines = vec![format!("{good} of {} nodes ended as planned", outcomes.len())];
    for Outcome { machine, surprise, .. } in outcomes {
        if let Some(surprise) = surprise {
            lines.push(format!("  {} ({}, {:?}): {surprise}", machine.name, machine.uuid, machine.fate));
        }
    }
    lines
}

fn groups(outcomes: &[Outcome]) -> BTreeMap<(String, String), Group> {
    let mut groups: BTreeMap<(String, String), Group> = BTreeMap::new();
    for outcome in outcomes {
        let state = outcome.status.as_ref().map_or("not started", |status| status.state.name());
        let error = outcome.status.as_ref().and_then(|status| status.error.as_deref()).unwrap_or("-");
        let reason = error.split_whitespace().collect::<Vec<_>>().join(" ");
        let group = groups.entry((state.to_owned(), reason)).or_default();
        group.nodes = group.nodes.saturating_add(1);
        group.as_planned = group.as_planned.saturating_add(usize::from(outcome.surprise.is_none()));
        group.took.extend(outcome.status.as_ref().and_then(super::api::Status::took));
    }
    groups
}

/// The smallest value that this many of a hundred do not exceed.
fn percentile(sorted: &[Duration], hundredths: usize) -> Option<Duration> {
    let rank = sorted.len().saturating_mul(hundredths).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

fn seconds(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{:.2} s", time.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use serde_json::json;

    use super::*;
    use crate::demo::fleet::Machine;

    fn outcome(index: u32, state: &str, error: Option<&str>, took_s: i64, surprise: Option<&str>) -> Outcome {
        let status = json!({
            "uuid": uuid::Uuid::nil(), "state": state, "error": error,
            "started_at": "2026-01-01T00:00:00", "finished_at": format!("2026-01-01T00:00:{took_s:02}.500000"),
        });
        Outcome {
            machine: Rc::new(Machine::new(index)),
            status: serde_json::from_value(status).unwrap(),
            surprise: surprise.map(str::to_owned),
        }
    }

    #[test]
    fn equal_ends_share_a_row_with_their_times() {
        let mut outcomes: Vec<Outcome> =
            (0..10).map(|n| outcome(n, "finished", None, i64::from(n), None)).collect();
        outcomes.push(outcome(10, "error", Some("a\nb"), 3, Some("x")));
        let table = table(&outcomes).to_string();
        let row = |start: &str| {
            let line = table.lines().find(|line| line.starts_with(start)).unwrap();
            line.split('|')
                .map(|cell| cell.trim().to_owned())
                .filter(|cell| !cell.is_empty())
                .collect::<Vec<_>>()
        };
        assert_eq!(row("| finished"), ["finished", "10", "10", "-", "4.50 s", "8.50 s"]);
        assert_eq!(row("| error"), ["error", "1", "0", "a b", "3.50 s", "3.50 s"]);
    }

    #[test]
    fn the_verdict_names_those_that_went_another_way() {
        let lines =
            verdict(&[outcome(0, "finished", None, 1, None), outcome(1, "error", Some("e"), 1, Some("why"))]);
        assert_eq!(lines.first().map(String::as_str), Some("1 of 2 nodes ended as planned"));
        assert!(lines.last().unwrap().contains("demo-002") && lines.last().unwrap().ends_with(": why"));
        assert_eq!(lines.len(), 2);
    }
}
