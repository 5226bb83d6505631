//! The log: one line for each thing that is told, to standard error.
//!
//! Invariant: a line is one line, whatever texts of others it quotes; it ends with the id of the request that it is
//! about, wherever the work for that request is done.

use std::io::{self, Write};

use env_logger::{Builder, Env};
use log::Record;

use crate::context;

/// What a line names the id by.
const ID: &str = "request_id=";

/// Begins to log. `ROLLCALL_LOG` says what is told, else `default`.
pub fn init(default: &str) {
    let told = Env::new().filter_or("ROLLCALL_LOG", default);
    Builder::from_env(told)
        .format(|out, record| {
            let (time, style) = (out.timestamp(), out.default_level_style(record.level()));
            write!(out, "[{time} {style}{:<5}{style:#} {}] ", record.level(), record.target())?;
            write_text(out, record)
        })
        .init();
}

fn write_text(out: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
    let text = one_line(record.args().to_string());
    let named = context::request_id().map(|id| format!(" {ID}{id}")).unwrap_or_default();
    if text.ends_with(&named) { writeln!(out, "{text}") } else { writeln!(out, "{text}{named}") }
}

/// Texts may quote what a client or a ramdisk sent: no line is of its making.
fn one_line(text: String) -> String {
    if text.contains(char::is_control) { text.replace(char::is_control, " ") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Asker;

    fn line(asker: Option<&str>, text: &str) -> String {
        let mut out = Vec::new();
        context::on_behalf(asker.map(Asker::anonymous), || {
            write_text(&mut out, &Record::builder().args(format_args!("{text}")).build()).unwrap();
        });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_ends_with_the_request_that_it_is_about() {
        assert_eq!(line(None, "text"), "text\n");
        assert_eq!(line(Some("req-1"), "text"), "text request_id=req-1\n");
        assert_eq!(line(Some("req-1"), "text request_id=req-1"), "text request_id=req-1\n");
        assert_eq!(line(Some("req-1"), "request_id=x"), "request_id=x request_id=req-1\n");
    }

    #[test]
    fn nobody_begins_a_line_by_what_is_quoted() {
        assert_eq!(line(None, "a\r\n[INFO] b\u{1b}[31m"), "a  [INFO] b [31m\n");
    }
}
