//! The listener for ramdisks, and posted data that finds no room.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::test::{call_service, init_service};

use super::super::fake::Fake;
use super::super::routes::ROUTES;
use super::super::{Api, Settings, Surface, app};
use super::routes::concrete;
use super::{ask, node_path, request, send, services};
use crate::admission::Budget;

const KIB: usize = 1024;

fn with_room(callback_memory: Budget) -> Settings {
    Settings { callback_memory, body_deadline: Duration::from_millis(50), ..Settings::default() }
}

#[actix_web::test]
async fn ramdisks_find_nothing_but_the_callback_and_the_root() {
    let settings = Settings { surface: Surface::Callbacks, ..Settings::default() };
    for endpoint in ROUTES.iter() {
        let asking = request(endpoint.method.as_str(), &concrete(endpoint.path)).set_payload("{}");
        let answer = send(&Fake::new(), &settings, asking).await;
        if matches!(endpoint.name, "continue" | "versions") {
            assert_eq!(answer.status, StatusCode::OK, "{endpoint:?}");
        } else {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{endpoint:?}");
            answer.error();
        }
    }
}

#[actix_web::test]
async fn the_listener_of_the_api_takes_callbacks_too() {
    assert_eq!(ask("POST", "/v1/continue").await.status, StatusCode::OK);
}

#[actix_web::test]
async fn posted_data_without_room_is_held_and_then_told_to_come_again() {
    let budget = Budget::new(4 * KIB);
    let mut other = budget.reservation();
    other.grow_to(4 * KIB).await.unwrap();
    let fake = Fake::new();
    for length in ["2048", "0"] {
        let asking = request("POST", "/v1/continue")
            .insert_header(("content-length", length))
            .set_payload(vec![b' '; 2 * KIB]);
        let answer = send(&fake, &with_room(budget.clone()), asking).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.header("retry-after"), Some("5"));
    }
    assert_eq!(fake.asked(), Vec::<String>::new());
    drop(other);
    assert_eq!(budget.free_bytes(), 4 * KIB);
}

#[actix_web::test]
async fn room_is_given_back_with_the_answer() {
    let budget = Budget::new(4 * KIB);
    for _ in 0..3 {
        let asking = request("POST", "/v1/continue").set_payload(vec![b' '; 4 * KIB]);
        let answer = send(&Fake::new(), &with_room(budget.clone()), asking).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(budget.free_bytes(), 4 * KIB);
}

#[actix_web::test]
async fn what_operators_post_needs_no_room() {
    let budget = Budget::new(KIB);
    let mut other = budget.reservation();
    other.grow_to(KIB).await.unwrap();
    let asking = request("POST", &node_path("/data/unprocessed"));
    assert_eq!(send(&Fake::new(), &with_room(budget), asking).await.status, StatusCode::ACCEPTED);
}

#[actix_web::test]
async fn requests_under_way_are_bounded() {
    let fake = Fake::new();
    let full = Settings { max_requests_per_worker: 0, ..Settings::default() };
    let answer = send(&fake, &full, request("GET", &node_path(""))).await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, Some("5")));
    assert!(answer.error().contains("Too many requests"));
    let one = Settings { max_requests_per_worker: 1, ..Settings::default() };
    let service = init_service(app(Api::new(services(&fake), one))).await;
    for _ in 0..3 {
        let response = call_service(&service, request("GET", "/v1").to_request()).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
}
