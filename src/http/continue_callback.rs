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
    // The room is kept until the answer: of what was posted, the document lives on when its bytes are gone.
    let (posted, _room) = body::admit(&request, &api.settings).await?.into_parts();
    let uuid = api.nodes.callback(posted).await?;
    Ok(reply::json(StatusCode::OK, &Taken { uuid }))
}
