//! What becomes of a call when Ironic, or the way to it, fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::standin::{Reply, StandIn, fault, ok, speaks};
use super::{NODE, PORT};
use crate::config;
use crate::node_service::ironic::{Ironic, Shared};
use crate::node_service::{FailureKind, NewPort, NodeService, PatchOp, PortMade, PowerTarget};

fn a_node() -> Reply {
    ok(json!({"uuid": NODE}))
}

fn accepted() -> Reply {
    Reply::Answer(202, Value::Null)
}

#[actix_rt::test]
async fn a_read_survives_what_passes() {
    for bad in [fault(500), fault(502), fault(503), fault(409), Reply::Leave, Reply::CutShort] {
        let first = bad.clone();
        let ironic = StandIn::new(move |_, nth| if nth == 0 { first.clone() } else { a_node() });
        assert!(ironic.client().node("n").await.is_ok(), "{bad:?}");
        assert_eq!(ironic.asked().len(), 2, "{bad:?}");
    }
}

#[actix_rt::test]
async fn a_read_gives_up_after_five_attempts() {
    let ironic = StandIn::new(|_, _| fault(500));
    let error = ironic.client().node("n").await.unwrap_err();
    assert_eq!(
        (error.kind, error.text.as_str(), ironic.asked().len()),
        (FailureKind::Failed, "fault 500", 5)
    );
    let ironic = StandIn::new(|_, _| Reply::Leave);
    assert_eq!(ironic.client().node("n").await.unwrap_err().kind, FailureKind::Unreachable);
    assert_eq!(ironic.asked().len(), 5);
}

#[actix_rt::test]
async fn a_refused_read_is_not_repeated() {
    for (status, kind) in
        [(400, FailureKind::Refused), (403, FailureKind::Refused), (404, FailureKind::NotFound)]
    {
        let ironic = StandIn::new(move |_, _| fault(status));
        assert_eq!(ironic.client().node("n").await.unwrap_err().kind, kind);
        assert_eq!(ironic.asked().len(), 1);
    }
}

#[actix_rt::test]
async fn power_is_asked_for_five_times_whatever_the_error() {
    for status in [400, 404, 500] {
        let ironic = StandIn::new(move |_, _| fault(status));
        assert!(ironic.client().set_power(NODE, PowerTarget::Reboot).await.is_err());
        assert_eq!(ironic.asked().len(), 5, "{status}");
    }
}

#[actix_rt::test]
async fn a_locked_node_is_waited_for_as_configured() {
    let ironic = StandIn::new(|_, _| fault(409));
    let config = config::Ironic { max_retries: 8, ..ironic.config() };
    let client = ironic.client_with(config, Duration::from_secs(10));
    assert_eq!(client.set_power(NODE, PowerTarget::Off).await.unwrap_err().kind, FailureKind::Conflict);
    assert_eq!(ironic.asked().len(), 9);
}

#[actix_rt::test]
async fn a_port_made_by_an_attempt_whose_answer_was_lost_exists() {
    let ironic = StandIn::new(|_, nth| if nth == 0 { Reply::Leave } else { fault(409) });
    let address = "52:54:00:ab:00:01".parse().unwrap();
    let port = NewPort::new(NODE, address);
    assert_eq!(ironic.client().create_port(&port).await, Ok(PortMade::Exists));
    assert_eq!(ironic.asked().len(), 2);
}

#[actix_rt::test]
async fn a_port_that_is_gone_is_removed() {
    let ironic = StandIn::new(|_, nth| fault(if nth == 0 { 400 } else { 404 }));
    assert_eq!(ironic.client().delete_port(PORT).await, Ok(()));
    assert_eq!(ironic.asked().len(), 2);
}

#[actix_rt::test]
async fn a_patch_whose_answer_was_lost_is_a_success() {
    let ironic = StandIn::new(|asked, nth| match (&asked.line[..3], nth) {
        ("GET", _) => ok(json!({"uuid": NODE, "extra": {}})),
        (_, 0) => Reply::Leave,
        _ if asked.body.to_string().contains("remove") => fault(400),
        _ => a_node(),
    });
    let remove = PatchOp::Remove { path: "/extra/a".to_owned() };
    let add = PatchOp::Add { path: "/extra/b".to_owned(), value: json!(1) };
    assert_eq!(ironic.client().patch_node(NODE, &[remove, add], false).await, Ok(()));
    assert_eq!(ironic.asked().last().unwrap().body, json!([{"op": "add", "path": "/extra/b", "value": 1}]));
}

