//! CORS, as browsers see it.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

use super::super::Cors;
use super::super::fake::Fake;
use super::{Answer, Settings, ask, request, send};

const PAGE: &str = "https://dash.example";

fn settings(origins: &[&str]) -> Settings {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let cors = Cors {
        origins: texts(origins),
        credentials: true,
        expose: texts(&["X-OpenStack-Request-ID"]),
        max_age_s: 3600,
        methods: texts(&["GET", "POST"]),
        headers: texts(&["X-Auth-Token"]),
    };
    Settings { cors, ..Settings::default() }
}

async fn from_page(settings: &Settings, asking: TestRequest) -> Answer {
    send(&Fake::new(), settings, asking.insert_header(("Origin", PAGE))).await
}

fn preflight(method: &'static str, headers: &'static str) -> TestRequest {
    request("OPTIONS", "/v1/introspection")
        .insert_header(("Access-Control-Request-Method", method))
        .insert_header(("Access-Control-Request-Headers", headers))
}

/// Origin, credentials, methods, headers, age.
fn told(answer: &Answer) -> [Option<&str>; 5] {
    [
        "access-control-allow-origin",
        "access-control-allow-credentials",
        "access-control-allow-methods",
        "access-control-allow-headers",
        "access-control-max-age",
    ]
    .map(|name| answer.header(name))
}

#[actix_web::test]
async fn nothing_is_said_where_no_origin_is_allowed() {
    for asking in [preflight("GET", "x-auth-token"), request("GET", "/v1")] {
        let answer = from_page(&Settings::default(), asking).await;
        assert_eq!((told(&answer), answer.header("vary")), ([None; 5], None));
    }
}

#[actix_web::test]
async fn a_preflight_is_told_what_is_allowed() {
    let answer = from_page(&settings(&[PAGE]), preflight("POST", "x-auth-token, content-type")).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""));
    let wanted = [Some(PAGE), Some("true"), Some("POST"), Some("x-auth-token, content-type"), Some("3600")];
    assert_eq!((told(&answer), answer.header("vary")), (wanted, Some("Origin")));
}

#[actix_web::test]
async fn a_preflight_for_more_is_told_nothing() {
    let one = settings(&[PAGE]);
    for asking in [preflight("PUT", ""), preflight("GET", "x-other"), preflight("GET", "x-auth-token,x-o")] {
        let answer = from_page(&one, asking).await;
        assert_eq!((answer.status, told(&answer)), (StatusCode::OK, [None; 5]));
    }
    let answer = from_page(&settings(&["https://other.example"]), preflight("GET", "")).await;
    assert_eq!((told(&answer), answer.header("vary")), ([None; 5], Some("Origin")));
}

#[actix_web::test]
async fn a_preflight_that_the_application_refuses_is_an_empty_success() {
    let bad = preflight("GET", "").insert_header(("X-OpenStack-Ironic-Inspector-API-Version", "9.9"));
    let answer = from_page(&settings(&[PAGE]), bad).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""));
    let unknown = request("OPTIONS", "/v1/nothing").insert_header(("Access-Control-Request-Method", "GET"));
    assert_eq!(from_page(&settings(&[PAGE]), unknown).await.status, StatusCode::OK);
    // Without a page behind it, OPTIONS is what it was.
    let answer = send(&Fake::new(), &settings(&[PAGE]), request("OPTIONS", "/v1/nothing")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_page_may_read_answers_and_refusals_alike() {
    for path in ["/v1", "/v1/nothing", "/v1/introspection?limit=x"] {
        let answer = from_page(&settings(&[PAGE]), request("GET", path)).await;
        assert_eq!(told(&answer), [Some(PAGE), Some("true"), None, None, None], "{path}");
        assert_eq!(answer.header("access-control-expose-headers"), Some("X-OpenStack-Request-ID"));
    }
    let stranger = send(&Fake::new(), &settings(&["https://other.example"]), request("GET", "/v1")).await;
    assert_eq!((told(&stranger), stranger.header("vary")), ([None; 5], Some("Origin")));
    assert_eq!(ask("GET", "/v1").await.header("vary"), None);
}

#[actix_web::test]
async fn credentials_are_never_for_all() {
    let answer = from_page(&settings(&["*"]), request("GET", "/v1")).await;
    assert_eq!(told(&answer), [Some("*"), None, None, None, None]);
    let answer = from_page(&settings(&["*", PAGE]), request("GET", "/v1")).await;
    assert_eq!(told(&answer), [Some(PAGE), Some("true"), None, None, None]);
}
