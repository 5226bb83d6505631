//! The whole application over a fake service.

mod admission;
mod auth;
mod builds;
mod conventions;
mod cors;
mod endpoints;
mod failures;
mod inventory;
mod inventory_databases;
mod keystone;
mod observing;
mod openapi;
mod robustness;
mod routes;
mod rules;
mod tasks;
mod tls;
mod wire;

use std::rc::Rc;

use actix_web::body::to_bytes;
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service};
use serde_json::Value;

use super::fake::{Fake, NODE};
use super::{Api, Services, Settings, app};
use crate::health::Health;

/// An answer, read whole.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The message, after a check of the body's shape.
    fn error(&self) -> String {
        let body = self.json();
        if let Some(message) = body["message"].as_str() {
            let retry = matches!(self.status.as_u16(), 409 | 503);
            assert_eq!(body, serde_json::json!({"message": message, "retry": retry, "type": "error"}));
            return message.to_owned();
        }
        let message = body["error"]["message"].as_str().unwrap().to_owned();
        let mut wanted = serde_json::json!({"error": {"message": message.clone()}});
        if let Some(errors) = body.get("errors") {
            assert_eq!(errors, &message);
            wanted["errors"] = errors.clone();
        }
        assert_eq!(body, wanted);
        message
    }

    /// Version range and request id are on every answer.
    fn assert_common_headers(&self) {
        assert_eq!(self.header("x-openstack-ironic-inspector-api-minimum-version"), Some("1.0"));
        assert_eq!(self.header("x-openstack-ironic-inspector-api-maximum-version"), Some("1.18"));
        assert!(self.header("x-openstack-request-id").unwrap().starts_with("req-"));
    }
}

fn services(fake: &Rc<Fake>) -> Services {
    Services {
        instances: fake.clone(),
        nodes: fake.clone(),
        rules: fake.clone(),
        builds: fake.clone(),
        inventory: inventory::shared(),
        tasks: fake.clone(),
        health: Rc::new(Health::default),
    }
}

async fn send(fake: &Rc<Fake>, settings: &Settings, request: TestRequest) -> Answer {
    let (method, pattern, answer) = exchange(fake, settings, request).await;
    openapi::assert_documented(&method, pattern.as_deref(), &answer);
    answer
}

/// The method, the pattern of the route that answered, and the answer.
async fn exchange(
    fake: &Rc<Fake>,
    settings: &Settings,
    request: TestRequest,
) -> (Method, Option<String>, Answer) {
    let service = init_service(app(Api::new(services(fake), settings.clone()))).await;
    let request = request.to_request();
    let method = request.method().clone();
    let response = call_service(&service, request).await;
    let pattern = response.request().match_pattern();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body()).await.unwrap().to_vec();
    let answer = Answer { status, headers, body };
    answer.assert_common_headers();
    (method, pattern, answer)
}

fn request(method: &str, uri: &str) -> TestRequest {
    TestRequest::with_uri(uri).method(method.parse::<Method>().unwrap())
}

/// Sends to a healthy service with the default settings.
async fn ask(method: &str, uri: &str) -> Answer {
    send(&Fake::new(), &Settings::default(), request(method, uri)).await
}

/// A path below the known node.
fn node_path(rest: &str) -> String {
    format!("/v1/introspection/{NODE}{rest}")
}
