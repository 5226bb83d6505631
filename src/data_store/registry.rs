//! The list of data stores.
//!
//! Invariant: a store is chosen here and nowhere else; all others ask what the choice means.

use std::fmt;
use std::path::Path;

use super::database::Database;
use super::folder::Folder;
use super::none::Nothing;
use super::swift::Swift;
use super::{DataStore, watched::Watched};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::node::step::KeepData;
use crate::store::Store;

/// One data store.
pub struct Entry {
    /// Its name in the configuration and for `migrate-data`.
    pub name: &'static str,
    /// What follows the name and a colon; nothing where nothing may.
    argument: Option<&'static str>,
    /// What becomes of the documents of runs.
    pub keeps: KeepData,
    /// Makes it.
    make: fn(&Making<'_>) -> Result<Box<dyn DataStore>>,
}

/// What a store is made of.
struct Making<'a> {
    config: &'a Config,
    argument: &'a str,
    store: &'a Store,
}

/// All of them.
const STORES: &[Entry] = &[
    Entry { name: "none", argument: None, keeps: KeepData::No, make: |_| Ok(Box::new(Nothing)) },
    Entry {
        name: "database",
        argument: None,
        keeps: KeepData::Yes,
        make: |making| Ok(Box::new(Database::new(making.store.clone()))),
    },
    Entry {
        name: "swift",
        argument: None,
        keeps: KeepData::Elsewhere,
        make: |making| Ok(Box::new(Swift::from_config(&making.config.swift)?)),
    },
    Entry {
        name: "folder",
        argument: Some("PATH"),
        keeps: KeepData::Elsewhere,
        make: |making| Ok(Box::new(Folder::new(Path::new(making.argument)))),
    },
];

/// A store that was chosen.
#[derive(Clone, Copy)]
pub struct Choice<'a> {
    /// Which.
    pub entry: &'static Entry,
    argument: &'a str,
}

impl fmt::Debug for Choice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Choice").field(&self.entry.name).field(&self.argument).finish()
    }
}

impl PartialEq for Choice<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.entry.name == other.entry.name && self.argument == other.argument
    }
}

/// The store that a text names.
///
/// # Errors
/// What is wrong with the text.
pub fn find(text: &str) -> std::result::Result<Choice<'_>, String> {
    let (name, argument) = text.split_once(':').map_or((text, None), |(name, rest)| (name, Some(rest)));
    let entry = STORES.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<String> = STORES.iter().map(Entry::usage).collect();
        format!("not one of {}", names.join(", "))
    })?;
    match (entry.argument, argument) {
        (None, None) => Ok(Choice { entry, argument: "" }),
        (Some(_), Some(argument)) if !argument.is_empty() => Ok(Choice { entry, argument }),
        _ => Err(format!("it is written {}", entry.usage())),
    }
}

/// What is wrong with the name of a store.
///
/// # Errors
/// That.
pub fn check(text: &str) -> std::result::Result<(), String> {
    find(text).map(drop)
}

impl Entry {
    /// Whether there is no more than one such store.
    #[must_use]
    pub fn is_only_one(&self) -> bool {
        self.argument.is_none()
    }

    fn usage(&self) -> String {
        self.argument.map_or_else(|| self.name.to_owned(), |argument| format!("{}:{argument}", self.name))
    }
}

impl Choice<'_> {
    /// Makes the store. It may read files.
    ///
    /// # Errors
    /// What can not be used of its options.
    pub fn open(&self, config: &Config, store: &Store) -> Result<Box<dyn DataStore>> {
        (self.entry.make)(&Making { config, argument: self.argument, store })
    }
}

/// The store that runs use, where it is one outside of our database. It may read files.
///
/// # Errors
/// What can not be used of its options.
pub fn external(config: &Config, store: &Store) -> Result<Option<Watched>> {
    let choice = configured(config)?;
    match choice.entry.keeps {
        KeepData::Elsewhere => choice.open(config, store).map(|store| Some(Watched::new(store))),
        KeepData::Yes | KeepData::No => Ok(None),
    }
}

/// What becomes of the documents of runs.
///
/// # Errors
/// Where there is no such store.
pub fn keeps(config: &Config) -> Result<KeepData> {
    configured(config).map(|choice| choice.entry.keeps)
}

fn configured(config: &Config) -> Result<Choice<'_>> {
    let told = |wrong| Error::bad_request(format!("processing.store_data: {wrong}"));
    find(&config.processing.store_data).map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_named_with_what_it_needs_and_nothing_more() {
        for (text, keeps) in [
            ("none", KeepData::No),
            ("database", KeepData::Yes),
            ("swift", KeepData::Elsewhere),
            ("folder:/var/lib/x:y", KeepData::Elsewhere),
        ] {
            assert_eq!(find(text).unwrap().entry.keeps, keeps, "{text}");
        }
        assert_eq!(check("disk"), Err("not one of none, database, swift, folder:PATH".to_owned()));
        for text in ["folder", "folder:"] {
            assert_eq!(check(text), Err("it is written folder:PATH".to_owned()), "{text}");
        }
        assert_eq!(check("swift:x"), Err("it is written swift".to_owned()));
        assert_eq!(find("swift"), find("swift"));
        assert_ne!(find("folder:/a"), find("folder:/b"));
    }
}
