//! Request bodies that nobody has read (yet).
//!
//! The framework reads the rest of a chunked body that was dropped without an end, however long it is. A body that
//! still exists when the answer goes out makes it close the connection instead, within a bounded time. So bodies
//! are set aside before routing, taken from there by who reads them, and what remains leaves with the answer.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use bytes::Bytes;

struct Unread(Payload);

/// Puts a request's body where [`take`] finds it.
pub(super) fn set_aside(request: &mut ServiceRequest) {
    let body = request.take_payload();
    put_back(request, body);
}

/// The body of a request; an empty one where it was taken already.
pub(super) fn take(request: &impl HttpMessage) -> Payload {
    request.extensions_mut().remove().map_or(Payload::None, |Unread(body)| body)
}

/// Puts back a body that was not read to its end.
pub(super) fn put_back(request: &impl HttpMessage, body: Payload) {
    request.extensions_mut().insert(Unread(body));
}

/// Keeps what remains of the request's body until the answer is out.
pub(super) fn hold(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    match take(response.request()) {
        Payload::None => response,
        unread => response.map_body(|_head, body| BoxBody::new(Held { body, _unread: unread })),
    }
}

/// An answer's body together with the unread one of the request.
struct Held {
    body: BoxBody,
    _unread: Payload,
}

impl MessageBody for Held {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
