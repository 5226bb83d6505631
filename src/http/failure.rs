//! From an error to its answer: the only place where a [`Kind`] becomes an HTTP status.
//!
//! Invariant: an error's body is `{"error":{"message":...}}`; a cause goes out only with `debug`, and the
//! framework's own error texts only where they are the client's fault.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::access::Access;
use super::{Api, json, reply};
use crate::error::{Error, Kind};

/// When a client that found us busy shall come again, in seconds.
const RETRY_AFTER_SECONDS: &str = "5";

/// Why a request was refused.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(super) struct Body<'a> {
    error: Message<'a>,
}

/// What went wrong, for people.
#[derive(Serialize, ToSchema)]
pub(super) struct Message<'a> {
    message: &'a str,
}

/// The same, as clients of Drydock read it.
#[derive(Serialize, ToSchema)]
#[schema(as = DrydockError)]
pub(super) struct DrydockBody<'a> {
    message: &'a str,
    /// Whether it may be tried again.
    retry: bool,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// The same, as clients of Mozilla Inventory look for it.
#[derive(Serialize, ToSchema)]
#[schema(as = BulkActionError)]
pub(super) struct BulkActionBody<'a> {
    errors: &'a str,
    error: Message<'a>,
}

/// Whose clients ask under a path; their errors have a form of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clients {
    /// Ours, and those of ironic-inspector.
    Inspector,
    /// Those of Drydock.
    Drydock,
    /// Those of Mozilla Inventory's bulk action.
    BulkAction,
}

impl Clients {
    /// The clients that know this path.
    pub(super) fn of(path: &str) -> Self {
        if path.starts_with("/api/v1.0") {
            Self::Drydock
        } else if path.strip_prefix("/en-US").unwrap_or(path).starts_with("/bulk_action") {
            Self::BulkAction
        } else {
            Self::Inspector
        }
    }

    /// The name of the schema of their errors.
    pub(super) fn error_schema(self) -> &'static str {
        match self {
            Self::Inspector => "Error",
            Self::Drydock => "DrydockError",
            Self::BulkAction => "BulkActionError",
        }
    }

    /// The error in their form, where that is another one.
    fn form(self, text: &[u8], status: StatusCode) -> Option<Bytes> {
        if self == Self::Inspector {
            return None;
        }
        let document: Value = serde_json::from_slice(text).ok()?;
        let message = document.pointer("/error/message")?.as_str()?;
        let written = if self == Self::Drydock {
            let retry = matches!(status, StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE);
            json::write(&DrydockBody { message, retry, kind: "error" })
        } else {
            json::write(&BulkActionBody { errors: message, error: Message { message } })
        };
        written.ok().map(Bytes::from)
    }
}

/// Gives an error the form that those read who have asked.
pub(super) fn for_clients(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let clients = Clients::of(response.request().path());
    if clients == Clients::Inspector || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    response.map_body(|_, body| match body.try_into_bytes() {
        Ok(text) => BoxBody::new(clients.form(&text, status).unwrap_or(text)),
        Err(body) => body,
    })
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        status(self.kind)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        answer(self.kind, &self.text)
    }
}

/// Gives a failed request its final body, and logs the failure; leaves any other answer alone.
pub(super) fn finish<B: MessageBody + 'static>(
    response: ServiceResponse<B>,
    api: &Api,
    access: &Access,
) -> ServiceResponse<BoxBody> {
    let Some(failure) = response.response().error() else { return response.map_into_boxed_body() };
    let error = failure.as_error::<Error>().cloned().unwrap_or_else(|| foreign(failure));
    access.log_failure(&error);
    let text = if api.settings.debug && error.kind == Kind::Internal {
        error.to_string()
    } else {
        error.text.clone()
    };
    response.into_response(answer(error.kind, &text))
}

/// The answer with this error text.
pub(super) fn answer(kind: Kind, message: &str) -> HttpResponse {
    let mut response = refusal(status(kind), message);
    if kind == Kind::Unavailable {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
    }
    response
}

/// An error of the given status; for the few statuses that no [`Kind`] has.
pub(super) fn refusal(status: StatusCode, message: &str) -> HttpResponse {
    reply::json(status, &Body { error: Message { message } })
}

fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::BadRequest => StatusCode::BAD_REQUEST,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The framework's own errors (extractors, payloads) in our terms.
fn foreign(failure: &actix_web::Error) -> Error {
    match failure.as_response_error().status_code() {
        StatusCode::NOT_FOUND => Error::not_found(failure.to_string()),
        StatusCode::PAYLOAD_TOO_LARGE => Error::new(Kind::TooLarge, failure.to_string()),
        code if code.is_client_error() => Error::bad_request(failure.to_string()),
        _ => Error::internal(failure),
    }
}
