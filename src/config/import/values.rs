//! Values: variables filled in, and texts as the library reads them made into TOML.
//!
//! Invariant: a refusal never shows a value, as it may hold a secret.

use toml::Value;

use super::super::spec::Kind;
use super::history;
use super::settings::{Setting, Settings};

/// Variables within variables; more is a circle.
const MAX_DEPTH: usize = 16;
/// A list of hooks that is understood here too: it is handed on as a variable.
const KEPT: (&str, &str, &str) = ("processing", "processing_hooks", "default_processing_hooks");

/// The values of a setting with their variables filled in.
///
/// # Errors
/// A variable that stands for nothing.
pub(super) fn filled(setting: &Setting, settings: &Settings) -> Result<Vec<String>, String> {
    let Setting { section, name, .. } = setting;
    let scope = Scope { settings, section, keep: (*section == KEPT.0 && *name == KEPT.1).then_some(KEPT.2) };
    setting.values.iter().map(|value| scope.fill(value, 0)).collect()
}

/// From where a variable is looked up: its own section, then the first.
struct Scope<'a> {
    settings: &'a Settings,
    section: &'a str,
    keep: Option<&'a str>,
}

impl Scope<'_> {
    fn fill(&self, text: &str, depth: usize) -> Result<String, String> {
        if depth > MAX_DEPTH {
            return Err("its variables stand for each other in a circle".to_owned());
        }
        let text = text.replace("\\$", "$$");
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            rest = match variable(after) {
                Variable::Dollar(rest) => {
                    out.push('$');
                    rest
                }
                Variable::Named(name, rest) if self.keep == Some(name) => {
                    out.push_str(&format!("${{{name}}}"));
                    rest
                }
                Variable::Named(name, rest) => {
                    out.push_str(&self.value(name, depth)?);
                    rest
                }
                Variable::None => {
                    out.push('$');
                    after
                }
            };
        }
        out.push_str(rest);
        Ok(out)
    }

    /// What a variable stands for: `name`, or `section.name`.
    fn value(&self, name: &str, depth: usize) -> Result<String, String> {
        let places = match name.split_once('.') {
            Some((section, name)) => vec![(section, name)],
            None => vec![(self.section, name), ("DEFAULT", name)],
        };
        for (section, name) in places {
            if let Some(setting) = self.settings.get(section, name) {
                let scope = Scope { settings: self.settings, section, keep: None };
                return scope.fill(setting.last(), depth.saturating_add(1));
            }
            if let Some(value) = default_of(section, name) {
                return Ok(value);
            }
        }
        Err(format!("its variable ${name} is not set"))
    }
}

/// The default of an option as a text, where it is no list or table.
fn default_of(section: &str, name: &str) -> Option<String> {
    let theirs = history::THEIR_DEFAULTS.iter().find(|(of, option, _)| (*of, *option) == (section, name));
    if let Some((_, _, value)) = theirs {
        return Some((*value).to_owned());
    }
    let spec = history::table_of(section)?.options.iter().find(|spec| spec.name == name)?;
    match spec.default?.parse::<Value>().ok()? {
        Value::String(text) => Some(text),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(choice) => Some(if choice { "True" } else { "False" }.to_owned()),
        _ => None,
    }
}

/// What follows a dollar sign.
enum Variable<'a> {
    /// Another dollar sign: the two are one.
    Dollar(&'a str),
    /// A name, and what follows it.
    Named(&'a str, &'a str),
    /// Nothing of the kind: the sign stands for itself.
    None,
}

fn variable(after: &str) -> Variable<'_> {
    if let Some(rest) = after.strip_prefix('$') {
        return Variable::Dollar(rest);
    }
    let (inner, closing) = match after.strip_prefix('{') {
        Some(inner) => (inner, "}"),
        None => (after, ""),
    };
    let end = inner.find(|c: char| !is_of_name(c)).unwrap_or(inner.len());
    let (name, rest) = inner.split_at_checked(end).unwrap_or((inner, ""));
    let begins_well = name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic());
    match rest.strip_prefix(closing) {
        Some(rest) if begins_well => Variable::Named(name, rest),
        _ => Variable::None,
    }
}

