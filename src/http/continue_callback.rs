//! `POST /v1/continue`: the ramdisk's data. The service parses it and keeps the clock of the answer.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use uuid::Uuid;

use super::turnstile::Place;
use super::{Api, body, query, reply};
use crate::error::{Error, Result};

#[derive(Serialize)]
struct Taken {
    uuid: Uuid,
}

/// The node that the query names; whether the data is that of the node is found out later.
fn named(request: &HttpRequest) -> Result<Option<Uuid>> {
    let Some(text) = query::first(request, "node_uuid") else { return Ok(None) };
    let wrong = |_| Error::bad_request(format!("Invalid UUID for node_uuid: {text}"));
    Uuid::try_parse(text.trim()).map(Some).map_err(wrong)
}

/// `POST /v1/continue`
pub(super) async fn take(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let node = named(&request)?;
    let posted = body::admit(&request, &api.settings).await?;
    if let Some(place) = request.conn_data::<Place>() {
        place.give_up();
    }
    let uuid = api.nodes.callback(posted, node).await?;
    Ok(reply::json(StatusCode::OK, &Taken { uuid }))
}
