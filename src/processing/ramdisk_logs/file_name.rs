//! Names of log files, from a template with fields.
//!
//! Invariant: a name is one part of a path, not empty, not `.` or `..`, and not longer than file systems allow.

use chrono::format::{Item, StrftimeItems};

use super::Origin;
use crate::clock::Timestamp;

const MAX_NAME_BYTES: usize = 255;

/// A parsed template.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Literal(String),
    Uuid,
    Mac,
    Bmc,
    /// The time, in a format that is known to be valid.
    Time(String),
}

impl Template {
    /// Reads a template; braces that are meant as such are doubled.
    pub(super) fn parse(template: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            let (literal, tail) = rest.split_at(at);
            parts.push(Part::Literal(literal.to_owned()));
            rest = match (tail.get(..2), tail.strip_prefix('{').and_then(|inner| inner.split_once('}'))) {
                (Some(double @ ("{{" | "}}")), _) => {
                    parts.push(Part::Literal(double.chars().take(1).collect()));
                    tail.get(2..).unwrap_or_default()
                }
                (_, Some((field, after))) => {
                    parts.push(Part::field(field)?);
                    after
                }
                _ => return Err(format!("unmatched brace in {template:?}")),
            };
        }
        parts.push(Part::Literal(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The name of the file with the logs of `origin`.
    pub(super) fn file_name(&self, origin: &Origin, now: Timestamp) -> String {
        let name: String = self.0.iter().map(|part| part.text(origin, now)).collect();
        sanitised(&name)
    }
}

impl Part {
    fn field(field: &str) -> Result<Self, String> {
        match field.split_once(':').unwrap_or((field, "")) {
            ("uuid", "") => Ok(Self::Uuid),
            ("mac", "") => Ok(Self::Mac),
            ("bmc", "") => Ok(Self::Bmc),
            ("dt", "") => Ok(Self::Time("%Y-%m-%d %H:%M:%S%.6f".to_owned())),
            ("dt", format) => time_format(format).map(Self::Time),
            _ => Err(format!(
                "unknown field {{{field}}}, known are {{uuid}}, {{mac}}, {{bmc}}, {{dt:<format>}}"
            )),
        }
    }

    fn text(&self, origin: &Origin, now: Timestamp) -> String {
        let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
        match self {
            Self::Literal(text) => text.clone(),
            Self::Uuid => or_unknown(origin.node.map(|uuid| uuid.to_string())),
            Self::Mac => or_unknown(origin.boot_mac.as_ref().map(|mac| mac.as_str().replace(':', ""))),
            Self::Bmc => or_unknown(origin.bmc.map(|address| address.to_string())),
            Self::Time(format) => now.to_utc().format(format).to_string(),
        }
    }
}

/// Python's `%f` is microseconds; all else is alike.
fn time_format(format: &str) -> Result<String, String> {
    let mut ours = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        ours.push(character);
        if character == '%' {
            match characters.next() {
                Some('f') => ours.push_str("6f"),
                Some(other) => ours.push(other),
                None => return Err(format!("time format {format:?} ends with a percent sign")),
            }
        }
    }
    if StrftimeItems::new(&ours).any(|item| matches!(item, Item::Error)) {
        return Err(format!("unknown time format {format:?}"));
    }
    Ok(ours)
}

fn sanitised(name: &str) -> String {
    let replaced = name.replace(|c: char| matches!(c, '/' | '\\') || c.is_control(), "_");
    let mut length = MAX_NAME_BYTES.min(replaced.len());
    while !replaced.is_char_boundary(length) {
        length -= 1;
    }
    match replaced.get(..length).unwrap_or_default() {
        "" | "." | ".." => "unknown".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn name(template: &str) -> String {
        let origin = Origin { node: Some(Uuid::nil()), ..Origin::default() };
        Template::parse(template).unwrap().file_name(&origin, Timestamp(1_795_399_295_204_486))
    }

    #[test]
    fn the_default_name_has_node_and_microseconds() {
        assert_eq!(
            name("{uuid}_{dt:%Y%m%d-%H%M%S.%f}.tar.gz"),
            "00000000-0000-0000-0000-000000000000_20261123-020135.204486.tar.gz"
        );
        assert_eq!(name("{dt}"), "2026-11-23 02:01:35.204486");
        assert_eq!(name("a{{b}}_{mac}_{bmc}{dt:%%f}"), "a{b}_unknown_unknown%f");
    }

    #[test]
    fn names_stay_in_their_folder() {
        assert_eq!(name("../a\\b/c\0{dt:%m/%d}"), ".._a_b_c_11_23");
        for empty in ["", ".", ".."] {
            assert_eq!(name(empty), "unknown");
        }
        let long = name(&"ü".repeat(200));
        assert_eq!(long.len(), 254);
    }

    #[test]
    fn unknown_fields_and_formats_are_refused() {
        for bad in ["{serial}", "{uuid:>9}", "{}", "{uuid", "uuid}", "{dt:%!}", "{dt:%}", "{uuid!r}"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }
}
