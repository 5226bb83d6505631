//! `POST /v1/continue`: the ramdisk's data. The service parses it and keeps the clock of the answer.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::turnstile::Place;
use super::{Api, body, query, reply};
use crate::error::{Error, Result};
use crate::node::CallbackQuery;
use crate::node::token::TokenDigest;

/// The node that the data was taken for.
#[derive(Serialize, ToSchema)]
pub(super) struct Taken {
    uuid: Uuid,
}

/// What the query says; whether it is true is found out later.
fn said(request: &HttpRequest) -> Result<CallbackQuery> {
    let token = query::first(request, "token").map(|token| TokenDigest::of(token.trim()));
    Ok(CallbackQuery { node: named(request)?, token })
}

fn named(request: &HttpRequest) -> Result<Option<Uuid>> {
    let Some(text) = query::first(request, "node_uuid") else { return Ok(None) };
    let wrong = |_| Error::bad_request(format!("Invalid UUID for node_uuid: {text}"));
    Uuid::try_parse(text.trim()).map(Some).map_err(wrong)
}

/// `POST /v1/continue`
pub(super) async fn take(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let said = said(&request)?;
    let posted = body::admit(&request, &api.settings).await?;
    if let Some(place) = request.conn_data::<Place>() {
        place.give_up();
    }
    let uuid = api.nodes.callback(posted, said).await?;
    Ok(reply::json(StatusCode::OK, &Taken { uuid }))
}
