//! Health and metrics, as those see them who watch the daemon.

use std::rc::Rc;

use actix_web::http::StatusCode;
use actix_web::test::{call_service, init_service, read_body};

use super::super::fake::Fake;
use super::super::{Api, Healthcheck, MetricsReaders, Services, Settings, app};
use super::{Answer, request, send, services};
use crate::health::Health;

const NAMES: [&str; 16] = [
    "rollcall_runs_total",
    "rollcall_transitions_total",
    "rollcall_refusals_total",
    "rollcall_deadline_lag_seconds",
    "rollcall_writer_queue_jobs",
    "rollcall_callbacks_waiting",
    "rollcall_awake_actors",
    "rollcall_node_service_calls_total",
    "rollcall_node_service_retries_total",
    "rollcall_node_service_breaker_open",
    "rollcall_node_service_permits_in_use",
    "rollcall_commit_batch_jobs",
    "rollcall_commit_hold_seconds",
    "rollcall_commit_retries_total",
    "rollcall_phase_seconds",
    "rollcall_http_requests_total",
];

async fn metrics(settings: &Settings, peer: Option<&str>) -> Answer {
    let asking = request("GET", "/metrics");
    let asking = match peer {
        Some(peer) => asking.peer_addr(peer.parse().unwrap()),
        None => asking,
    };
    send(&Fake::new(), settings, asking).await
}

#[actix_web::test]
async fn the_metrics_are_text_that_holds_every_name() {
    let first = metrics(&Settings::default(), Some("127.0.0.1:1000")).await;
    assert_eq!(first.status, StatusCode::OK);
    let answer = metrics(&Settings::default(), Some("[::1]:1000")).await;
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for name in NAMES {
        assert!(answer.text().contains(&format!("# TYPE {name} ")), "{name}");
    }
    let counted = "rollcall_http_requests_total{method=\"GET\",route=\"metrics\",status=\"2xx\"}";
    assert!(answer.text().contains(counted), "{}", answer.text());
    for line in answer.text().lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("rollcall_") && value.parse::<f64>().is_ok(), "{line}");
    }
}

#[actix_web::test]
async fn others_read_the_metrics_only_where_they_are_public() {
    for peer in ["192.0.2.7:1000", "[2001:db8::1]:1000"] {
        let answer = metrics(&Settings::default(), Some(peer)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.error().contains("[metrics]public"));
        let public = Settings { metrics: MetricsReaders::Everybody, ..Settings::default() };
        assert_eq!(metrics(&public, Some(peer)).await.status, StatusCode::OK);
    }
    for local in [None, Some("[::ffff:127.0.0.1]:1000")] {
        assert_eq!(metrics(&Settings::default(), local).await.status, StatusCode::OK, "{local:?}");
    }
}

/// The health check of a daemon that stands like this: status and body.
async fn check(health: Health, method: &str, accept: &str) -> (StatusCode, String) {
    let settings =
        Settings { healthcheck: Healthcheck::Enabled { disable_by_file: None }, ..Settings::default() };
    let services = Services { health: Rc::new(move || health.clone()), ..services(&Fake::new()) };
    let service = init_service(app(Api::new(services, settings))).await;
    let asking = request(method, "/healthcheck").insert_header(("accept", accept));
    let response = call_service(&service, asking.to_request()).await;
    let status = response.status();
    (status, String::from_utf8(read_body(response).await.to_vec()).unwrap())
}

#[actix_web::test]
async fn a_daemon_in_trouble_says_so() {
    let health = Health { troubles: vec!["The database can not be written"], breaker: None };
    let unready = StatusCode::SERVICE_UNAVAILABLE;
    let text = check(health.clone(), "GET", "*/*").await;
    assert_eq!(text, (unready, "The database can not be written".to_owned()));
    assert_eq!(check(health.clone(), "HEAD", "*/*").await.0, unready);
    let (status, body) = check(health, "GET", "application/json").await;
    let wanted = "{\n    \"detailed\": false,\n    \"reasons\": [\n        {\n            \"reason\": \
                  \"The database can not be written\"\n        }\n    ]\n}";
    assert_eq!((status, body.as_str()), (unready, wanted));
}

#[actix_web::test]
async fn an_open_breaker_is_shown_and_is_no_trouble_of_ours() {
    let health = Health { troubles: Vec::new(), breaker: Some("open") };
    assert_eq!(check(health.clone(), "GET", "*/*").await, (StatusCode::OK, String::new()));
    let (status, body) = check(health, "GET", "application/json").await;
    let wanted =
        "{\n    \"detailed\": false,\n    \"reasons\": [],\n    \"node_service_breaker\": \"open\"\n}";
    assert_eq!((status, body.as_str()), (StatusCode::OK, wanted));
}
