//! What the files say together: one setting for each option, under the name it has now.
//!
//! Invariant: the last file that names an option decides, and in it the last line; a current name goes before an
//! older one. Nothing is dropped unseen: a line that does not count is told of.

use super::history;
use super::ini::{self, Assignment};

/// A file that was read.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// How it is called.
    pub place: &'a str,
    /// What stands in it.
    pub text: &'a str,
}

/// An option with what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// Its section, by the name it has now; `DEFAULT` is the first.
    pub section: String,
    /// Its name now.
    pub name: String,
    /// Section and name as they were given, where they were others.
    pub was: Option<(String, String)>,
    /// All that was said, in order; never empty.
    pub values: Vec<String>,
    /// Where the one that counts stands.
    pub place: String,
}

impl Setting {
    /// The value that counts where there can be only one.
    pub(super) fn last(&self) -> &str {
        self.values.last().map_or("", String::as_str)
    }
}

/// A line that does not count, since the option is set again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Overruled {
    pub place: String,
    pub section: String,
    pub name: String,
    pub by: String,
}

/// All settings, in order of their first mention.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub all: Vec<Setting>,
    pub overruled: Vec<Overruled>,
}

impl Settings {
    /// Reads files, later ones over earlier ones. `is_multi` tells which options take several values.
    ///
    /// # Errors
    /// The first line of a file that means nothing, with its place.
    pub(super) fn read(
        sources: &[Source<'_>],
        is_multi: impl Fn(&str, &str) -> bool,
    ) -> Result<Self, String> {
        let mut settings = Self::default();
        for source in sources {
            let assignments = ini::parse(source.text)
                .map_err(|(line, wrong)| format!("{}:{line}: {wrong}", source.place))?;
            // A current name goes before an older one, wherever in the file the two stand.
            let (old, new): (Vec<_>, Vec<_>) =
                assignments.into_iter().partition(|one| history::current(&one.section, &one.name).is_some());
            for assignment in old.into_iter().chain(new) {
                settings.add(source.place, assignment, &is_multi);
            }
        }
        Ok(settings)
    }

    /// The setting of an option.
    pub(super) fn get(&self, section: &str, name: &str) -> Option<&Setting> {
        self.all.iter().find(|setting| setting.section == section && setting.name == name)
    }

    /// Sets what holds there where nothing is said.
    pub(super) fn supply(&mut self, section: &str, name: &str, value: &str) {
        if self.get(section, name).is_none() {
            self.all.push(Setting {
                section: section.to_owned(),
                name: name.to_owned(),
                was: None,
                values: vec![value.to_owned()],
                place: super::THEIR_DEFAULT.to_owned(),
            });
        }
    }

    fn add(&mut self, place: &str, assignment: Assignment, is_multi: &impl Fn(&str, &str) -> bool) {
        let Assignment { section, name, value, line } = assignment;
        let place = format!("{place}:{line}");
        let (now, was) = match history::current(&section, &name) {
            Some((now, new)) => ((now, new.to_owned()), Some((section, name))),
            None => ((section, name), None),
        };
        let known = self.all.iter_mut().find(|known| (&known.section, &known.name) == (&now.0, &now.1));
        match known {
            Some(known) if is_multi(&now.0, &now.1) => known.values.push(value),
            Some(known) => {
                let old = std::mem::replace(
                    known,
                    Setting { section: now.0, name: now.1, was, values: vec![value], place },
                );
                let (section, name) = old.was.unwrap_or((old.section, old.name));
                let by = known.place.clone();
                self.overruled.push(Overruled { place: old.place, section, name, by });
            }
            None => self.all.push(Setting { section: now.0, name: now.1, was, values: vec![value], place }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Settings {
        let sources: Vec<_> = texts.iter().map(|text| Source { place: "f", text }).collect();
        Settings::read(&sources, |_, name| name == "alias").unwrap()
    }

    #[test]
    fn the_last_line_of_the_last_file_decides_and_the_others_are_told_of() {
        let settings = read(&["[DEFAULT]\na = 1\na = 2\n", "[DEFAULT]\na = 3\n"]);
        assert_eq!(settings.get("DEFAULT", "a").unwrap().last(), "3");
        assert_eq!(settings.all.len(), 1);
        assert_eq!(settings.overruled.len(), 2);
    }

    #[test]
    fn every_value_of_a_repeated_option_is_kept() {
        let settings = read(&["[pci_devices]\nalias = a\nalias = b\n", "[pci_devices]\nalias = c\n"]);
        assert_eq!(settings.get("pci_devices", "alias").unwrap().values, ["a", "b", "c"]);
        assert!(settings.overruled.is_empty());
    }

    #[test]
    fn a_current_name_goes_before_an_older_one() {
        let settings = read(&["[ironic]\nusername = new\nuser_name = old\n"]);
        let setting = settings.get("ironic", "username").unwrap();
        assert_eq!((setting.last(), setting.was.as_ref()), ("new", None));
        assert_eq!(settings.overruled[0].name, "user_name");
    }
}
