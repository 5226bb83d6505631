//! The new file: what differs from our defaults, each with its explanation and where it comes from.

use super::super::sections;
use super::carry::{Carrier, Line};
use super::settings::Source;

/// The file as text.
pub(super) fn text(sources: &[Source<'_>], carrier: &Carrier<'_>) -> String {
    let places: Vec<&str> = sources.iter().map(|source| source.place).collect();
    let mut out = format!(
        "# Made by `rollcall config import` from {}.\n\
         # Only what differs from the defaults stands here; `rollcall config sample` shows every option.\n",
        printable(&places.join(", "))
    );
    for section in sections() {
        let mut lines = carrier.lines.iter().filter(|line| line.section == section.name).peekable();
        if lines.peek().is_some() && !section.name.is_empty() {
            out.push_str(&format!("\n[{}]\n", section.name));
        }
        lines.for_each(|line| add_line(&mut out, line));
    }
    let mut lost = carrier.lost().peekable();
    if lost.peek().is_some() {
        out.push_str("\n# Not carried over:\n");
    }
    for finding in lost {
        out.push_str(&format!("#   {}\n", printable(&finding.to_string())));
    }
    out
}

fn add_line(out: &mut String, line: &Line) {
    let Line { spec, value, source, .. } = line;
    out.push_str(&format!("\n# {} ({})\n{} = {value}\n", spec.help, printable(source), spec.name));
}

/// A comment must stay on its line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
