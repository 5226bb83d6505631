//! Who is let in: each outcome of `http_basic`, what it costs, and the networks of callbacks.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::auth::{Authentication, Basic, Limits};
use super::super::fake::Fake;
use super::super::policy::Demand;
use super::super::routes::ROUTES;
use super::routes::concrete;
use super::{Answer, Settings, node_path, request, send};

/// "letmein", at the lowest cost.
fn line(user: &str) -> String {
    format!("{user}:{}\n", bcrypt::hash_with_salt("letmein", 4, [7; 16]).unwrap())
}

/// A daemon's users, in a file of their own.
struct Door {
    _folder: tempfile::TempDir,
    path: PathBuf,
    basic: Arc<Basic>,
    settings: Settings,
}

impl Door {
    /// Looks at its file before every request.
    fn new(text: &str) -> Self {
        Self::with(text, Limits { look_every: Duration::ZERO, ..Limits::default() })
    }

    fn with(text: &str, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        fs::write(&path, text).unwrap();
        let basic = Arc::new(Basic::open(&path, limits).unwrap());
        let settings =
            Settings { authentication: Authentication::Basic(Arc::clone(&basic)), ..Settings::default() };
        Self { _folder: folder, path, basic, settings }
    }

    async fn send(&self, request: TestRequest) -> Answer {
        send(&Fake::new(), &self.settings, request).await
    }

    /// Asks for the list with these credentials.
    async fn list_as(&self, user: &str, password: &str) -> StatusCode {
        self.send(as_user(request("GET", "/v1/introspection"), user, password)).await.status
    }

    /// Puts another file in place.
    fn replace(&self, text: &str) {
        let new = self.path.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, &self.path).unwrap();
    }
}

fn as_user(request: TestRequest, user: &str, password: &str) -> TestRequest {
    let token = STANDARD.encode(format!("{user}:{password}"));
    request.insert_header(("authorization", format!("Basic {token}")))
}

fn open_error(path: &Path) -> String {
    Basic::open(path, Limits::default()).unwrap_err().to_string()
}

#[actix_web::test]
async fn every_endpoint_asks_for_credentials_unless_it_is_public() {
    let door = Door::new(&line("admin"));
    for endpoint in ROUTES.iter() {
        let asking = || request(endpoint.method.as_str(), &concrete(endpoint.path));
        let answer = door.send(asking()).await;
        if endpoint.policy.demand() == Demand::Credentials {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{endpoint:?}");
            assert_eq!(answer.error(), "Authentication required");
            assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"rollcall\""));
        } else {
            assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{endpoint:?}");
        }
        let known = door.send(as_user(asking(), "admin", "letmein")).await;
        assert_ne!(known.status, StatusCode::UNAUTHORIZED, "{endpoint:?}");
        let guess = door.send(as_user(asking(), "admin", "wrong")).await;
        assert_eq!(guess.status == StatusCode::UNAUTHORIZED, answer.status == StatusCode::UNAUTHORIZED);
    }
    assert_eq!(door.basic.compared(), 2);
}

