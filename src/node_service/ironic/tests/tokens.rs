//! Tokens and the service catalogue in calls of Ironic.

use std::time::Duration;

use serde_json::{Value, json};

use super::NODE;
use super::standin::{Asked, Reply, StandIn, fault, ok};
use crate::config;
use crate::node_service::{FailureKind, NodeService as _, PowerTarget};
use crate::openstack::fake;
use crate::standin;

/// A Keystone whose catalogue has Ironic at this URL, and which gives out `own-0`, `own-1`, ...
fn keystone(ironic: String) -> standin::StandIn {
    standin::StandIn::new(move |_, nth| {
        let endpoint = json!({"interface": "internal", "region_id": "R1", "region": "R1", "url": ironic});
        let more = json!({"catalog": [{"type": "baremetal", "name": "ironic", "endpoints": [endpoint]}]});
        fake::issued(&format!("own-{nth}"), fake::document("rollcall", &["service"], 3600, &more))
    })
}

/// An Ironic that takes only these tokens.
fn ironic(good: &'static [&'static str]) -> StandIn {
    StandIn::new(move |asked, _| {
        let is_good = asked.header("x-auth-token").is_some_and(|token| good.contains(&token));
        if is_good { ok(Value::Null) } else { fault(401) }
    })
}

fn by_catalogue(keystone: &standin::StandIn) -> config::Ironic {
    config::Ironic { auth: fake::auth(&keystone.url()), ..config::Ironic::default() }
}

fn tokens(asked: &[Asked]) -> Vec<Option<&str>> {
    asked.iter().map(|asked| asked.header("x-auth-token")).collect()
}

#[actix_rt::test]
async fn ironic_is_found_by_the_catalogue_and_gets_our_token() {
    let ironic = ironic(&["own-0"]);
    let keystone = keystone(format!("{}/v1", ironic.url()));
    let client = ironic.client_with(by_catalogue(&keystone), Duration::from_secs(10));
    client.set_power(NODE, PowerTarget::Off).await.unwrap();
    client.set_power(NODE, PowerTarget::Off).await.unwrap();
    assert_eq!(tokens(&ironic.asked()), [Some("own-0"), Some("own-0")]);
    assert_eq!(keystone.all().len(), 1);
}

#[actix_rt::test]
async fn a_token_that_ironic_does_not_take_is_replaced_once() {
    let ironic = ironic(&["own-1"]);
    let keystone = keystone(ironic.url());
    let config = config::Ironic { auth: fake::auth(&keystone.url()), ..ironic.config() };
    let client = ironic.client_with(config, Duration::from_secs(10));
    client.set_power(NODE, PowerTarget::Off).await.unwrap();
    assert_eq!(tokens(&ironic.asked()), [Some("own-0"), Some("own-1")]);
    assert_eq!(keystone.all().len(), 2);
}

#[actix_rt::test]
async fn a_401_that_stays_is_the_end_of_an_ordinary_call() {
    let ironic = ironic(&[]);
    let keystone = keystone(ironic.url());
    let client = ironic.client_with(by_catalogue(&keystone), Duration::from_secs(10));
    assert_eq!(client.node("x").await.unwrap_err().kind, FailureKind::Refused);
    assert_eq!(tokens(&ironic.asked()), [Some("own-0"), Some("own-1")]);
}

#[actix_rt::test]
async fn without_a_token_nothing_is_sent_and_it_is_no_fault_of_the_caller() {
    let ironic = ironic(&["own-0"]);
    let refusing = standin::StandIn::new(|_, _| fake::refused(401));
    let client = ironic.client_with(by_catalogue(&refusing), Duration::from_secs(10));
    let error = client.node("x").await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Failed);
    assert_eq!(error.text, "Keystone gives us no token: status 401: Keystone says no.");
    let away = standin::StandIn::new(|_, _| Reply::Leave);
    let client = ironic.client_with(by_catalogue(&away), Duration::from_secs(10));
    assert_eq!(client.node("x").await.unwrap_err().kind, FailureKind::Unreachable);
    // It was tried as often as Ironic itself would have been.
    assert_eq!((away.all().len(), refusing.all().len(), ironic.all().len()), (5, 1, 0));
}

#[actix_rt::test]
async fn a_catalogue_without_ironic_is_told() {
    let ironic = ironic(&["own-0"]);
    let keystone = keystone(ironic.url());
    let config = config::Ironic { service_type: "metal".to_owned(), ..by_catalogue(&keystone) };
    let error = ironic.client_with(config, Duration::from_secs(10)).node("x").await.unwrap_err();
    assert_eq!(error.text, "The service catalogue has no internal or public endpoint of metal");
}
