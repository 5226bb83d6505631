//! `/v1/inventory/export`, `/v1/inventory/changes` and `/v1/inventory/schema`.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::builds::link_to_next;
use super::{Api, list, path, query, reply};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::inventory::export::{Export, Related, Selection, Table};
use crate::inventory::model::Kind;
use crate::inventory::service::Format;
use crate::inventory::shown::Relations;
use crate::inventory::{schema, search};
use crate::store::inventory::{ChangeRow, ChangeSetHead, Changes};

/// `GET /v1/inventory/schema`
pub(super) async fn schema() -> Result<HttpResponse> {
    Ok(reply::json(StatusCode::OK, &schema::document()))
}

/// `GET /v1/inventory/systems/<system>`
pub(super) async fn system(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let (inventory, ident) = (api.inventory.clone(), path::segment(&request, 4)?);
    let shown =
        tokio::task::spawn_blocking(move || inventory.host(&ident)).await.map_err(Error::internal)??;
    Ok(reply::json(StatusCode::OK, &shown))
}

/// `GET /v1/inventory/export`
pub(super) async fn export(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let format = match query::first(&request, "format") {
        None => Format::Json,
        Some(name) => Format::named(&name).ok_or_else(|| {
            Error::bad_request(format!("Invalid format {name}: json, yaml or csv is expected"))
        })?,
    };
    let relations = match query::first(&request, "relations").as_deref() {
        None | Some("name") => Relations::Names,
        Some("pk") => Relations::Keys,
        Some(other) => {
            return Err(Error::bad_request(format!("Invalid relations {other}: name or pk is expected")));
        }
    };
    let selection = Selection {
        search: search::read(&query::first(&request, "q").unwrap_or_default())?,
        limit: limit(&request)?,
        marker: query::first(&request, "marker").map(|marker| marker.to_lowercase().replace('\0', "")),
        fields: fields(&request)?,
        relations,
        related: related(&request)?,
        table: table(&request, format)?,
    };
    stream_of(&api, selection, format).await
}

fn table(request: &HttpRequest, format: Format) -> Result<Table> {
    let Some(kind) = query::first(request, "kind").filter(|kind| !kind.is_empty()) else {
        return Ok(Table::Wide);
    };
    match Table::named(&kind) {
        Some(table) if format == Format::Csv => Ok(table),
        Some(_) => Err(Error::bad_request("Invalid kind: only a table is about one kind, with format=csv")),
        None => Err(Error::bad_request(format!(
            "Invalid kind {kind}: systems, registrations or adapters is expected"
        ))),
    }
}

fn related(request: &HttpRequest) -> Result<Related> {
    match query::first(request, "related").as_deref() {
        None | Some("") => Ok(Related::Nothing),
        Some("observed") => Ok(Related::Observed),
        Some(other) => Err(Error::bad_request(format!("Invalid related {other}: observed is expected"))),
    }
}

fn limit(request: &HttpRequest) -> Result<Option<usize>> {
    let Some(text) = query::first(request, "limit") else { return Ok(None) };
    let number: usize = text
        .parse()
        .map_err(|_| Error::bad_request(format!("Invalid limit {text}: a number is expected")))?;
    Ok((number > 0).then_some(number))
}

/// Members of systems, separated by commas.
fn fields(request: &HttpRequest) -> Result<Vec<String>> {
    let Some(text) = query::first(request, "fields") else { return Ok(Vec::new()) };
    let fields: Vec<String> =
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let known = |name: &str| {
        Kind::System.field(name).is_some() || Kind::System.children().iter().any(|(set, _)| *set == name)
    };
    match fields.iter().find(|name| !known(name)) {
        None => Ok(fields),
        Some(name) => {
            let fields = Kind::System.fields().iter().map(|field| field.name);
            let all: Vec<&str> = fields.chain(Kind::System.children().iter().map(|(set, _)| *set)).collect();
            Err(Error::bad_request(format!(
                "Invalid fields: there is no {name}; there are: {}",
                all.join(", ")
            )))
        }
    }
}

