//! Build data: `GET /v1/introspection/<node>/builddata`, `/v1/builddata`, `/v1/builddata/<id>` and
//! `GET /v1/introspection/<node>/diff`.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LINK};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Api, links, list, path, query, reply};
use crate::build_data::Generator;
use crate::build_data::diff::Difference;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::node::builds::{self, Contents, Diff, Snapshot, WithContent};
use crate::store::build_data::{Build, Latest, Selection};

/// A row as it is shown; members in the order of their names.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BuildDatum)]
pub(super) struct View {
    collected_date: Timestamp,
    /// The content: JSON as text, all else in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_element: Option<String>,
    data_format: String,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    generator: String,
    id: i64,
    #[schema(required)]
    node_name: Option<String>,
    node_uuid: String,
    #[schema(required)]
    run_id: Option<String>,
    size: i64,
    #[schema(required)]
    task_id: Option<String>,
}

impl View {
    pub(super) fn new((row, content): WithContent) -> Self {
        let (data_element, encoding) = match content.map(String::from_utf8) {
            None => (None, None),
            Some(Ok(text)) => (Some(text), Some("utf-8")),
            Some(Err(binary)) => (Some(STANDARD.encode(binary.as_bytes())), Some("base64")),
        };
        Self {
            collected_date: Timestamp(row.collected_us),
            data_element,
            data_format: row.data_format,
            digest: row.digest,
            encoding,
            generator: row.generator,
            id: row.id,
            node_name: row.node_name,
            node_uuid: row.node_uuid,
            run_id: row.run_id,
            size: row.size_bytes,
            task_id: row.task_id,
        }
    }
}

/// `GET /v1/introspection/<node>/builddata`
pub(super) async fn of_node(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let of = Some(builds::of(&path::node(&request)?));
    select(&request, &api, Selection { of, ..selection(&request)? }).await
}

/// `GET /v1/builddata`
pub(super) async fn all(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let of = query::first(&request, "node").map(|ident| builds::of(&ident));
    select(&request, &api, Selection { of, ..selection(&request)? }).await
}

/// `GET /v1/builddata/<id>`
pub(super) async fn one(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let text = path::segment(&request, 3)?;
    let id =
        text.parse().map_err(|_| Error::bad_request(format!("Invalid id {text}: a number is expected")))?;
    Ok(reply::json(StatusCode::OK, &View::new(api.builds.one(id).await?)))
}

async fn select(request: &HttpRequest, api: &Api, selection: Selection) -> Result<HttpResponse> {
    let limit = list::limit_of(request, api.settings.api_max_limit)?;
    let contents = match query::boolean(request, "detail")? {
        Some(false) => Contents::Left,
        Some(true) | None => Contents::Wanted,
    };
    let found = api.builds.select(selection, limit, contents).await?;
    let next = found.last().map(|(row, _)| row.id);
    let rows: Vec<View> = found.into_iter().map(View::new).collect();
    let mut answer = reply::json(StatusCode::OK, &rows);
    if let Some(id) = next {
        link_to_next(&mut answer, request, api, &id.to_string());
    }
    Ok(answer)
}

/// A client may go on from the last row; the page after the last one is empty.
pub(super) fn link_to_next(answer: &mut HttpResponse, request: &HttpRequest, api: &Api, marker: &str) {
    let mut url = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        if key != "marker" {
            url.append_pair(&key, &value);
        }
    }
    let query = url.append_pair("marker", marker).finish();
    let link = format!("<{}{}?{query}>; rel=\"next\"", links::root(request, &api.settings), request.path());
    if let Ok(value) = HeaderValue::from_str(&link) {
        answer.headers_mut().insert(LINK, value);
    }
}

fn selection(request: &HttpRequest) -> Result<Selection> {
    Ok(Selection {
        of: None,
        task: uuid(request, "task")?,
        run: uuid(request, "run")?,
        generator: generator(request)?,
        since: moment(request, "since")?,
        until: moment(request, "until")?,
        latest: match query::boolean(request, "latest")? {
            Some(true) => Latest::Only,
            Some(false) | None => Latest::All,
        },
        marker: marker(request)?,
    })
}

fn invalid(name: &str, text: &str, wanted: &str) -> Error {
    Error::bad_request(format!("Invalid {name} {text}: {wanted} is expected"))
}

fn uuid(request: &HttpRequest, name: &str) -> Result<Option<Uuid>> {
    let parse = |text: String| Uuid::try_parse(&text).map_err(|_| invalid(name, &text, "a UUID"));
    query::first(request, name).map(parse).transpose()
}

fn generator(request: &HttpRequest) -> Result<Option<String>> {
    let Some(name) = query::first(request, "generator") else { return Ok(None) };
    let known = Generator::ALL.map(Generator::name);
    if known.contains(&name.as_str()) {
        return Ok(Some(name));
    }
    Err(invalid("generator", &name, &format!("one of {}", known.join(", "))))
}

/// A moment, as answers show it.
fn moment(request: &HttpRequest, name: &str) -> Result<Option<Timestamp>> {
    let parse =
        |text: String| text.parse().map_err(|_| invalid(name, &text, "a moment like 2026-01-31T12:00:00Z"));
    query::first(request, name).map(parse).transpose()
}

fn marker(request: &HttpRequest) -> Result<Option<i64>> {
    let parse = |text: String| text.parse().map_err(|_| invalid("marker", &text, "the id of build data"));
    query::first(request, "marker").map(parse).transpose()
}

/// What differs between two snapshots; members in the order of their names.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Diff)]
pub(super) struct DiffView {
    differences: Vec<Difference>,
    from: SnapshotView,
    to: SnapshotView,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Snapshot)]
pub(super) struct SnapshotView {
    collected_date: Timestamp,
    id: i64,
    #[schema(required)]
    node_name: Option<String>,
    node_uuid: String,
    #[schema(required)]
    run_id: Option<String>,
}

impl SnapshotView {
    fn new(row: Build) -> Self {
        let Build { id, node_uuid, node_name, run_id, collected_us, .. } = row;
        Self { collected_date: Timestamp(collected_us), id, node_name, node_uuid, run_id }
    }
}

/// `GET /v1/introspection/<node>/diff`
pub(super) async fn diff(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let of = builds::of(&path::node(&request)?);
    let from = snapshot(&request, "from")?;
    let Diff { from, to, differences } = api.builds.diff(of, from, snapshot(&request, "to")?).await?;
    let view = DiffView { differences, from: SnapshotView::new(from), to: SnapshotView::new(to) };
    Ok(reply::json(StatusCode::OK, &view))
}

/// The snapshot that a parameter names.
pub(super) fn snapshot(request: &HttpRequest, name: &str) -> Result<Option<Snapshot>> {
    query::first(request, name).map(|text| Snapshot::parse(&text)).transpose()
}
