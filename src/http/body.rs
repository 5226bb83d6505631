//! Request bodies: read whole, bounded in size and in time; posted data in memory too.
//!
//! The size is checked by `Content-Length` first and then while reading, since a chunked body announces none.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::time::timeout_at;

use super::{Settings, unread};
use crate::admission::{Admitted, OVERHEAD_BYTES, Reservation};
use crate::context;
use crate::error::{Error, Kind, Result};

/// The whole body.
///
/// # Errors
/// Too large (413), too slow (503, which clients try again) or broken off (400).
pub(super) async fn read(request: &HttpRequest, settings: &Settings) -> Result<Bytes> {
    let announced = announced_within(request, settings.max_body_bytes)?;
    let late = too_slow(settings.body_deadline);
    in_time(settings, late, take(request, settings.max_body_bytes, announced, None))
        .await
        .map(BytesMut::freeze)
}

/// The whole body, as soon as there is room for it.
///
/// # Errors
/// As [`read`]; also where no room was found in time (503).
pub(super) async fn admit(request: &HttpRequest, settings: &Settings) -> Result<Admitted> {
    let announced = announced_within(request, settings.max_body_bytes)?;
    let mut room = settings.callback_memory.reservation();
    in_time(settings, no_room(), room.grow_to(announced.saturating_add(OVERHEAD_BYTES))).await?;
    let late = too_slow(settings.body_deadline);
    let whole = take(request, settings.max_body_bytes, announced, Some(&mut room));
    let whole = in_time(settings, late, whole).await?;
    Ok(Admitted::new(whole, room))
}

/// Ends `work` with `late` when the request's time is over. One clock runs from the request's head.
async fn in_time<T>(settings: &Settings, late: Error, work: impl Future<Output = Result<T>>) -> Result<T> {
    let end = context::received() + settings.body_deadline;
    timeout_at(end.into(), work).await.unwrap_or(Err(late))
}

/// The length that the client announces, none where it announces nothing.
fn announced_within(request: &HttpRequest, limit: usize) -> Result<usize> {
    let announced = announced(request).unwrap_or_default();
    if announced > limit { Err(too_large(limit)) } else { Ok(announced) }
}

/// The length that the client announces; one beyond this machine's numbers is the largest of them.
fn announced(request: &HttpRequest) -> Option<usize> {
    let text = request.headers().get(CONTENT_LENGTH)?.to_str().ok()?;
    Some(text.trim().parse().unwrap_or(usize::MAX))
}

/// Takes the request's body. What is not read to its end goes back, also where the time ends meanwhile.
async fn take(
    request: &HttpRequest,
    limit: usize,
    announced: usize,
    room: Option<&mut Reservation>,
) -> Result<BytesMut> {
    let mut body = Taken { request, body: unread::take(request) };
    let whole = collect(&mut body.body, limit, announced, room).await?;
    body.body = Payload::None;
    Ok(whole)
}

/// A body on loan from its request.
struct Taken<'a> {
    request: &'a HttpRequest,
    body: Payload,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        unread::put_back(self.request, std::mem::replace(&mut self.body, Payload::None));
    }
}

async fn collect(
    body: &mut Payload,
    limit: usize,
    announced: usize,
    mut room: Option<&mut Reservation>,
) -> Result<BytesMut> {
    let mut whole = BytesMut::with_capacity(announced);
    while let Some(part) = body.next().await {
        let part = part.map_err(|error| broken(&error, limit))?;
        let length = whole.len().saturating_add(part.len());
        if length > limit {
            return Err(too_large(limit));
        }
        if let Some(room) = &mut room {
            room.grow_to(length.saturating_add(OVERHEAD_BYTES)).await?;
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole)
}

fn no_room() -> Error {
    Error::unavailable("Too much data is being taken at the moment, please try again later")
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