/// The text, part by part: no more of it is held than a page.
pub(super) async fn stream_of(api: &Api, selection: Selection, format: Format) -> Result<HttpResponse> {
    let inventory = api.inventory.clone();
    let begin = move || Export::new(inventory, selection, format);
    let (export, generation) = tokio::task::spawn_blocking(begin).await.map_err(Error::internal)??;
    let parts = stream::unfold(Some(export), |export| async {
        let mut export = export?;
        let work = move || {
            let part = export.next_part();
            (part, export)
        };
        match tokio::task::spawn_blocking(work).await {
            Ok((Ok(Some(part)), export)) => Some((Ok(Bytes::from(part)), Some(export))),
            Ok((Ok(None), _)) => None,
            Ok((Err(error), _)) => Some((Err(error), None)),
            Err(error) => Some((Err(Error::internal(error)), None)),
        }
    });
    let media_type = match format {
        Format::Json => "application/json",
        Format::Yaml => "application/yaml",
        Format::Csv => "text/csv; charset=utf-8",
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, media_type))
        .insert_header((ETAG, format!("\"inventory-{generation}\"")))
        .streaming(parts))
}

/// A change as it is shown; members in the order of their names.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InventoryChange)]
pub(super) struct View {
    #[schema(value_type = Option<Object>, required)]
    after: Option<Box<RawValue>>,
    #[schema(value_type = Option<Object>, required)]
    before: Option<Box<RawValue>>,
    change_set: String,
    #[schema(required)]
    comment: Option<String>,
    committed: Timestamp,
    format: String,
    kind: String,
    label: String,
    op: String,
    pk: i64,
    #[schema(required)]
    request_id: Option<String>,
    #[schema(required)]
    source: Option<String>,
    system: i64,
    #[schema(required)]
    user: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InventoryChanges)]
pub(super) struct Page {
    changes: Vec<View>,
}

impl View {
    fn new((row, set): (ChangeRow, ChangeSetHead)) -> Self {
        let raw = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
        Self {
            after: raw(row.after),
            before: raw(row.before),
            change_set: row.change_set,
            comment: set.comment,
            committed: Timestamp(row.committed_us),
            format: set.format,
            kind: row.kind,
            label: row.label,
            op: row.op,
            pk: row.pk,
            request_id: set.request_id,
            source: set.source,
            system: row.system_pk,
            user: set.asker,
        }
    }
}

/// `GET /v1/inventory/changes`
pub(super) async fn changes(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let limit = list::limit_of(&request, api.settings.api_max_limit)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let system = match query::first(&request, "system").filter(|ident| !ident.is_empty()) {
        Some(ident) => Some(key_of(&api, ident).await?),
        None => None,
    };
    let found = api.inventory.changes(Changes { system, ..sought(&request)? }, limit).await?;
    let last = found.last().map(|(row, _)| format!("{}/{}/{}", row.committed_us, row.number, row.change_set));
    let page = Page { changes: found.into_iter().map(View::new).collect() };
    let mut answer = reply::json(StatusCode::OK, &page);
    if let Some(marker) = last {
        link_to_next(&mut answer, &request, &api, &marker);
    }
    Ok(answer)
}

/// The key of a system that is told by that, its UUID or its host name.
async fn key_of(api: &Api, ident: String) -> Result<i64> {
    let inventory = api.inventory.clone();
    tokio::task::spawn_blocking(move || inventory.key_of(&ident)).await.map_err(Error::internal)?
}

fn sought(request: &HttpRequest) -> Result<Changes> {
    let invalid = |name: &str, text: &str, wanted: &str| {
        Error::bad_request(format!("Invalid {name} {text}: {wanted} is expected"))
    };
    let since = query::first(request, "since").map(|text| {
        let midnight = || format!("{text}T00:00:00").parse::<Timestamp>();
        let moment = text
            .parse::<Timestamp>()
            .or_else(|_| midnight())
            .map_err(|_| invalid("since", &text, "a moment like 2026-01-31T12:00:00Z"));
        moment.map(|moment| moment.0)
    });
    let marker = query::first(request, "marker").map(|text| {
        let mut parts = text.splitn(3, '/');
        let mut number = || parts.next().and_then(|part| part.parse::<i64>().ok());
        let (at, number) = (number(), number());
        let set = parts.next().filter(|set| !set.contains('\0')).map(str::to_owned);
        at.zip(number)
            .zip(set)
            .map(|((at, number), set)| (at, set, number))
            .ok_or_else(|| invalid("marker", &text, "the marker of a Link header"))
    });
    let text = |name: &str| query::first(request, name).filter(|text| !text.contains('\0'));
    Ok(Changes {
        change_set: text("change_set"),
        system: None,
        kind: None,
        asker: text("user"),
        since_us: since.transpose()?,
        after: marker.transpose()?,
    })
}
