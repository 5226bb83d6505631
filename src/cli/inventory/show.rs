//! What an import would change, or has changed, for people: coloured on a terminal.

use std::io::{self, Write};
use std::process::ExitCode;

use console::{Style, style};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::inventory::{Answer, Verdict};

/// Prints an answer; the code says whether it was refused.
///
/// # Errors
/// Where `out` can not be written.
pub fn answer(answer: &Answer, quiet: bool, out: &mut impl Write) -> Result<ExitCode> {
    let body: Value = serde_json::from_slice(&answer.body.whole()).map_err(Error::internal)?;
    if answer.verdict != Verdict::Fine {
        refusal(&body, out).map_err(Error::internal)?;
        return Ok(ExitCode::FAILURE);
    }
    success(&body, quiet, out).map_err(Error::internal)?;
    let refused = refused(&body, out).map_err(Error::internal)?;
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn list<'a>(body: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    body.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Tells which systems were kept out, and why; answers how many.
fn refused(body: &Value, out: &mut impl Write) -> io::Result<usize> {
    let mut count: usize = 0;
    for fate in list(body, "fates").filter(|fate| text(fate, "fate") == "refused") {
        count = count.saturating_add(1);
        writeln!(out, "{} {}", style("refused").red(), text(fate, "label"))?;
        errors(fate, out)?;
    }
    if count > 0 {
        writeln!(out, "{count} systems were refused")?;
    }
    Ok(count)
}

fn refusal(body: &Value, out: &mut impl Write) -> io::Result<()> {
    errors(body, out)?;
    writeln!(out, "{}", text(body, "detail"))
}

fn errors(body: &Value, out: &mut impl Write) -> io::Result<()> {
    for error in list(body, "errors") {
        let line = error.get("line").map(|line| format!(" line {line}")).unwrap_or_default();
        let column = error.get("column").map(|column| format!(" column {column}")).unwrap_or_default();
        let value = error.get("value").filter(|value| !value.is_null());
        let value = value.map(|value| format!(" (here {value})")).unwrap_or_default();
        let code = style(text(error, "code")).red();
        writeln!(out, "{code} {}{line}{column}: {}{value}", text(error, "pointer"), text(error, "message"))?;
    }
    Ok(())
}

fn success(body: &Value, quiet: bool, out: &mut impl Write) -> io::Result<()> {
    if !quiet {
        for change in list(body, "changes") {
            print_change(change, out)?;
        }
        for notice in list(body, "notices") {
            writeln!(
                out,
                "{} {}: {}",
                style("note").cyan(),
                text(notice, "pointer"),
                text(notice, "message")
            )?;
        }
    }
    let summary = body.get("summary").and_then(Value::as_object);
    let counts: Vec<String> =
        summary.into_iter().flatten().map(|(op, count)| format!("{count} {op}")).collect();
    let committed = body.get("committed") == Some(&Value::Bool(true));
    match (committed, text(body, "change_set")) {
        (true, "") => writeln!(out, "nothing to change: {}", counts.join(", ")),
        (true, set) => writeln!(out, "committed as {set}: {}", counts.join(", ")),
        (false, _) => writeln!(out, "nothing is written without --commit: {}", counts.join(", ")),
    }
}

fn print_change(change: &Value, out: &mut impl Write) -> io::Result<()> {
    let (sign, colour) = match text(change, "op") {
        "create" => ("+", Style::new().green()),
        "delete" => ("-", Style::new().red()),
        "move" => (">", Style::new().cyan()),
        _ => ("~", Style::new().yellow()),
    };
    let head = format!("{sign} {} {}", text(change, "kind"), text(change, "label"));
    writeln!(out, "{}", colour.apply_to(head))?;
    for field in list(change, "fields") {
        let side = |name: &str| field.get(name).filter(|value| !value.is_null());
        write!(out, "    {}:", text(field, "field"))?;
        if let Some(from) = side("from") {
            write!(out, " {}", style(from).red())?;
        }
        if side("from").is_some() || text(change, "op") != "create" {
            write!(out, " ->")?;
        }
        match side("to") {
            Some(to) => writeln!(out, " {}", style(to).green())?,
            None => writeln!(out, " {}", style("null").dim())?,
        }
    }
    Ok(())
}
