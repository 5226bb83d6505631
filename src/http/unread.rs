//! Request bodies that nobody has read (yet).
//!
//! The framework reads the rest of a chunked body that was dropped without an end, however long it is. A body that
//! still exists when the answer goes out makes it close the connection instead, within a bounded time. So bodies
//! are set aside before routing, taken from there by who reads them, and what remains leaves with the answer.
//!
//! HTTP/2 has no such end: there, many clients do not look at an answer before they have sent everything. So the rest
//! is read and thrown away once the answer is written, for a bounded time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Version;
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::Sleep;

/// How long the rest of a body is read on.
const LINGER: Duration = Duration::from_secs(5);
/// Parts that are thrown away before others have their turn.
const PARTS: usize = 32;

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
    let linger = response.request().head().version == Version::HTTP_2;
    match take(response.request()) {
        Payload::None => response,
        unread => response.map_body(|_head, body| {
            let linger = linger.then(|| Box::pin(tokio::time::sleep(LINGER)));
            BoxBody::new(Held { body, unread, linger })
        }),
    }
}

/// An answer's body together with the unread one of the request.
struct Held {
    body: BoxBody,
    unread: Payload,
    /// Ends the time in which the rest is read, where it is.
    linger: Option<Pin<Box<Sleep>>>,
}

impl Held {
    /// Throws away what still comes in.
    fn read_on(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(end) = &mut self.linger else { return Poll::Ready(()) };
        if end.poll_unpin(context).is_ready() {
            return Poll::Ready(());
        }
        for _ in 0..PARTS {
            if !matches!(ready!(self.unread.poll_next_unpin(context)), Some(Ok(_))) {
                return Poll::Ready(());
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
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
        match ready!(Pin::new(&mut self.body).poll_next(context)) {
            Some(part) => Poll::Ready(Some(part)),
            None => self.read_on(context).map(|()| None),
        }
    }
}
