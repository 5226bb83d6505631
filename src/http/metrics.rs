//! `GET /metrics`: the figures of this process, for Prometheus.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::settings::MetricsReaders;
use super::{Api, failure};
use crate::error::Result;
use crate::metrics;

/// The type of Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const FORBIDDEN: &str =
    "The metrics are shown on this machine only; [metrics]public shows them to everybody.";

/// `GET /metrics`
pub(super) async fn show(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    if api.settings.metrics == MetricsReaders::ThisMachine && !is_local(&request) {
        return Ok(failure::refusal(StatusCode::FORBIDDEN, FORBIDDEN));
    }
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, TEXT)).body(metrics::get().text()?))
}

/// Whether the peer is on this machine. One without an address came through a Unix socket.
fn is_local(request: &HttpRequest) -> bool {
    request.peer_addr().is_none_or(|peer| peer.ip().to_canonical().is_loopback())
}
