//! Errors: their statuses and bodies.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

use super::super::fake::Fake;
use super::{Settings, ask, exchange, node_path, request, send};
use crate::error::{Error, Kind};

#[actix_web::test]
async fn the_status_follows_from_the_kind_alone() {
    for (kind, status) in [
        (Kind::BadRequest, 400),
        (Kind::NotFound, 404),
        (Kind::Forbidden, 403),
        (Kind::Conflict, 409),
        (Kind::NotAcceptable, 406),
        (Kind::TooLarge, 413),
        (Kind::Unavailable, 503),
        (Kind::Internal, 500),
    ] {
        let fake = Fake::failing(Error::new(kind, "a \"text\"").caused_by("a secret"));
        // Not every endpoint fails in every way.
        let (_, _, answer) = exchange(&fake, &Settings::default(), request("GET", &node_path(""))).await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.text(), "{\"error\":{\"message\":\"a \\\"text\\\"\"}}\n");
        assert_eq!(answer.header("retry-after"), (status == 503).then_some("5"));
    }
}

#[actix_web::test]
async fn only_debug_shows_a_cause() {
    let fake = Fake::failing(Error::internal("disk full"));
    let answer = send(&fake, &Settings::default(), request("POST", "/v1/continue")).await;
    assert_eq!(answer.error(), "Internal server error");
    let debug = Settings { debug: true, ..Settings::default() };
    let answer = send(&fake, &debug, request("POST", "/v1/continue")).await;
    assert_eq!(answer.error(), "Internal server error (disk full)");
    let fake = Fake::failing(Error::not_found("no").caused_by("disk full"));
    assert_eq!(send(&fake, &debug, request("GET", &node_path("/data"))).await.error(), "no");
}

#[actix_web::test]
async fn an_unknown_node_is_named() {
    let answer = ask("GET", "/v1/introspection/nobody").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.error(), "Could not find node nobody in cache");
}

#[actix_web::test]
async fn an_unknown_url_has_the_literal_text() {
    for path in ["/v1/nothing", "/v1/introspection/a/b", "/v1/introspection/a/b/c", "/v2/x", "/v1/continue/x"]
    {
        let answer = ask("GET", path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        let wanted = "404 Not Found: The requested URL was not found on the server. If you entered the URL \
            manually please check your spelling and try again.";
        assert_eq!(answer.error(), wanted);
    }
}

#[actix_web::test]
async fn a_wrong_method_is_told_the_right_ones() {
    for (method, path, allow) in [
        ("PUT", "/v1/introspection/x", "GET, HEAD, OPTIONS, POST"),
        ("GET", "/v1/continue", "OPTIONS, POST"),
        ("HEAD", "/v1/continue", "OPTIONS, POST"),
        ("DELETE", "/v1/introspection", "GET, HEAD, OPTIONS"),
        ("POST", "/", "GET, HEAD, OPTIONS"),
        ("POST", "/v2", "GET, HEAD, OPTIONS"),
        ("BREW", "/v1/introspection/x/data/unprocessed/", "GET, HEAD, OPTIONS, POST"),
    ] {
        let answer = ask(method, path).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        assert_eq!(answer.header("allow"), Some(allow));
        assert!(answer.error().contains(method));
    }
}

#[actix_web::test]
async fn a_large_body_is_refused_by_its_announcement_and_by_its_size() {
    let settings = Settings { max_body_bytes: 8, ..Settings::default() };
    let announced = |asking: TestRequest| asking.insert_header(("content-length", "9"));
    let large = |asking: TestRequest| asking.set_payload("123456789");
    for path in ["/v1/continue", &node_path(""), &node_path("/abort"), &node_path("/data/unprocessed")] {
        for asking in [announced(request("POST", path)), large(request("POST", path))] {
            let fake = Fake::new();
            let answer = send(&fake, &settings, asking).await;
            assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
            assert_eq!(answer.error(), "The request body is larger than 8 bytes");
            assert!(fake.asked().is_empty());
        }
    }
    let fitting = request("POST", "/v1/continue").set_payload("12345678");
    assert_eq!(send(&Fake::new(), &settings, fitting).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    use actix_web::dev::Service;
    let settings = Settings { body_deadline: Duration::from_millis(20), ..Settings::default() };
    let api = super::Api::new(super::services(&Fake::new()), settings);
    let service = actix_web::test::init_service(super::app(api)).await;
    let (mut asking, _) = request("POST", "/v1/continue").to_request().replace_payload(endless());
    asking.head_mut().headers_mut().remove("content-length");
    let response = service.call(asking).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers().get("retry-after").unwrap(), "5");
}

/// A body of which nothing ever arrives.
fn endless() -> actix_web::dev::Payload {
    actix_web::dev::Payload::Stream { payload: Box::pin(futures_util::stream::pending()) }
}
