//! What holds for every path: versions, HEAD, OPTIONS, slashes, request ids, links, the health check.

use actix_web::http::StatusCode;

use super::super::fake::Fake;
use super::super::{Healthcheck, TrustedProxies, routes};
use super::{Answer, Settings, ask, node_path, request, send};

const VERSION: &str = "X-OpenStack-Ironic-Inspector-API-Version";

async fn ask_with(method: &str, path: &str, header: (&'static str, &'static str)) -> Answer {
    send(&Fake::new(), &Settings::default(), request(method, path).insert_header(header)).await
}

#[actix_web::test]
async fn the_version_is_checked_before_everything() {
    let asked =
        [("GET", "/"), ("POST", "/v1/continue"), ("GET", "/v1/nothing"), ("PUT", "/v1"), ("OPTIONS", "/v1")];
    for (method, path) in asked {
        let answer = ask_with(method, path, (VERSION, "7.3")).await;
        assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE);
        assert_eq!(answer.error(), "Unsupported API version 7.3, supported range is 1.0 to 1.18");
        let answer = ask_with(method, path, (VERSION, "x")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.error(), "Malformed API version: expected string in form of X.Y or latest");
    }
}

#[actix_web::test]
async fn both_version_headers_are_honoured() {
    let answer = ask_with("GET", "/", ("OpenStack-API-Version", "baremetal-introspection 99.99")).await;
    assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE);
    let answer = ask_with("GET", "/", ("OpenStack-API-Version", "baremetal 99.99")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let asking = request("GET", "/")
        .insert_header(("OpenStack-API-Version", "baremetal-introspection 99.99"))
        .insert_header((VERSION.to_lowercase().as_str(), "latest"));
    assert_eq!(send(&Fake::new(), &Settings::default(), asking).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn head_is_answered_like_get() {
    for endpoint in routes::ROUTES.iter().filter(|endpoint| endpoint.method == "GET") {
        let path = super::routes::concrete(endpoint.path);
        let (get, head) = (ask("GET", &path).await, ask("HEAD", &path).await);
        assert_eq!(
            (head.status, head.header("content-type")),
            (get.status, get.header("content-type")),
            "{path}"
        );
    }
}

#[actix_web::test]
async fn options_lists_the_methods_of_each_path() {
    for endpoint in routes::ROUTES.iter() {
        let answer = ask("OPTIONS", &super::routes::concrete(endpoint.path)).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""), "{}", endpoint.path);
        assert!(answer.header("allow").unwrap().contains(endpoint.method.as_str()));
    }
    assert_eq!(ask("OPTIONS", "/v1/nothing").await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn slashes_make_no_difference() {
    for path in
        ["/v1/introspection/", "/v1//introspection", "//v1/introspection//", "/v1/introspection/?limit=1"]
    {
        let answer = ask("GET", path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.text().starts_with("{\"introspection\""));
    }
}

#[actix_web::test]
async fn a_harmless_request_id_is_returned() {
    let answer = ask_with("GET", "/v1/nothing", ("X-OpenStack-Request-ID", "req-my-own")).await;
    assert_eq!(answer.header("x-openstack-request-id"), Some("req-my-own"));
    let (first, second) = (ask("GET", "/").await, ask("GET", "/").await);
    assert_ne!(first.header("x-openstack-request-id"), second.header("x-openstack-request-id"));
}

#[actix_web::test]
async fn links_follow_the_proxy() {
    let asking = || {
        request("GET", &node_path(""))
            .insert_header(("X-Forwarded-Proto", "https"))
            .insert_header(("X-Forwarded-Host", "bm.example.org"))
            .insert_header(("X-Forwarded-Prefix", "/inspector"))
    };
    let answer = send(&Fake::new(), &Settings::default(), asking()).await;
    let wanted = format!("https://bm.example.org/inspector{}", node_path(""));
    assert_eq!(answer.json()["links"][0]["href"], wanted);
    let nobody = TrustedProxies::Networks(Vec::new());
    let wary = Settings { trusted_proxies: nobody, ..Settings::default() };
    let answer = send(&Fake::new(), &wary, asking()).await;
    assert_eq!(answer.json()["links"][0]["href"], format!("http://localhost:8080{}", node_path("")));
}

fn checked(disable_by_file: Option<std::path::PathBuf>) -> Settings {
    Settings { healthcheck: Healthcheck::Enabled { disable_by_file }, ..Settings::default() }
}

#[actix_web::test]
async fn the_health_check_answers_under_its_exact_path_only() {
    let asking = |method, path| send_checked(None, request(method, path));
    let answer = asking("GET", "/healthcheck").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(asking("HEAD", "/healthcheck").await.status, StatusCode::NO_CONTENT);
    assert_eq!(asking("GET", "/healthcheck/").await.error(), "Version healthcheck not found.");
    assert_eq!(asking("POST", "/healthcheck").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(asking("GET", "/v1").await.status, StatusCode::OK);
    let json = request("GET", "/healthcheck").insert_header(("accept", "application/json"));
    let answer = send_checked(None, json).await;
    assert_eq!(answer.text(), "{\n    \"detailed\": false,\n    \"reasons\": []\n}");
}

#[actix_web::test]
async fn a_file_disables_the_health_check() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = || Some(file.path().to_owned());
    let answer = send_checked(path(), request("GET", "/healthcheck")).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::SERVICE_UNAVAILABLE, "DISABLED BY FILE"));
    let json = request("GET", "/healthcheck").insert_header(("accept", "application/json"));
    assert_eq!(send_checked(path(), json).await.json()["reasons"][0]["reason"], "DISABLED BY FILE");
    let gone = file.path().with_extension("gone");
    assert_eq!(send_checked(Some(gone), request("GET", "/healthcheck")).await.status, StatusCode::OK);
}

async fn send_checked(file: Option<std::path::PathBuf>, asking: actix_web::test::TestRequest) -> Answer {
    send(&Fake::new(), &checked(file), asking).await
}
