//! Answers: JSON of our own making, the empty acceptance, and stored documents as they are.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use serde::Serialize;

use super::json;

const JSON: &str = "application/json";

/// A JSON answer.
pub(super) fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> HttpResponse {
    match json::write(value) {
        Ok(text) => document(status, text),
        Err(cause) => HttpResponse::from_error(crate::error::Error::internal(cause)),
    }
}

/// What was asked for will be done: `{}`, since some proxies refuse an answer without content.
pub(super) fn accepted() -> HttpResponse {
    document(StatusCode::ACCEPTED, b"{}\n".to_vec())
}

/// JSON text as it is.
pub(super) fn document(status: StatusCode, text: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status).insert_header((CONTENT_TYPE, JSON)).body(text)
}
