//! JSON as the API writes it: compact, ASCII only, one newline at the end.
//!
//! Members come out in the order in which the type declares them: response types declare theirs by name.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// The text of `value`.
///
/// # Errors
/// Where the value cannot be written as JSON.
pub(super) fn write<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(256);
    value.serialize(&mut Serializer::with_formatter(&mut text, Ascii))?;
    text.push(b'\n');
    Ok(text)
}

/// Compact JSON with everything outside printable ASCII escaped.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| !(' '..='~').contains(&c)) {
            let (plain, tail) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut chars = tail.chars();
            if let Some(special) = chars.next() {
                let mut units = [0; 2];
                for unit in special.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn everything_but_printable_ascii_is_escaped() {
        let text = write("Gr\u{fc}\u{df}e \u{2603} \u{1f600} \"q\" \\ / \n \u{1} \u{7f}").unwrap();
        let wanted = "\"Gr\\u00fc\\u00dfe \\u2603 \\ud83d\\ude00 \\\"q\\\" \\\\ / \\n \\u0001 \\u007f\"\n";
        assert_eq!(String::from_utf8(text).unwrap(), wanted);
    }

    proptest! {
        #[test]
        fn any_text_survives(text in any::<String>()) {
            let written = write(&text).unwrap();
            prop_assert!(written.is_ascii());
            prop_assert_eq!(serde_json::from_slice::<String>(&written).unwrap(), text);
        }
    }
}
