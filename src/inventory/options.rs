//! How an import is to be carried out: the members beside `systems`.

use serde_json::{Map, Value};

use super::model::{Type, Val};
use super::problem::{Code, Findings, Problem, escaped};
use super::values;

/// Whose manners a request follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Ours.
    #[default]
    Own,
    /// Those of the ancestor: other members beside `systems` are passed over, and `clone` is known.
    Ancestor,
}

/// How much one request may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Systems.
    pub systems: usize,
    /// Objects within systems.
    pub objects: usize,
}

/// How a request is worked on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// While its sender waits; what is too large for that is told to be.
    #[default]
    AtOnce,
    /// As a task; only its outcome is told.
    Background,
}

impl Default for Limits {
    fn default() -> Self {
        Self { systems: 10_000, objects: 200_000 }
    }
}

/// What becomes of the changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Commit {
    /// They are only told.
    #[default]
    DryRun,
    /// They are made.
    Commit,
}

/// What becomes of nested objects that the request does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// They stay.
    #[default]
    Patch,
    /// They are deleted, where their set is given.
    Replace,
}

/// What a system without key is known by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matching {
    /// By nothing: it is new.
    #[default]
    Pk,
    /// Its host name.
    Hostname,
    /// Its UUID.
    Uuid,
    /// Its serial number.
    Serial,
}

/// What becomes of a system that is not found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMissing {
    /// It is made.
    #[default]
    Create,
    /// It is refused.
    Fail,
}

/// Whether existing objects need a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// Those that are given count.
    #[default]
    Optional,
    /// Each has to be given.
    Required,
}

/// What a mistake keeps out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Atomic {
    /// The whole request.
    #[default]
    Request,
    /// The system that it is in.
    System,
}

/// How much may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxChanges {
    /// So many objects.
    Count(u64),
    /// So many of a hundred systems.
    Percent(u64),
}

/// The members beside `systems`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `commit`
    pub commit: Commit,
    /// `comment`
    pub comment: Option<String>,
    /// `atomic`
    pub atomic: Atomic,
    /// `mode`
    pub mode: Mode,
    /// `on_missing`
    pub on_missing: OnMissing,
    /// `match`
    pub matching: Matching,
    /// `require_version`
    pub versions: Versions,
    /// `max_changes`
    pub max_changes: Option<MaxChanges>,
    /// `max_deletes`
    pub max_deletes: u64,
    /// `change_set`
    pub change_set: Option<String>,
}

/// All of them, for suggestions and for the published schema.
pub const NAMES: [&str; 12] = [
    "systems",
    "commit",
    "atomic",
    "comment",
    "mode",
    "on_missing",
    "match",
    "require_version",
    "max_changes",
    "max_deletes",
    "change_set",
    "lookups",
];

/// Names that an export writes above the systems and that mean nothing to an import.
const EXPORTED: [&str; 2] = ["generation", "next"];

/// Reads the members beside `systems`; answers the names that are to be known, too.
pub fn read(
    main: Map<String, Value>,
    dialect: Dialect,
    findings: &mut Findings,
) -> (Options, Vec<(String, String)>) {
    let (mut options, mut lookups) = (Options::default(), Vec::new());
    for (name, value) in main {
        if let Err((code, text)) = member(&name, &value, &mut options, &mut lookups, dialect) {
            let pointer = format!("/{}", escaped(&name));
            findings.wrong(Problem::of_request(&pointer, code, text).with(value));
        }
    }
    (options, lookups)
}

type Refusal = (Code, String);

