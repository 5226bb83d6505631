//! What is wrong with a request: each entry points into the document and carries a stable code.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::model::Kind;

/// Entries that an answer has at most.
pub const MOST: usize = 1000;

/// A stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[schema(as = InventoryErrorCode)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The document can not be read.
    Malformed,
    /// A value is of another type.
    Type,
    /// There is no such member.
    UnknownMember,
    /// A member has to be there.
    Missing,
    /// A text is too long.
    TooLong,
    /// A text has no known form.
    Syntax,
    /// A value is none of those that may be.
    Choice,
    /// What is named does not exist.
    NotFound,
    /// Another object has this value.
    Duplicate,
    /// Two objects of the request claim this value.
    DuplicateInRequest,
    /// The inventory does not allow it as it is.
    Conflict,
    /// The object was changed by somebody else.
    Stale,
    /// Something in a new object has a key.
    PkInNew,
    /// The object belongs to another one.
    WrongParent,
    /// A name leads to itself.
    Loop,
    /// A private address in the public view.
    PrivateInPublic,
    /// The name is within no known zone.
    NoZone,
    /// More than is allowed.
    Limit,
    /// It may not be done.
    Forbidden,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = InventoryError)]
pub struct Problem {
    /// Where: RFC 6901, into the request.
    pub pointer: String,
    /// The kind of object; none for the request itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// What the request calls the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What sort of mistake it is.
    pub code: Code,
    /// The member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// For people.
    pub message: String,
    /// The value that was given, or that stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The line of the file, counted from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column of the file, counted from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
}

/// What an object is called in the request.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Place {
    /// Where it stands.
    pub pointer: String,
    /// Its label.
    pub label: String,
}

impl Place {
    /// Something within it.
    #[must_use]
    pub fn below(&self, set: &str, label: &str) -> Self {
        let pointer = format!("{}/{set}/{}", self.pointer, escaped(label));
        Self { pointer, label: label.to_owned() }
    }
}

/// A segment of a pointer.
#[must_use]
pub fn escaped(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

impl Problem {
    /// Something wrong with the request as a whole, or with one of its members.
    pub fn of_request(pointer: &str, code: Code, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.to_owned(),
            kind: None,
            label: None,
            code,
            field: pointer.strip_prefix('/').map(str::to_owned),
            message: message.into(),
            value: None,
            line: None,
            column: None,
        }
    }

    /// Something wrong with an object.
    pub fn of_object(kind: Kind, place: &Place, code: Code, message: impl Into<String>) -> Self {
        Self {
            pointer: place.pointer.clone(),
            kind: Some(kind.name()),
            label: Some(place.label.clone()),
            code,
            field: None,
            message: message.into(),
            value: None,
            line: None,
            column: None,
        }
    }

    /// The same about one of its members.
    #[must_use]
    pub fn at(mut self, field: &str) -> Self {
        self.pointer = format!("{}/{}", self.pointer, escaped(field));
        self.field = Some(field.to_owned());
        self
    }

    /// The same with a value.
    #[must_use]
    pub fn with(mut self, value: Value) -> Self {
        self.value = Some(value);
        self
    }
}

/// The pointer of the system that a pointer leads into.
#[must_use]
pub fn system_of(pointer: &str) -> Option<&str> {
    let rest = pointer.strip_prefix("/systems/")?;
    let length = rest.find('/').unwrap_or(rest.len());
    pointer.get(..pointer.len().saturating_sub(rest.len()).saturating_add(length))
}

/// Something that is worth to be told, and stands in nobody's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = InventoryNotice)]
pub struct Notice {
    /// Where: RFC 6901, into the request.
    pub pointer: String,
    /// What it is about.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

/// All that is wrong, and what is worth to be told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Whether there was more.
    pub truncated: bool,
    /// The systems in which something is wrong, by their pointers; all of them.
    pub wrong_systems: HashSet<String>,
    /// What is worth to be told.
    pub notices: Vec<Notice>,
    /// Where something may be missing because its name is misspelt.
    pub misspelt: HashSet<String>,
}

impl Findings {
    /// Notes something wrong.
    pub fn wrong(&mut self, problem: Problem) {
        if let Some(system) = system_of(&problem.pointer) {
            self.wrong_systems.insert(system.to_owned());
        }
        // What was given and is wrong is not missing, too.
        let given = |pointer: &str| self.problems.iter().any(|known| known.pointer == pointer);
        if problem.code == Code::Missing
            && (self.misspelt.contains(&problem.pointer) || given(&problem.pointer))
        {
            return;
        }
        if self.problems.len() < MOST {
            self.problems.push(problem);
        } else {
            self.truncated = true;
        }
    }

    /// Notes that something is there, though under another name; that was told already.
    pub fn misspelt(&mut self, pointer: String) {
        self.misspelt.insert(pointer);
    }

    /// Notes something worth to be told.
    pub fn tell(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        if self.notices.len() < MOST {
            self.notices.push(Notice { pointer: pointer.to_owned(), code, message: message.into() });
        }
    }
}
