//! Swift as a stand-in plays it: what is asked, and what is told of faults.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::config::{Auth, AuthType, Secret};
use crate::node::Variant;
use crate::openstack::fake;
use crate::standin::{Asked as Seen, Reply, StandIn};

const OBJECT: &str = "/v1/AUTH_test/data/inspector_data-00000000-0000-0000-0000-000000000000";

fn key() -> Key {
    Key::new(Uuid::nil(), Variant::Processed)
}

fn document() -> Bytes {
    Bytes::from_static(b"{\"a\": 1}")
}

/// A Swift that stands alone.
fn alone(server: &StandIn) -> config::Swift {
    config::Swift {
        auth: Auth {
            auth_type: AuthType::V1Password,
            auth_url: Some(format!("{}/auth/v1.0", server.url())),
            username: Some("test:tester".to_owned()),
            password: Some(Secret::new("s3cret")),
            ..Auth::default()
        },
        container: "data".to_owned(),
        timeout: 2,
        ..config::Swift::default()
    }
}

fn swift(options: &config::Swift) -> Swift {
    Swift::from_config(options).unwrap()
}

/// Gives `token-0`, `token-1`, ... and lets `more` answer the rest.
fn server(more: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> StandIn {
    let url = Arc::new(Mutex::new(String::new()));
    let place = Arc::clone(&url);
    let standin = StandIn::new(move |asked, nth| match asked.line.as_str() {
        "GET /auth/v1.0" => {
            let place = format!("{}/v1/AUTH_test", place.lock().unwrap());
            Reply::AnswerWith(
                200,
                vec![("X-Auth-Token", format!("token-{nth}")), ("X-Storage-Url", place)],
                Value::Null,
            )
        }
        _ => more(asked, nth),
    });
    *url.lock().unwrap() = standin.url();
    standin
}

fn lines(standin: &StandIn) -> Vec<String> {
    standin.all().into_iter().map(|asked| asked.line).collect()
}

#[actix_rt::test]
async fn the_container_is_made_where_it_is_missing_and_only_then() {
    let standin = server(|asked, nth| match (asked.line.as_str(), nth) {
        ("PUT /v1/AUTH_test/data", _) => Reply::Answer(201, Value::Null),
        (_, 0) => Reply::Answer(404, Value::Null),
        _ => Reply::Answer(201, Value::Null),
    });
    let swift = swift(&config::Swift { delete_after: 60, ..alone(&standin) });
    swift.save(&key(), document()).await.unwrap();
    swift.save(&key(), document()).await.unwrap();
    let put = format!("PUT {OBJECT}");
    assert_eq!(lines(&standin), ["GET /auth/v1.0", &put, "PUT /v1/AUTH_test/data", &put, &put]);
    let asked = standin.all();
    assert_eq!(asked[0].header("x-auth-user"), Some("test:tester"));
    assert_eq!(asked[0].header("x-auth-key"), Some("s3cret"));
    let sent = asked.last().unwrap();
    assert_eq!(sent.header("etag"), Some(md5_of(&document()).as_str()));
    assert_eq!(sent.header("x-delete-after"), Some("60"));
    assert_eq!(sent.header("x-auth-token"), Some("token-0"));
    assert_eq!(sent.header("content-type"), None);
    assert_eq!(sent.body, json!({"a": 1}));
}

#[actix_rt::test]
async fn nothing_is_said_of_an_end_where_none_is_wanted() {
    let standin = server(|_, _| Reply::Answer(201, Value::Null));
    swift(&alone(&standin)).save(&key(), document()).await.unwrap();
    assert_eq!(standin.all().last().unwrap().header("x-delete-after"), None);
}

#[actix_rt::test]
async fn a_token_that_is_refused_is_replaced_once() {
    let standin = server(|asked, _| match asked.header("x-auth-token") {
        Some("token-0" | "token-2" | "token-3") => Reply::Answer(401, Value::Null),
        _ => Reply::AnswerWith(200, vec![("Etag", md5_of(b"{\"a\":1}"))], json!({"a": 1})),
    });
    let swift = swift(&alone(&standin));
    assert!(swift.get(&key()).await.unwrap().is_some());
    assert!(swift.proof.reject(&swift.proof.pass().await.unwrap()));
    let failure = swift.get(&key()).await.unwrap_err();
    assert!(failure.text.contains("Error was: 401"), "{failure}");
    assert_eq!(lines(&standin).len(), 8, "{:?}", lines(&standin));
}

#[actix_rt::test]
async fn what_is_not_there_is_no_failure() {
    let standin = server(|_, _| Reply::Answer(404, Value::Null));
    let swift = swift(&alone(&standin));
    assert_eq!(swift.get(&key()).await, Ok(None));
    assert_eq!(swift.holds(&key(), &document()).await, Ok(false));
    assert_eq!(swift.remove(&key()).await, Ok(()));
}

#[actix_rt::test]
async fn the_texts_are_those_that_clients_know() {
    let name = "inspector_data-00000000-0000-0000-0000-000000000000";
    let standin = server(|_, _| Reply::Answer(507, Value::Null));
    let full = swift(&alone(&standin));
    let failure = full.save(&key(), document()).await.unwrap_err();
    assert_eq!(
        failure,
        Failure::passing(format!("Swift failed to create object {name} in container data. Error was: 507 "))
    );
    let failure = full.get(&key()).await.unwrap_err();
    assert_eq!(failure.text, format!("Swift failed to get object {name} in container data. Error was: 507 "));
    let standin = server(|asked, _| match asked.line.as_str() {
        "PUT /v1/AUTH_test/data" => Reply::Answer(403, Value::Null),
        _ => Reply::Answer(404, Value::Null),
    });
    let failure = swift(&alone(&standin)).save(&key(), document()).await.unwrap_err();
    assert_eq!(failure, Failure::lasting("Swift failed to create container data. Error was: 403 "));
    let refused = StandIn::new(|_, _| Reply::Answer(401, Value::Null));
    let failure = swift(&alone(&refused)).save(&key(), document()).await.unwrap_err();
    let text = "Could not connect to the object storage service: Swift gives us no token: status 401";
    assert_eq!(failure, Failure::lasting(text));
}

#[actix_rt::test]
async fn a_server_that_hangs_hangs_up_or_cuts_short_is_a_passing_failure() {
    for reply in [Reply::Leave, Reply::CutShort, Reply::Hang(Duration::from_secs(3))] {
        let standin = server(move |_, _| reply.clone());
        let swift = swift(&config::Swift { timeout: 1, ..alone(&standin) });
        let failure = swift.get(&key()).await.unwrap_err();
        assert_eq!(failure.passing, Passing::Yes, "{failure}");
        assert!(failure.text.starts_with("Swift failed to get object "), "{failure}");
    }
}

#[actix_rt::test]
async fn what_arrives_damaged_is_not_taken() {
    let standin = server(|_, _| Reply::AnswerWith(200, vec![("Etag", md5_of(b"other"))], json!({"a": 1})));
    let swift = swift(&alone(&standin));
    let failure = swift.get(&key()).await.unwrap_err();
    assert!(failure.text.contains("is not what Swift says"), "{failure}");
    assert_eq!(swift.holds(&key(), &document()).await, Ok(false));
    assert_eq!(swift.holds(&key(), &Bytes::from_static(b"other")).await, Ok(true));
}

#[actix_rt::test]
async fn keystone_tells_where_it_is() {
    let place = Arc::new(Mutex::new(String::new()));
    let url = Arc::clone(&place);
    let standin = StandIn::new(move |asked, nth| {
        if !fake::is_issue(asked) {
            return Reply::Answer(201, Value::Null);
        }
        let url = format!("{}/v1/AUTH_test/", url.lock().unwrap());
        let endpoint = json!({"interface": "public", "region_id": "R1", "region": "R1", "url": url});
        let catalog = json!([{"type": "object-store", "name": "swift", "endpoints": [endpoint]}]);
        let document = fake::document("rollcall", &["service"], 3600, &json!({"catalog": catalog}));
        fake::issued(&format!("own-{nth}"), document)
    });
    *place.lock().unwrap() = standin.url();
    let options = config::Swift {
        auth: fake::auth(&standin.url()),
        container: "a b/ü".to_owned(),
        ..config::Swift::default()
    };
    swift(&options).save(&key(), document()).await.unwrap();
    let sent = standin.all().pop().unwrap();
    assert!(sent.line.starts_with("PUT /v1/AUTH_test/a%20b%2F%C3%BC/inspector_data-"), "{}", sent.line);
    assert_eq!(sent.header("x-auth-token"), Some("own-0"));
    let elsewhere = config::Swift {
        adapter: config::Adapter { region_name: Some("R2".to_owned()), ..config::Adapter::default() },
        ..options
    };
    let failure = swift(&elsewhere).get(&key()).await.unwrap_err();
    assert!(
        failure.text.contains("has no internal or public endpoint of object-store in region R2"),
        "{failure}"
    );
}

#[test]
fn options_that_lead_nowhere_are_refused_by_name() {
    let named = |options: config::Swift| Swift::from_config(&options).unwrap_err().text;
    assert!(named(config::Swift::default()).starts_with("swift.endpoint_override: needed"));
    let auth = Auth { auth_type: AuthType::V1Password, ..Auth::default() };
    assert!(named(config::Swift { auth, ..config::Swift::default() }).starts_with("swift.auth_url: needed"));
}

#[test]
fn a_page_is_read_for_its_words() {
    let page = b"<html><h1>Not Found</h1><p>The resource\ncould not be found.</p></html>";
    assert_eq!(words(page), "Not Found The resource could not be found.");
    assert_eq!(words(&[b'x'; 5000]).len(), TEXT_LIMIT);
    let names: HashMap<_, _> = [Variant::Raw, Variant::Processed]
        .map(|variant| (variant, Key::new(Uuid::nil(), variant).object().ends_with("-UNPROCESSED")))
        .into();
    assert!(names[&Variant::Raw] && !names[&Variant::Processed]);
}
