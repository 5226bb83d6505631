//! The request id and the one line that the log keeps of each request.
//!
//! Invariant: nothing of the query, the headers or the body is logged; a client's request id only if it is harmless.

use std::time::Instant;

use actix_web::HttpMessage;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use super::routes;
use super::turnstile::Place;
use crate::context::{self, Asker, ID_PREFIX};
use crate::error::{Error, Kind};
use crate::metrics;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");
const ID_MAX_BYTES: usize = 64;

/// The name of a request in logs, here and in the services that it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// A request under way.
pub(super) struct Access {
    began: Instant,
    method: Method,
    path: String,
    id: RequestId,
}

/// The clock of a request runs from the moment that its connection was accepted, where that is known.
fn accepted(request: &ServiceRequest) -> Instant {
    request.conn_data::<Place>().map_or_else(Instant::now, |place| place.accepted)
}

impl Access {
    /// Starts the clock, and gives the request its id.
    pub(super) fn begin(request: &ServiceRequest) -> Self {
        let id = request_id(request.headers());
        request.extensions_mut().insert(id.clone());
        Self {
            began: accepted(request),
            method: request.method().clone(),
            path: request.path().to_owned(),
            id,
        }
    }

    /// What the rest of the program may know of the request.
    pub(super) fn context(&self) -> context::Request {
        context::Request { asker: Asker::anonymous(&self.id.0), received: self.began }
    }

    /// Logs why a request failed.
    pub(super) fn log_failure(&self, error: &Error) {
        let Self { method, path, id: RequestId(id), .. } = self;
        let code = error.kind.code();
        metrics::get().refusals.with_label_values(&[code]).inc();
        let (kind, error) = (error.kind, one_line(error));
        match kind {
            Kind::Internal | Kind::Unavailable => {
                log::error!(
                    "A request failed: {error} method={method} path={path} code={code} request_id={id}"
                );
            }
            _ => log::info!(
                "A request was refused: {error} method={method} path={path} code={code} request_id={id}"
            ),
        }
    }

    /// Logs the request and returns its id to the client.
    pub(super) fn end(self, response: &mut ServiceResponse<BoxBody>) {
        let Self { began, method, path, id: RequestId(id) } = self;
        count(&method, response);
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let (status, took_ms) = (response.status().as_u16(), began.elapsed().as_millis());
        log::info!(
            "Answered a request. method={method} path={path} status={status} took_ms={took_ms} request_id={id}"
        );
    }
}

/// Counts an answer. What is no route or no method of ours has one name for all.
fn count(method: &Method, response: &ServiceResponse<BoxBody>) {
    let pattern = response.request().match_pattern();
    let route = pattern.and_then(|pattern| routes::name_of(method, &pattern));
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let method = if known.contains(method) { method.as_str() } else { "other" };
    let class = match response.status().as_u16() {
        ..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    };
    metrics::get().requests.with_label_values(&[route.unwrap_or("none"), method, class]).inc();
}

/// Error texts may quote what a client sent: no line of the log is of its making.
fn one_line(error: &Error) -> String {
    error.to_string().replace(char::is_control, " ")
}

fn request_id(headers: &HeaderMap) -> RequestId {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| is_harmless(id));
    RequestId(given.map_or_else(|| format!("{ID_PREFIX}{}", Uuid::new_v4()), str::to_owned))
}

fn is_harmless(id: &str) -> bool {
    let rest = id.strip_prefix(ID_PREFIX).unwrap_or_default();
    !rest.is_empty()
        && id.len() <= ID_MAX_BYTES
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(given: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_str(given).unwrap());
        request_id(&headers).0
    }

    #[test]
    fn an_error_cannot_begin_a_line_of_the_log() {
        assert_eq!(one_line(&Error::bad_request("a\r\nb").caused_by("c\nd")), "a  b (c d)");
    }

    #[test]
    fn a_harmless_id_is_kept_and_any_other_replaced() {
        assert_eq!(id_for("req-abc-1"), "req-abc-1");
        for bad in ["", "req-", "abc", "req-a b", "req-\u{e4}", &format!("req-{}", "a".repeat(61))] {
            let id = id_for(bad);
            assert_ne!(id, bad);
            assert!(is_harmless(&id), "{id}");
        }
    }
}