fn member(
    name: &str,
    value: &Value,
    options: &mut Options,
    lookups: &mut Vec<(String, String)>,
    dialect: Dialect,
) -> Result<(), Refusal> {
    match name {
        "commit" => options.commit = if boolean(value)? { Commit::Commit } else { Commit::DryRun },
        _ if dialect == Dialect::Ancestor => {}
        "atomic" => options.atomic = if boolean(value)? { Atomic::Request } else { Atomic::System },
        "comment" => options.comment = Some(text(value, 200)?),
        "mode" => options.mode = choice(value, &[("patch", Mode::Patch), ("replace", Mode::Replace)])?,
        "on_missing" => {
            options.on_missing = choice(value, &[("create", OnMissing::Create), ("fail", OnMissing::Fail)])?;
        }
        "match" => {
            options.matching = choice(
                value,
                &[
                    ("pk", Matching::Pk),
                    ("hostname", Matching::Hostname),
                    ("uuid", Matching::Uuid),
                    ("serial", Matching::Serial),
                ],
            )?;
        }
        "require_version" => {
            options.versions = if boolean(value)? { Versions::Required } else { Versions::Optional };
        }
        "max_changes" => options.max_changes = Some(max_changes(value)?),
        "max_deletes" => {
            options.max_deletes =
                value.as_u64().ok_or((Code::Type, "A whole number from 0 is expected".to_owned()))?;
        }
        "change_set" => options.change_set = Some(change_set(value)?),
        "lookups" => *lookups = names(value)?,
        _ if EXPORTED.contains(&name) => {}
        _ => {
            let near = super::reader::nearest(name, NAMES.iter().copied());
            let hint = near.map(|near| format!("; {near} is near to it")).unwrap_or_default();
            return Err((Code::UnknownMember, format!("There is no member {name}{hint}")));
        }
    }
    Ok(())
}

fn boolean(value: &Value) -> Result<bool, Refusal> {
    value.as_bool().ok_or((Code::Type, "true or false is expected".to_owned()))
}

fn text(value: &Value, most: usize) -> Result<String, Refusal> {
    match value.as_str() {
        Some(text) if text.contains('\0') => {
            Err((Code::Syntax, "Text without NUL characters is expected".to_owned()))
        }
        Some(text) if text.chars().count() > most => {
            Err((Code::TooLong, format!("At most {most} characters are expected")))
        }
        Some(text) => Ok(text.to_owned()),
        None => Err((Code::Type, "Text is expected".to_owned())),
    }
}

fn choice<T: Copy>(value: &Value, choices: &[(&str, T)]) -> Result<T, Refusal> {
    let chosen = choices.iter().find(|(name, _)| value.as_str() == Some(name));
    chosen.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        (Code::Choice, format!("One of {} is expected", names.join(", ")))
    })
}

fn max_changes(value: &Value) -> Result<MaxChanges, Refusal> {
    let percent = value.as_str().and_then(|text| text.strip_suffix('%'));
    let percent = percent.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let percent = percent.and_then(|digits| digits.parse().ok());
    let count = value.as_u64().map(MaxChanges::Count);
    count
        .or(percent.map(MaxChanges::Percent))
        .ok_or((Code::Type, "A whole number, or text like \"10%\", is expected".to_owned()))
}

/// The client's own id of a change: what may stand in an address.
fn change_set(value: &Value) -> Result<String, Refusal> {
    let id = text(value, 100)?;
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_.:".contains(char);
    if id.is_empty() || !id.chars().all(plain) {
        return Err((Code::Syntax, "Letters, digits, -, _, . and : are expected".to_owned()));
    }
    Ok(id)
}

fn names(value: &Value) -> Result<Vec<(String, String)>, Refusal> {
    let wanted = || (Code::Type, "An object of lists of names is expected".to_owned());
    let mut all = Vec::new();
    for (kind, names) in value.as_object().ok_or_else(wanted)? {
        if !super::lookups::KINDS.contains(&kind.as_str()) {
            let kinds = super::lookups::KINDS.join(", ");
            return Err((Code::Choice, format!("There is no {kind}: {kinds} are known")));
        }
        for name in names.as_array().ok_or_else(wanted)? {
            let name = name.as_str().ok_or_else(wanted)?;
            if kind == super::lookups::ZONE {
                let Ok(Val::Text(zone)) = values::from_text(Type::Name(255), name) else {
                    return Err((Code::Syntax, "Zones are DNS names".to_owned()));
                };
                all.push((kind.clone(), zone));
                continue;
            }
            if name.trim() != name || name.is_empty() || name.chars().count() > 255 || name.contains('\0') {
                return Err((Code::Syntax, "Names have 1 to 255 characters and no blanks around".to_owned()));
            }
            all.push((kind.clone(), name.to_owned()));
        }
    }
    Ok(all)
}
