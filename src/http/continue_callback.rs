//! `POST /v1/continue`: the ramdisk's data. The service parses it and keeps the clock of the answer.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use uuid::Uuid;

use super::{Api, body, reply};
use crate::error::Result;

#[derive(Serialize)]
struct Taken {
    uuid: Uuid,
}

/// `POST /v1/continue`
pub(super) async fn take(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let document = body::read(&request, &api.settings).await?;
    let uuid = api.nodes.callback(document).await?;
    Ok(reply::json(StatusCode::OK, &Taken { uuid }))
}
