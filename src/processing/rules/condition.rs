//! One condition: as it is stored and shown, and as it is judged.

use std::borrow::Cow;

use serde_json::Value;

use super::operator::{self, Matching, Test};
use super::path::Path;
use super::{Subject, Surprise, parse};
use crate::error::{Error, Result};
use crate::node_service::Object;

/// How the verdicts on several values become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiple {
    /// One of them is enough.
    Any,
    /// None may fail.
    All,
    /// The first decides.
    First,
}

const MULTIPLE: [&str; 3] = ["any", "all", "first"];

impl Multiple {
    /// The name in rules.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
            Self::First => "first",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Any, Self::All, Self::First].into_iter().find(|multiple| multiple.name() == name)
    }
}

/// A condition as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The name of the operator.
    pub op: String,
    /// What it is applied to: `[data://|node://]<path>`.
    pub field: String,
    /// What several values mean.
    pub multiple: Multiple,
    /// Whether the operator's verdict is turned round.
    pub invert: bool,
    /// The operator's parameters.
    pub params: Object,
}

impl Condition {
    /// Reads the conditions of a rule.
    ///
    /// # Errors
    /// 400 with the contract's texts.
    pub fn list(value: &Value) -> Result<Vec<Self>> {
        let read = || parse::objects(value)?.into_iter().map(Self::read).collect::<Result<Vec<_>, String>>();
        let conditions =
            read().map_err(|what| Error::bad_request(format!("Validation failed for conditions: {what}")))?;
        conditions.iter().try_for_each(|condition| Judge::new(condition, Matching::default()).map(drop))?;
        Ok(conditions)
    }

    /// The condition as it is shown: its parameters beside its other members, in order of names.
    #[must_use]
    pub fn members(&self) -> Object {
        let mut members = self.params.clone();
        members.insert("op".to_owned(), Value::String(self.op.clone()));
        members.insert("field".to_owned(), Value::String(self.field.clone()));
        members.insert("multiple".to_owned(), Value::String(self.multiple.name().to_owned()));
        members.insert("invert".to_owned(), Value::Bool(self.invert));
        members.sort_keys();
        members
    }

    fn read(object: &Object) -> Result<Self, String> {
        let multiple = match object.get("multiple") {
            None => Multiple::Any,
            Some(value) => value
                .as_str()
                .and_then(Multiple::from_name)
                .ok_or_else(|| parse::not_one_of(value, &MULTIPLE))?,
        };
        let invert = match object.get("invert") {
            None => false,
            Some(value) => value.as_bool().ok_or_else(|| parse::not_of_type(value, "boolean"))?,
        };
        Ok(Self {
            op: parse::one_of(object, "op", &operator::NAMES)?,
            field: parse::text(object, "field")?,
            multiple,
            invert,
            params: parse::params(object, &["op", "field", "multiple", "invert"]),
        })
    }
}

/// A condition, ready to judge.
#[derive(Clone, Debug)]
pub(super) struct Judge {
    source: Source,
    path: Path,
    test: Test,
    multiple: Multiple,
    invert: bool,
    field: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Data,
    Node,
}

impl Judge {
    /// Compiles a condition.
    ///
    /// # Errors
    /// 400: the scheme, the path or the parameters, in this order.
    pub(super) fn new(condition: &Condition, matching: Matching) -> Result<Self> {
        let Condition { op, field, multiple, invert, params } = condition;
        let (scheme, path) = field.split_once("://").unwrap_or(("data", field));
        let source = match scheme {
            "data" => Source::Data,
            "node" => Source::Node,
            other => {
                return Err(Error::bad_request(format!(
                    "Unsupported scheme for field: {other}, valid values are node:// or data://"
                )));
            }
        };
        let path = Path::parse(path)
            .map_err(|what| Error::bad_request(format!("Unable to parse field JSON path {field}: {what}")))?;
        let test = Test::new(op, params, matching)
            .map_err(|what| Error::bad_request(format!("Invalid parameters for operator {op}: {what}")))?;
        Ok(Self { source, path, test, multiple: *multiple, invert: *invert, field: field.clone() })
    }

    /// The values that the field has. A missing field has none, except for `is-empty`, to which it is null.
    pub(super) fn values<'a>(&self, subject: &Subject<'a>) -> Result<Vec<Cow<'a, Value>>, Surprise> {
        let document = match self.source {
            Source::Data => subject.data,
            Source::Node => subject.node,
        };
        let found = self.path.find(document)?;
        if found.is_empty() && matches!(self.test, Test::IsEmpty) {
            return Ok(vec![Cow::Owned(Value::Null)]);
        }
        Ok(found)
    }

    /// The verdict on one value; a surprise is a failed one, whether or not verdicts are turned round.
    pub(super) fn passes(&self, value: &Value) -> Result<bool, Surprise> {
        self.test.passes(value).map(|passes| passes != self.invert)
    }

    /// Whether the condition holds. What surprises is told to `log`.
    pub(super) fn holds(&self, subject: &Subject<'_>, mut log: impl FnMut(&str, &Surprise)) -> bool {
        let values = self.values(subject).unwrap_or_else(|surprise| {
            log(&self.field, &surprise);
            Vec::new()
        });
        let mut verdicts = values.iter().map(|value| {
            self.passes(value).unwrap_or_else(|surprise| {
                log(&self.field, &surprise);
                false
            })
        });
        match self.multiple {
            Multiple::Any => verdicts.any(|passes| passes),
            Multiple::First => verdicts.next().unwrap_or(false),
            Multiple::All => !values.is_empty() && verdicts.all(|passes| passes),
        }
    }
}
