//! How far the fleet is: bars on a terminal, plain lines elsewhere. All of it on standard error.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::watch;

use super::watch::Seen;
use crate::fsm::State;

/// The states that are shown, in the order of a run.
const STATES: [State; 6] =
    [State::Starting, State::Waiting, State::Processing, State::Aborting, State::Finished, State::Error];
/// The least pause between two plain lines.
const PAUSE: Duration = Duration::from_secs(1);

/// Shows what is seen until it is dropped.
pub async fn show(nodes: u64, seen: watch::Receiver<Seen>) {
    match io::stderr().is_terminal() {
        true => show_bars(nodes, seen).await,
        false => show_lines(nodes, seen).await,
    }
    // The watcher is gone; whoever waits for the machines hears of that as well.
    std::future::pending::<()>().await;
}

fn counts(seen: &Seen) -> [(State, u64); 6] {
    STATES.map(|state| {
        let count = seen.values().filter(|status| status.state == state).count();
        (state, u64::try_from(count).unwrap_or(u64::MAX))
    })
}

async fn show_bars(nodes: u64, mut seen: watch::Receiver<Seen>) {
    let all = MultiProgress::new();
    let bars = STATES.map(|state| all.add(bar(nodes, state)));
    loop {
        let counts = counts(&seen.borrow_and_update());
        for (bar, (_, count)) in bars.iter().zip(counts) {
            bar.set_position(count);
        }
        if seen.changed().await.is_err() {
            return;
        }
    }
}

fn bar(nodes: u64, state: State) -> ProgressBar {
    let color = match state {
        State::Finished => "green",
        State::Error => "red",
        _ => "cyan",
    };
    let template = format!("{{prefix:>10}} [{{bar:40.{color}}}] {{pos}}/{{len}}");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(nodes).with_style(style.progress_chars("=> ")).with_prefix(state.name());
    // Shown from the first moment on, with nobody in it yet.
    bar.tick();
    bar
}

async fn show_lines(nodes: u64, mut seen: watch::Receiver<Seen>) {
    let mut last = String::new();
    loop {
        let counts = counts(&seen.borrow_and_update());
        let line = line(nodes, &counts);
        if line != last {
            // Where nobody reads, there is nobody to be told that.
            let _ = writeln!(io::stderr(), "{line}");
            last = line;
            tokio::time::sleep(PAUSE).await;
        }
        if seen.changed().await.is_err() {
            return;
        }
    }
}

fn line(nodes: u64, counts: &[(State, u64)]) -> String {
    let parts: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| format!("{state} {count}"))
        .collect();
    let started: u64 = counts.iter().map(|(_, count)| count).sum();
    match parts.as_slice() {
        [] => format!("{nodes} nodes, none started yet"),
        _ => format!("{started} of {nodes} nodes started: {}", parts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_names_only_states_with_nodes() {
        let none = STATES.map(|state| (state, 0));
        assert_eq!(line(5, &none), "5 nodes, none started yet");
        let some = [(State::Waiting, 2), (State::Processing, 0), (State::Finished, 1)];
        assert_eq!(line(5, &some), "3 of 5 nodes started: waiting 2, finished 1");
    }
}
