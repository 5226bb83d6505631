//! An `inspector.conf` of ironic-inspector as a configuration of ours.
//!
//! Invariants: the text that comes out is one that the reader takes without a problem; every option that was given
//! is told of, with what became of it; what is told never shows a value. It goes by the descriptions of the
//! options alone, so that what works here is what is carried over.

mod carry;
mod history;
mod ini;
mod settings;
#[cfg(test)]
mod tests;
mod values;
mod write;

use std::fmt;

pub use settings::Source;

use self::carry::Carrier;
use self::settings::Settings;
use super::draft::Draft;
use super::spec::Kind;
use super::{file, load};

/// The place of a value that nobody gave.
const THEIR_DEFAULT: &str = "default there";
/// How often what does not fit together is taken out before it is given up.
const MAX_ROUNDS: usize = 8;

/// Whether the text may hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// It goes where only its owner reads it.
    Written,
    /// They are left out, and told of.
    LeftOut,
}

/// What became of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It counts as it was.
    Carried,
    /// It counts under this name.
    Renamed(String),
    /// It is not missed, for this reason.
    NotNeeded(String),
    /// What it asked for is not to be had, for this reason.
    NotSupported(String),
}

/// What is to be told of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// File and line.
    pub place: String,
    /// Section and name as they were given.
    pub option: String,
    /// What became of it.
    pub fate: Fate,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.place, self.option)?;
        match &self.fate {
            Fate::Carried => f.write_str("carried over"),
            Fate::Renamed(name) => write!(f, "renamed to {name}"),
            Fate::NotNeeded(reason) => write!(f, "not needed: {reason}"),
            Fate::NotSupported(reason) => write!(f, "not supported: {reason}"),
        }
    }
}

/// What came of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The configuration: TOML, with secrets where they were asked for.
    pub text: String,
    /// What became of each option.
    pub findings: Vec<Finding>,
}

impl Imported {
    /// Whether nothing that was asked for is lost.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.findings.iter().any(|finding| matches!(finding.fate, Fate::NotSupported(_)))
    }

    /// How many were carried over, renamed, not needed and not supported.
    #[must_use]
    pub fn counts(&self) -> [usize; 4] {
        let mut counts = [0_usize; 4];
        for finding in &self.findings {
            let [carried, renamed, needless, lost] = &mut counts;
            let count = match finding.fate {
                Fate::Carried => carried,
                Fate::Renamed(_) => renamed,
                Fate::NotNeeded(_) => needless,
                Fate::NotSupported(_) => lost,
            };
            *count = count.saturating_add(1);
        }
        counts
    }
}

/// Makes a configuration of what stands in `sources`, later ones over earlier ones. `hooks` are the names of all
/// hooks that there are.
///
/// # Errors
/// One line: a line that means nothing, or options that do not fit together whatever is left out.
pub fn import(sources: &[Source<'_>], hooks: &[&str], secrets: Secrets) -> Result<Imported, String> {
    let mut settings = Settings::read(sources, is_multi)?;
    supply(&mut settings);
    let mut carrier = Carrier::new(&settings, hooks, secrets);
    carrier.carry_all();
    for _ in 0..MAX_ROUNDS {
        let text = write::text(sources, &carrier);
        let mut draft = Draft::default();
        file::parse("result", &text, &mut draft);
        load::settle(&mut draft);
        if draft.report.is_good() {
            return Ok(Imported { text, findings: carrier.into_findings() });
        }
        let problem = draft.report.problems.first().cloned();
        if draft.blamed.is_empty() {
            return Err(problem.unwrap_or_default());
        }
        for (name, wrong) in &draft.blamed {
            carrier.give_up(name, wrong)?;
        }
    }
    Err("the options do not fit together".to_owned())
}

/// The URL of the database that an `inspector.conf` names; it may hold a password.
///
/// # Errors
/// One line: a line that means nothing, or a variable that stands for nothing.
pub fn database_url(source: Source<'_>) -> Result<String, String> {
    let settings = Settings::read(&[source], is_multi)?;
    let Some(setting) = settings.get("database", "connection") else {
        return Ok(history::THEIR_DATABASE.to_owned());
    };
    let filled = values::filled(setting, &settings)
        .map_err(|wrong| format!("{}: [database] connection: {wrong}", setting.place))?;
    Ok(filled.into_iter().next_back().unwrap_or_default())
}

/// What holds there where nothing is said, and is another here.
fn supply(settings: &mut Settings) {
    for (section, name, value) in history::THEIR_DEFAULTS {
        settings.supply(section, name, value);
    }
    if settings.get("DEFAULT", "auth_strategy").is_some_and(|setting| setting.last() == "http_basic") {
        settings.supply("DEFAULT", "http_basic_auth_user_file", history::THEIR_USER_FILE);
    }
}

fn is_multi(section: &str, name: &str) -> bool {
    let options = history::table_of(section).map_or(&[][..], |table| table.options);
    options.iter().any(|spec| spec.name == name && matches!(spec.kind, Kind::Multi))
}