#[actix_web::test]
async fn head_is_no_way_around() {
    let door = Door::new(&line("admin"));
    assert_eq!(door.send(request("HEAD", "/v1/introspection")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(door.send(request("GET", "/v1//introspection/")).await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn malformed_headers_are_told_where_they_count() {
    let door = Door::new(&line("admin"));
    for (value, text) in [
        ("Basic", "Could not parse Authorization header"),
        ("Bearer abc", "Unsupported authorization type \"Bearer\""),
        ("Basic %%%", "Could not decode authorization token"),
        ("Basic YWRtaW4=", "Could not decode authorization token"),
    ] {
        let header = ("authorization", value);
        let answer = door.send(request("GET", "/v1/introspection").insert_header(header)).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, text), "{value}");
        for (method, path) in [("GET", "/"), ("GET", "/v1"), ("POST", "/v1/continue")] {
            let answer = door.send(request(method, path).set_payload("{}").insert_header(header)).await;
            assert_eq!(answer.status, StatusCode::OK, "{path} {value}");
        }
    }
}

#[actix_web::test]
async fn what_is_not_there_is_told_to_anybody_and_the_version_comes_first() {
    let door = Door::new(&line("admin"));
    assert_eq!(door.send(request("GET", "/v1/nothing/here")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(door.send(request("PUT", "/v1/introspection")).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(door.send(request("OPTIONS", "/v1/introspection")).await.status, StatusCode::OK);
    let old = ("x-openstack-ironic-inspector-api-version", "0.9");
    let answer = door.send(request("GET", "/v1/introspection").insert_header(old)).await;
    assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE);
}

#[actix_web::test]
async fn a_credential_is_compared_once() {
    let door = Door::new(&line("admin"));
    for _ in 0..5 {
        assert_eq!(door.list_as("admin", "letmein").await, StatusCode::OK);
    }
    assert_eq!(door.basic.compared(), 1);
    for _ in 0..5 {
        assert_eq!(door.list_as("admin", "wrong").await, StatusCode::UNAUTHORIZED);
        assert_eq!(door.list_as("eve", "letmein").await, StatusCode::UNAUTHORIZED);
    }
    // A stranger costs a comparison, too.
    assert_eq!(door.basic.compared(), 3);
}

#[actix_web::test]
async fn those_who_come_at_once_share_few_comparisons() {
    let door = Door::with(&line("admin"), Limits::default());
    let asking = (0..64).map(|_| door.list_as("admin", "letmein"));
    let statuses = futures_util::future::join_all(asking).await;
    assert!(statuses.iter().all(|status| *status == StatusCode::OK));
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    assert!(door.basic.compared() <= u64::try_from(cores).unwrap());
}

#[actix_web::test]
async fn a_verdict_does_not_hold_for_ever() {
    let limits = Limits { hold: Duration::ZERO, ..Limits::default() };
    let door = Door::with(&line("admin"), limits);
    assert_eq!(door.list_as("admin", "letmein").await, StatusCode::OK);
    assert_eq!(door.list_as("admin", "letmein").await, StatusCode::OK);
    assert_eq!(door.basic.compared(), 2);
}

#[actix_web::test]
async fn a_changed_file_counts_at_once() {
    let door = Door::new(&line("admin"));
    assert_eq!(door.list_as("admin", "letmein").await, StatusCode::OK);
    assert_eq!(door.list_as("ann", "letmein").await, StatusCode::UNAUTHORIZED);
    door.replace(&line("ann"));
    assert_eq!(door.list_as("admin", "letmein").await, StatusCode::UNAUTHORIZED);
    assert_eq!(door.list_as("ann", "letmein").await, StatusCode::OK);
}

#[actix_web::test]
async fn the_file_is_not_looked_at_for_every_request() {
    let door =
        Door::with(&line("admin"), Limits { look_every: Duration::from_secs(3600), ..Limits::default() });
    door.replace(&line("ann"));
    assert_eq!(door.list_as("admin", "letmein").await, StatusCode::OK);
}

#[actix_web::test]
async fn a_file_gone_wrong_lets_nobody_in_and_spares_the_callback() {
    let door = Door::new(&line("admin"));
    fs::remove_file(&door.path).unwrap();
    let asking = as_user(request("GET", "/v1/introspection"), "admin", "letmein");
    let answer = door.send(asking).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.error(), "Invalid configuration file. Problem reading auth user file");
    let callback = as_user(request("POST", "/v1/continue").set_payload("{}"), "admin", "letmein");
    assert_eq!(door.send(callback).await.status, StatusCode::OK);
    door.replace(&format!("{}bob:plain\n", line("admin")));
    assert_eq!(door.list_as("admin", "letmein").await, StatusCode::OK);
    let answer = door.send(as_user(request("GET", "/v1/introspection"), "bob", "plain")).await;
    let wanted = "Invalid configuration file. Only bcrypt digested passwords are supported for bob";
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, wanted));
}

#[test]
fn a_bad_file_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    assert!(open_error(&path).contains("http_basic_auth_user_file: can not read"));
    fs::write(&path, format!("# users\n{}bob:plain\n", line("admin"))).unwrap();
    let error = open_error(&path);
    assert!(
        error.contains(":3: only bcrypt") && !error.contains("plain") && !error.contains('\n'),
        "{error}"
    );
}

#[actix_web::test]
async fn the_history_knows_who_asked() {
    let (door, fake) = (Door::new(&line("admin")), Fake::new());
    let id = ("x-openstack-request-id", "req-7");
    let asking = request("POST", &node_path("/abort")).insert_header(id);
    send(&fake, &door.settings, as_user(asking, "admin", "letmein")).await;
    send(&fake, &door.settings, request("POST", "/v1/continue").insert_header(id)).await;
    let askers = fake.askers.borrow().clone();
    assert_eq!(askers, [Some("admin req-7".to_owned()), Some("req-7".to_owned())]);
}

#[actix_web::test]
async fn callbacks_are_kept_to_their_networks() {
    let settings = Settings { callback_cidrs: vec!["192.0.2.0/24".parse().unwrap()], ..Settings::default() };
    for (peer, status) in [("192.0.2.9:7", StatusCode::OK), ("192.0.3.9:7", StatusCode::FORBIDDEN)] {
        let fake = Fake::new();
        let forged = ("x-forwarded-for", "192.0.2.1");
        let asking = request("POST", "/v1/continue").set_payload("{}").insert_header(forged);
        let answer = send(&fake, &settings, asking.peer_addr(peer.parse().unwrap())).await;
        assert_eq!(answer.status, status);
        assert_eq!(fake.asked().is_empty(), status != StatusCode::OK);
        if status == StatusCode::FORBIDDEN {
            assert_eq!(answer.error(), "Callbacks are not taken from this address");
        }
        let other = send(&fake, &settings, request("GET", "/v1/introspection")).await;
        assert_eq!(other.status, StatusCode::OK);
    }
}
