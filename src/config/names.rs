//! Names: which option is meant, and which may have been meant.

use super::sections;
use super::spec::{Class, Section, Spec};

/// What a name stands for.
pub(super) enum Known {
    /// A described option.
    Option(&'static Spec),
    /// Any name in a section that takes all.
    Rest(Class),
    /// Nothing.
    Unknown,
}

/// The section of this name; the empty name is the top level.
pub(super) fn section(name: &str) -> Option<&'static Section> {
    sections().find(|section| section.name == name)
}

/// What `name` stands for in a section.
pub(super) fn option(section: &Section, name: &str) -> Known {
    match section.options.iter().find(|spec| spec.name == name) {
        Some(spec) => Known::Option(spec),
        None => section.rest.map_or(Known::Unknown, Known::Rest),
    }
}

/// The full name of an option, as people write it.
pub(super) fn full(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

/// A known option that may have been meant, by its full name: the same name elsewhere, or a close one.
pub(super) fn meant(section: &str, name: &str) -> Option<String> {
    let same = sections().find(|other| has(other, name));
    if let Some(other) = same {
        return Some(full(other.name, name));
    }
    let options = self::section(section)?.options;
    closest(name, options.iter().map(|spec| spec.name)).map(|close| full(section, close))
}

/// A known section that may have been meant.
pub(super) fn meant_section(name: &str) -> Option<&'static str> {
    closest(name, sections().map(|section| section.name))
}

fn has(section: &Section, name: &str) -> bool {
    section.options.iter().any(|spec| spec.name == name)
}

/// The candidate nearest to `name`, where it is near enough to be a slip.
fn closest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).min(3);
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_traced_to_the_name_that_was_meant() {
        assert_eq!(meant("processing", "ad_ports").as_deref(), Some("processing.add_ports"));
        assert_eq!(meant("", "listen_prot").as_deref(), Some("listen_port"));
        assert_eq!(meant("", "store_data").as_deref(), Some("processing.store_data"));
        assert_eq!(meant("database", "listen_port").as_deref(), Some("listen_port"));
        assert_eq!(meant("processing", "option_of_the_future"), None);
        assert_eq!(meant_section("procesing"), Some("processing"));
        assert_eq!(meant_section("x"), None);
    }
}
