//! The schemas of the document: those of answers are derived from the types that the handlers answer with, those of
//! requests, which are read by hand, are beside this file.
//!
//! Invariant: an answer's schema is closed: it names every member, and says of each whether it is always there.

use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{Object, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{OpenApi, PartialSchema, ToSchema};

use crate::build_data::diff::{Difference, Values, Verdict};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::fsm::{Event, State};
use crate::http::tasks::view::Zulu;
use crate::http::{
    builds, continue_callback, events, failure, instances, introspection, inventory, links, list, root,
    rules, sightings, status, tasks,
};
use crate::inventory::problem::{Code, Notice, Problem};
use crate::inventory::schema;
use crate::node::builds::Replayed;
use crate::node::matching;
use crate::processing::rules::{Doubt, MatchedRule, Results};

/// What is not derived from a type.
const OTHERS: &str = include_str!("schemas.json");
/// A moment, as every answer writes it.
const TIME: &str = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{6})?$";

/// The same, as tasks write it.
const ZULU: &str = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$";

/// What the handlers answer with.
#[derive(OpenApi)]
#[openapi(components(schemas(
    failure::Body<'_>,
    failure::Message<'_>,
    links::Link,
    root::Versions,
    root::Version,
    root::Resources,
    root::Resource,
    continue_callback::Taken,
    list::Page,
    status::Status,
    instances::List,
    instances::View,
    introspection::Issued<'_>,
    events::Events,
    events::Event,
    events::CallView,
    events::Match,
    matching::Candidate,
    matching::Matched,
    matching::Kind,
    matching::Source,
    Results,
    MatchedRule,
    Doubt,
    rules::Rules,
    rules::Short,
    rules::Full,
    builds::View,
    builds::DiffView,
    builds::SnapshotView,
    Difference,
    Verdict,
    Values,
    tasks::Removed,
    tasks::NodeView,
    tasks::view::View,
    tasks::view::ResultView,
    tasks::view::Details,
    tasks::view::Message,
    tasks::view::ResultLink,
    tasks::view::ProgressView,
    tasks::view::Zulu,
    failure::DrydockBody<'_>,
    failure::BulkActionBody<'_>,
    sightings::Page,
    sightings::View,
    Replayed,
    inventory::View,
    inventory::Page,
    Problem,
    Notice,
    Code,
    Timestamp,
    State,
    Event,
)))]
struct Answers;

/// All schemas, by name.
///
/// # Errors
/// Never, unless the file beside this one is no JSON.
pub(super) fn all() -> Result<Map<String, Value>> {
    let components = Answers::openapi().components.unwrap_or_default();
    let answers = serde_json::to_value(components.schemas).map_err(Error::internal)?;
    let mut all: Map<String, Value> = serde_json::from_str(OTHERS).map_err(Error::internal)?;
    if let Value::Object(answers) = answers {
        all.extend(answers.into_iter().map(|(name, schema)| (name, closed(schema))));
    }
    all.insert("InventoryImport".to_owned(), schema::import());
    Ok(all)
}

/// The same, with no members beside the named ones.
fn closed(mut schema: Value) -> Value {
    if schema.get("properties").is_some()
        && let Some(members) = schema.as_object_mut()
    {
        members.insert("additionalProperties".to_owned(), json!(false));
    }
    schema
}

/// Text of one of these values.
fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> RefOr<Schema> {
    text().enum_values(Some(names)).into()
}

fn text() -> utoipa::openapi::schema::ObjectBuilder {
    Object::builder().schema_type(SchemaType::new(Type::String))
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        let about = "ISO 8601, UTC, without a zone; the fraction is left out where it is zero.";
        text().pattern(Some(TIME)).description(Some(about)).into()
    }
}

impl ToSchema for Timestamp {}

impl PartialSchema for Zulu {
    fn schema() -> RefOr<Schema> {
        text().pattern(Some(ZULU)).description(Some("ISO 8601, UTC.")).into()
    }
}

impl ToSchema for Zulu {}

impl PartialSchema for State {
    fn schema() -> RefOr<Schema> {
        one_of(Self::ALL.map(Self::name))
    }
}

impl ToSchema for State {}

impl PartialSchema for Event {
    fn schema() -> RefOr<Schema> {
        one_of(Self::ALL.map(Self::name))
    }
}

impl ToSchema for Event {
    fn name() -> std::borrow::Cow<'static, str> {
        "Transition".into()
    }
}
