//! Sessions against a stand-in of Keystone.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::failure::Sort;
use super::fake::{self, ISSUE, is_issue, issued_by_number, refused};
use super::transport::{Manner, Transport};
use super::*;
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::config;
use crate::standin::{Asked, Reply, StandIn};

/// A session that gives up after two seconds, and the clock that it goes by.
fn session(keystone: &StandIn) -> (Session, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let auth = fake::auth(&format!("{}/v3/", keystone.url()));
    let lookup = Lookup::from_config(&config::Adapter::default());
    (Session::over(transport(Duration::from_secs(2)), &auth, lookup, clock.clone()), clock)
}

fn transport(timeout: Duration) -> Transport {
    let tls = Tls::from_config(&config::Auth::default()).unwrap();
    let manner = Manner { service: "Keystone", tls, timeout, connections: 4, body_limit: 1 << 20 };
    Transport::start(manner).unwrap()
}

async fn text(session: &Session) -> Result<String, Failure> {
    session.token().await.map(|token| token.header().to_str().unwrap().to_owned())
}

/// Asks until the token is another one than this.
async fn until_other_than(session: &Session, old: &str) -> String {
    for _ in 0..2000 {
        let now = text(session).await.unwrap();
        if now != old {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the token stays {old}");
}

#[actix_rt::test]
async fn one_asks_for_all_who_need_a_token() {
    let keystone = StandIn::new(|_, nth| issued_by_number(nth));
    let (session, _) = session(&keystone);
    let texts = join_all((0..50).map(|_| text(&session))).await;
    assert!(texts.iter().all(|text| text.as_deref() == Ok("own-0")));
    let asked = keystone.all();
    assert_eq!((asked.len(), asked[0].line.as_str()), (1, ISSUE));
    assert_eq!(asked[0].body["auth"]["scope"]["project"]["name"], "service");
}

#[actix_rt::test]
async fn a_token_is_renewed_before_it_ends_and_nobody_waits_for_that() {
    let keystone = StandIn::new(|_, nth| issued_by_number(nth));
    let (session, clock) = session(&keystone);
    assert_eq!(text(&session).await.unwrap(), "own-0");
    clock.advance_seconds(3600 - 130);
    assert_eq!(text(&session).await.unwrap(), "own-0");
    assert_eq!(keystone.all().len(), 1);
    clock.advance_seconds(20);
    // The old one is good still, and is given out until the new one is there.
    assert_eq!(text(&session).await.unwrap(), "own-0");
    assert_eq!(until_other_than(&session, "own-0").await, "own-1");
    assert_eq!(keystone.all().len(), 2);
}

#[actix_rt::test]
async fn a_token_serves_while_its_renewal_fails_and_not_beyond_its_end() {
    let keystone = StandIn::new(|_, nth| if nth == 0 { issued_by_number(nth) } else { refused(503) });
    let (session, clock) = session(&keystone);
    assert_eq!(text(&session).await.unwrap(), "own-0");
    clock.advance_seconds(3600 - 60);
    for _ in 0..20 {
        assert_eq!(text(&session).await.unwrap(), "own-0");
        tokio::task::yield_now().await;
    }
    clock.advance_seconds(57);
    assert_eq!(text(&session).await.unwrap_err().sort, Sort::Status(503));
    // Renewals that fail are not tried for every call.
    assert!(keystone.all().len() <= 3);
}

#[actix_rt::test]
async fn a_rejected_token_is_replaced_once() {
    let keystone = StandIn::new(|_, nth| issued_by_number(nth));
    let (session, _) = session(&keystone);
    let token = session.token().await.unwrap();
    session.reject(&token);
    assert_eq!(text(&session).await.unwrap(), "own-1");
    // Another call that had the old one.
    session.reject(&token);
    assert_eq!(text(&session).await.unwrap(), "own-1");
    assert_eq!(keystone.all().len(), 2);
}

#[actix_rt::test]
async fn refused_credentials_are_not_sent_again_at_once() {
    let keystone = StandIn::new(|_, nth| if nth == 0 { refused(401) } else { issued_by_number(nth) });
    let (session, clock) = session(&keystone);
    for _ in 0..5 {
        let failure = text(&session).await.unwrap_err();
        assert_eq!(failure.text, "Keystone gives us no token: status 401: Keystone says no.");
        assert!(!failure.is_passing());
    }
    assert_eq!(keystone.all().len(), 1);
    clock.advance_seconds(6);
    assert_eq!(text(&session).await.unwrap(), "own-1");
}

#[actix_rt::test]
async fn each_way_to_fail_is_told_and_passes() {
    let cut = |answer: Reply| move |_: &Asked, _: usize| answer.clone();
    for (reply, wanted) in [
        (Reply::Leave, "Unable to reach Keystone"),
        (Reply::CutShort, "Unable to reach Keystone: the answer was cut short"),
        (Reply::Answer(201, json!({})), "The answer of Keystone is not understood"),
        (Reply::Answer(201, fake::document("u", &[], 60, &Value::Null)), "without saying which"),
        (Reply::Hang(Duration::from_secs(10)), "Keystone did not answer within 2 seconds"),
        (refused(500), "status 500: Keystone says no."),
    ] {
        let (session, _) = session(&StandIn::new(cut(reply)));
        let failure = text(&session).await.unwrap_err();
        assert!(failure.text.contains(wanted) && failure.is_passing(), "{failure:?}");
    }
}

#[actix_rt::test]
async fn an_endpoint_comes_from_the_catalogue_of_the_token() {
    let endpoint =
        json!({"interface": "public", "region_id": "R1", "region": "R1", "url": "http://127.0.0.1:6385"});
    let more =
        json!({"catalog": [{"type": "baremetal", "name": "ironic", "id": "x", "endpoints": [endpoint]}]});
    let keystone =
        StandIn::new(move |_, _| fake::issued("own", fake::document("rollcall", &["service"], 3600, &more)));
    let (session, _) = session(&keystone);
    assert_eq!(session.endpoint("baremetal").await.unwrap(), "http://127.0.0.1:6385");
    let missing = session.endpoint("object-store").await.unwrap_err();
    assert!(!missing.is_passing() && missing.text.contains("of object-store"), "{missing}");
    assert_eq!(keystone.all().len(), 1);
}

#[actix_rt::test]
async fn a_token_is_examined_under_our_own() {
    let keystone = StandIn::new(|asked, nth| match asked.header("x-subject-token") {
        None if is_issue(asked) => issued_by_number(nth),
        Some("good") => Reply::Answer(200, fake::document("ann", &["admin"], 60, &Value::Null)),
        Some("gone") => refused(404),
        _ => refused(401),
    });
    let (session, _) = session(&keystone);
    let own = session.token().await.unwrap();
    let document = session.identity().examine(&own, "good").await.unwrap().unwrap();
    assert_eq!((document.user.name.as_str(), document.roles[0].name.as_str()), ("ann", "admin"));
    assert!(session.identity().examine(&own, "gone").await.unwrap().is_none());
    assert!(session.identity().examine(&own, "not\na header").await.unwrap().is_none());
    let refused = session.identity().examine(&own, "other").await.unwrap_err();
    assert_eq!(refused.sort, Sort::Status(401));
    let asked = &keystone.all()[1];
    assert_eq!((asked.line.as_str(), asked.header("x-auth-token")), (fake::EXAMINE, Some("own-0")));
    assert_eq!(asked.header("openstack-identity-access-rules"), Some("1.0"));
}

#[actix_rt::test]
async fn no_secret_shows() {
    let keystone = StandIn::new(|_, nth| issued_by_number(nth));
    let (session, _) = session(&keystone);
    let token = session.token().await.unwrap();
    let shown = format!("{session:?} {token:?} {:?}", Proof::Token(session.clone()).pass().await);
    assert!(!shown.contains("own-0") && !shown.contains("s3cret"), "{shown}");
}

#[actix_rt::test]
async fn a_session_may_be_used_by_any_thread() {
    fn is_send<F: Future + Send>(future: F) -> F {
        future
    }
    let keystone = StandIn::new(|_, nth| issued_by_number(nth));
    let (session, _) = session(&keystone);
    assert!(is_send(session.token()).await.is_ok());
    assert!(is_send(session.endpoint("x")).await.is_err());
    let other = session.clone();
    let elsewhere =
        std::thread::spawn(move || actix_rt::System::new().block_on(async move { text(&other).await }));
    assert_eq!(elsewhere.join().unwrap().unwrap(), "own-0");
}

#[test]
fn files_of_tls_are_told_by_their_option() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, missing) = (folder.path().join("empty.pem"), folder.path().join("missing.pem"));
    std::fs::write(&empty, "").unwrap();
    let told = |auth: config::Auth| Tls::from_config(&auth).unwrap_err();
    let with = config::Auth::default;
    assert!(told(config::Auth { cafile: Some(missing.clone()), ..with() }).starts_with("cafile: "));
    assert!(told(config::Auth { cafile: Some(empty.clone()), ..with() }).contains("no certificate in it"));
    assert!(told(config::Auth { certfile: Some(missing), ..with() }).starts_with("certfile: "));
    assert!(Tls::from_config(&config::Auth { insecure: true, cafile: Some(empty), ..with() }).is_ok());
}