fn is_of_name(c: char) -> bool {
    c == '_' || c == '.' || c.is_ascii_alphanumeric()
}

/// The TOML form of what was said of an option; nothing where it says "unset".
///
/// # Errors
/// What was expected.
pub(super) fn typed(kind: Kind, values: Vec<String>) -> Result<Option<Value>, String> {
    if let Kind::Multi = kind {
        return Ok(Some(Value::Array(values.into_iter().map(Value::String).collect())));
    }
    let last = values.into_iter().next_back().unwrap_or_default();
    match kind {
        Kind::Bool => boolean(&last).map(|choice| Some(Value::Boolean(choice))),
        Kind::Integer(..) => integer(last.trim()),
        _ => Ok(Some(Value::String(last))),
    }
}

fn boolean(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Ok(true),
        "false" | "0" | "off" | "no" => Ok(false),
        _ => Err("true or false is expected".to_owned()),
    }
}

/// A whole number; one may be written with a fraction of zero.
fn integer(text: &str) -> Result<Option<Value>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
        _ => text,
    };
    let number = whole.parse().map_err(|_| "a whole number is expected".to_owned())?;
    Ok(Some(Value::Integer(number)))
}

#[cfg(test)]
mod tests {
    use super::super::settings::Source;
    use super::*;

    fn fill(text: &str, section: &str, name: &str) -> Result<Vec<String>, String> {
        let settings = Settings::read(&[Source { place: "f", text }], |_, _| false).unwrap();
        filled(settings.get(section, name).unwrap(), &settings)
    }

    fn filled_in(value: &str) -> Result<String, String> {
        let text =
            format!("[DEFAULT]\nhost = h\nlisten_address = ::1\n[swift]\ncontainer = c\nx = {value}\n");
        fill(&text, "swift", "x").map(|mut values| values.remove(0))
    }

    #[test]
    fn a_variable_is_looked_up_in_its_section_and_then_in_the_first() {
        assert_eq!(filled_in("$container-${host}").unwrap(), "c-h");
        assert_eq!(filled_in("${swift.container}/$DEFAULT.host").unwrap(), "c/h");
        assert_eq!(filled_in("$host:$listen_port").unwrap(), "h:5050");
        assert_eq!(filled_in("${processing.add_ports}").unwrap(), "pxe");
    }

    #[test]
    fn a_doubled_or_escaped_dollar_sign_is_one() {
        assert_eq!(filled_in(r"a$$b\$c").unwrap(), "a$b$c");
        assert_eq!(filled_in("$5 ${ ${x y} $").unwrap(), "$5 ${ ${x y} $");
    }

    #[test]
    fn a_variable_that_stands_for_nothing_is_told_by_name() {
        assert_eq!(filled_in("$nobody").unwrap_err(), "its variable $nobody is not set");
        let circle = "[DEFAULT]\na = $b\nb = $a\n";
        assert!(fill(circle, "DEFAULT", "a").unwrap_err().contains("circle"));
    }

    #[test]
    fn the_list_of_hooks_keeps_its_variable() {
        let text = "[processing]\nprocessing_hooks = a,$default_processing_hooks\n";
        let filled = fill(text, "processing", "processing_hooks").unwrap();
        assert_eq!(filled, ["a,${default_processing_hooks}"]);
    }

    #[test]
    fn numbers_and_truth_are_written_in_many_ways() {
        let integer = |text: &str| typed(Kind::Integer(0, 9), vec![text.to_owned()]);
        assert_eq!(integer(" 7 "), Ok(Some(Value::Integer(7))));
        assert_eq!(integer("60.0"), Ok(Some(Value::Integer(60))));
        assert_eq!(integer(""), Ok(None));
        assert!(integer("1.5").is_err() && integer("x").is_err());
        for (text, wanted) in [("True", true), ("yes", true), ("ON", true), ("0", false), ("No", false)] {
            assert_eq!(typed(Kind::Bool, vec![text.to_owned()]), Ok(Some(Value::Boolean(wanted))));
        }
        assert!(typed(Kind::Bool, vec!["maybe".to_owned()]).is_err());
    }
}