#[actix_rt::test]
async fn a_refused_patch_stays_refused() {
    let ironic = StandIn::new(|_, _| fault(400));
    let remove = PatchOp::Remove { path: "/extra/a".to_owned() };
    assert_eq!(ironic.client().patch_port(PORT, &[remove]).await.unwrap_err().kind, FailureKind::Refused);
    assert_eq!(ironic.asked().len(), 1);
}

#[actix_rt::test]
async fn an_attempt_has_a_deadline() {
    let ironic =
        StandIn::new(|_, nth| if nth == 0 { Reply::Hang(Duration::from_secs(20)) } else { a_node() });
    let client = ironic.client_with(ironic.config(), Duration::from_millis(200));
    let began = Instant::now();
    assert!(client.node("n").await.is_ok());
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(ironic.asked().len(), 2);
}

#[actix_rt::test]
async fn a_connection_that_the_server_closed_does_no_harm() {
    let ironic = StandIn::new(|_, _| Reply::AnswerAndLeave(202, Value::Null));
    let client = ironic.client();
    for _ in 0..5 {
        client.patch_node(NODE, &[], false).await.unwrap();
    }
}

#[actix_rt::test]
async fn nothing_listens_there() {
    let config =
        config::Ironic { endpoint_override: Some("http://127.0.0.1:1".to_owned()), ..Default::default() };
    let mut shared = Shared::build(&config, 1).unwrap();
    shared.policy.pause = Duration::from_millis(1);
    let error = Ironic::new(Arc::new(shared)).node("n").await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Unreachable);
    assert!(error.text.starts_with("Unable to reach Ironic: "), "{error}");
}

#[actix_rt::test]
async fn the_version_is_agreed_upon_once() {
    let ironic = StandIn::new(|_, _| accepted());
    let client = ironic.client();
    let calls = (0..20).map(|_| client.set_power(NODE, PowerTarget::Off));
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(ironic.all().len(), 21);
}

#[actix_rt::test]
async fn a_failed_agreement_is_tried_again() {
    let ironic = StandIn::with_versions(|asked, nth| match asked.line.as_str() {
        "GET /v1/" => [Reply::Leave, fault(503), speaks("1.72")][nth.min(2)].clone(),
        _ => a_node(),
    });
    assert!(ironic.client().node("n").await.is_ok());
    assert_eq!(ironic.asked()[0].header("x-openstack-ironic-api-version"), Some("1.72"));
}

#[actix_rt::test]
async fn a_wrong_address_is_not_taken_for_a_missing_node() {
    let ironic = StandIn::with_versions(|_, _| fault(404));
    let error = ironic.client().node("n").await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Failed);
}

#[actix_rt::test]
async fn a_downgraded_server_is_asked_for_its_version_once_more() {
    let ironic = StandIn::with_versions(|asked, nth| match asked.line.as_str() {
        "GET /v1/" => speaks(if nth == 0 { "1.109" } else { "1.72" }),
        _ if asked.header("x-openstack-ironic-api-version") == Some("1.72") => a_node(),
        _ => fault(406),
    });
    let client = ironic.client();
    assert!(client.node("n").await.is_ok());
    assert!(client.node("n").await.is_ok());
    assert_eq!((ironic.all().len(), ironic.asked().len()), (5, 3));
}

#[actix_rt::test]
async fn a_refusal_that_is_not_about_the_version_is_reported() {
    let ironic = StandIn::new(|_, _| fault(406));
    assert_eq!(ironic.client().node("n").await.unwrap_err().text, "fault 406");
    assert_eq!((ironic.all().len(), ironic.asked().len()), (3, 1));
}

#[actix_rt::test]
async fn waiting_for_another_attempt_holds_no_permit() {
    let ironic = StandIn::new(|asked, _| if asked.line.contains("locked") { fault(409) } else { a_node() });
    let mut shared = Shared::build(&ironic.config(), 1).unwrap();
    shared.policy.busy_pause = Duration::from_secs(60);
    let client = Ironic::new(Arc::new(shared));
    tokio::select! {
        _ = client.node("locked") => panic!("it is locked"),
        () = async {
            while ironic.asked().is_empty() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            assert!(client.node("free").await.is_ok());
        } => {}
    }
}
