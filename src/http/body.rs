//! Request bodies: read whole, bounded in size and in time.
//!
//! The size is checked by `Content-Length` first and then while reading, since a chunked body announces none.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::rt::time::timeout;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::{Settings, unread};
use crate::error::{Error, Kind, Result};

/// The whole body.
///
/// # Errors
/// Too large (413), too slow (503, which clients try again) or broken off (400).
pub(super) async fn read(request: &HttpRequest, settings: &Settings) -> Result<Bytes> {
    let limit = settings.max_body_bytes;
    if announced(request).is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let deadline = settings.body_deadline;
    let mut body = unread::take(request);
    let collected = timeout(deadline, collect(&mut body, limit)).await;
    let collected = collected.unwrap_or_else(|_elapsed| Err(too_slow(deadline)));
    if collected.is_err() {
        unread::put_back(request, body);
    }
    collected
}

/// The length that the client announces; one beyond this machine's numbers is the largest of them.
fn announced(request: &HttpRequest) -> Option<usize> {
    let text = request.headers().get(CONTENT_LENGTH)?.to_str().ok()?;
    Some(text.trim().parse().unwrap_or(usize::MAX))
}

async fn collect(body: &mut Payload, limit: usize) -> Result<Bytes> {
    let mut whole = BytesMut::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(|error| broken(&error, limit))?;
        if whole.len().saturating_add(part.len()) > limit {
            return Err(too_large(limit));
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole.freeze())
}

fn too_large(limit: usize) -> Error {
    Error::new(Kind::TooLarge, format!("The request body is larger than {limit} bytes"))
}

fn too_slow(deadline: Duration) -> Error {
    Error::unavailable(format!("The request body did not arrive within {} s", deadline.as_secs_f64()))
}

fn broken(error: &PayloadError, limit: usize) -> Error {
    match error {
        PayloadError::Overflow => too_large(limit),
        _ => Error::bad_request("The request body could not be read").caused_by(error),
    }
}
