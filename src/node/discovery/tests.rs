//! The hook and the search for nodes in use, against our own registry.

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::clock::Timestamp;
use crate::error::Kind;
use crate::mac::Mac;
use crate::node_service::local::Local;
use crate::node_service::local::register::{Register, Registration};
use crate::node_service::{NewPort, NodeService, PatchOp};
use crate::store::{DatabaseUrl, Store};

const NODE: Uuid = Uuid::from_u128(1);

/// A registry with one node that has a port and a BMC.
async fn registry() -> (tempfile::TempDir, Local) {
    registry_with("https://192.0.2.1/redfish").await
}

/// A registry with one node that has a port and a BMC at this URL.
async fn registry_with(bmc: &str) -> (tempfile::TempDir, Local) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&DatabaseUrl::Sqlite(folder.path().join("test.sqlite")), 2).unwrap();
    let known = Registration {
        macs: vec![mac(1)],
        driver_info: json!({ "redfish_address": bmc }).as_object().cloned().unwrap(),
        ..Registration::new(NODE)
    };
    store.write(Register([known].into())).await.unwrap().unwrap();
    (folder, Local::new(store))
}

fn mac(number: u8) -> Mac {
    format!("52:54:00:00:00:{number:02x}").parse().unwrap()
}

fn machine(macs: &[u8], bmc: &[&str]) -> Identity {
    Identity {
        bmc_addresses: bmc.iter().map(|text| text.parse().unwrap()).collect(),
        macs: macs.iter().map(|number| mac(*number)).collect(),
    }
}

fn fields() -> Vec<String> {
    vec!["redfish_address".to_owned()]
}

fn discovery(change: impl FnOnce(&mut Config)) -> Discovery {
    let mut config = Config::default();
    config.processing.node_not_found_hook = Some(NotFoundHook::Enroll);
    change(&mut config);
    Discovery::from_config(&config)
}

async fn enrolled(discovery: &Discovery, local: &Local, identity: &Identity) -> Result<Object, Miss> {
    let made = enroll(discovery, local, identity, &fields(), Timestamp(0)).await;
    made.map(|node| node.document)
}

fn refusal(outcome: Result<Object, Miss>) -> String {
    match outcome {
        Err(Miss::Refused(line)) => line,
        other => panic!("{other:?} is no refusal"),
    }
}

#[actix_rt::test]
async fn a_machine_that_nobody_knows_becomes_a_node_in_enroll() {
    let (_folder, local) = registry().await;
    let discovery = discovery(|config| {
        config.discovery.enroll_node_fields.insert("resource_class".to_owned(), "baremetal".to_owned());
    });
    let node = enrolled(&discovery, &local, &machine(&[7], &["192.0.2.7", "2001:db8::7"])).await.unwrap();
    assert_eq!(node["provision_state"], "enroll");
    assert_eq!(node["driver"], "fake-hardware");
    assert_eq!(node["resource_class"], "baremetal");
    assert_eq!(node["driver_info"], json!({"ipmi_address": "192.0.2.7"}));
}

#[actix_rt::test]
async fn the_bmc_address_goes_where_the_driver_wants_it() {
    let (_folder, local) = registry().await;
    let discovery = discovery(|config| {
        let members = &mut config.discovery.bmc_address_members;
        members.insert("redfish".to_owned(), "redfish_address".to_owned());
        config.discovery.enroll_node_driver = "redfish".to_owned();
        config.discovery.enabled_bmc_address_version = vec!["6".to_owned(), "4".to_owned()];
    });
    let node = enrolled(&discovery, &local, &machine(&[7], &["192.0.2.7", "2001:db8::7"])).await.unwrap();
    assert_eq!(node["driver_info"], json!({"redfish_address": "https://[2001:db8::7]"}));
    let node = enrolled(&discovery, &local, &machine(&[8], &["192.0.2.8"])).await.unwrap();
    assert_eq!(node["driver_info"], json!({"redfish_address": "https://192.0.2.8"}));
}

#[actix_rt::test]
async fn a_known_address_makes_no_second_node() {
    let (_folder, local) = registry().await;
    let discovery = discovery(|_| {});
    let line = refusal(enrolled(&discovery, &local, &machine(&[7, 1], &[])).await);
    let port = local.ports(NODE).await.unwrap().remove(0).uuid;
    assert_eq!(line, format!("Node not found hook failed: Port {} already exists, uuid: {port}", mac(1)));
    let line = refusal(enrolled(&discovery, &local, &machine(&[7], &["192.0.2.1"])).await);
    assert_eq!(line, format!("Node not found hook failed: Node {NODE} already has BMC address 192.0.2.1"));
    assert!(refusal(enrolled(&discovery, &local, &machine(&[], &[])).await).contains("neither"));
}

#[actix_rt::test]
async fn the_name_of_a_bmc_that_was_resolved_a_moment_ago_is_not_resolved_again() {
    let (_folder, local) = registry_with("https://bmc.invalid/redfish").await;
    let discovery = discovery(|_| {});
    let address = "192.0.2.1".parse().unwrap();
    discovery.names.addresses("bmc.invalid", async |_| vec![address]).await;
    let line = refusal(enrolled(&discovery, &local, &machine(&[7], &["192.0.2.1"])).await);
    assert_eq!(line, format!("Node not found hook failed: Node {NODE} already has BMC address 192.0.2.1"));
}

#[actix_rt::test]
async fn beyond_the_cap_machines_are_told_to_come_later() {
    let (_folder, local) = registry().await;
    let discovery = discovery(|config| config.discovery.max_per_hour = 1);
    assert!(enrolled(&discovery, &local, &machine(&[7], &[])).await.is_ok());
    match enrolled(&discovery, &local, &machine(&[8], &[])).await {
        Err(Miss::Later(error)) => assert_eq!(error.kind, Kind::Unavailable),
        other => panic!("{other:?}"),
    }
}

#[actix_rt::test]
async fn the_example_makes_no_node() {
    let (_folder, local) = registry().await;
    let discovery = discovery(|config| config.processing.node_not_found_hook = Some(NotFoundHook::Example));
    let line = refusal(enrolled(&discovery, &local, &machine(&[7], &["192.0.2.7"])).await);
    assert_eq!(line, "Node not found hook returned nothing");
    assert_eq!(local.ports_with_address(&mac(7)).await.unwrap(), []);
}

#[actix_rt::test]
async fn however_many_machines_come_at_once_no_more_become_nodes_than_may_in_an_hour() {
    let (_folder, local) = registry().await;
    let discovery = discovery(|config| config.discovery.max_per_hour = 5);
    let posts: Vec<Identity> = (10..60).map(|number| machine(&[number], &[])).collect();
    let made =
        futures_util::future::join_all(posts.iter().map(|post| enrolled(&discovery, &local, post))).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 5);
    assert!(made.iter().all(|made| matches!(made, Ok(_) | Err(Miss::Later(_)))));
    let mut there = 0;
    local.list_uuids(&mut |_| there += 1).await.unwrap();
    assert_eq!(there, 6, "and the one that was there");
}

#[actix_rt::test]
async fn parallel_posts_of_one_machine_make_one_node() {
    let (_folder, local) = registry().await;
    let discovery = discovery(|_| {});
    let machine = machine(&[7, 8], &["192.0.2.7"]);
    let post = || async {
        let claim = discovery.claims.claim(vec![mac(7).to_string()]).await;
        let made = enrolled(&discovery, &local, &machine).await;
        drop(claim);
        made.is_ok()
    };
    let made = futures_util::future::join_all((0..8).map(|_| post())).await;
    assert_eq!(made.into_iter().filter(|made| *made).count(), 1);
}

#[test]
fn junk_values_tell_nothing() {
    let discovery = discovery(|config| config.processing.ignored_lookup_values.push("192.0.2.9".to_owned()));
    let mut posted = machine(&[7], &["192.0.2.9", "192.0.2.7"]);
    posted.macs.extend(["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"].map(|text| text.parse().unwrap()));
    assert_eq!(discovery.telling(posted), machine(&[7], &["192.0.2.7"]));
}

#[actix_rt::test]
async fn a_node_in_use_is_found_by_mac_or_bmc_and_no_other() {
    let (_folder, local) = registry().await;
    let found = |macs: &'static [u8], bmc: &'static [&'static str]| {
        let local = &local;
        async move { find_in_use(&discovery(|_| {}), local, &machine(macs, bmc), &fields()).await }
    };
    let error = found(&[1], &[]).await.unwrap_err();
    assert_eq!(error.text, format!("Node {NODE} is not active, its provision state is manageable"));
    let active = PatchOp::Add { path: "/provision_state".to_owned(), value: json!("active") };
    if local.patch_node(NODE, &[active], false).await.is_err() {
        return;
    }
    assert_eq!(found(&[1], &[]).await.unwrap().unwrap().uuid, NODE);
    assert_eq!(found(&[7], &["192.0.2.1"]).await.unwrap().unwrap().uuid, NODE);
    assert_eq!(found(&[7], &["192.0.2.7"]).await, Ok(None));
}

#[actix_rt::test]
async fn contradictions_are_refused_and_name_the_nodes() {
    let (_folder, local) = registry().await;
    let discovery = discovery(|_| {});
    let other =
        enroll(&discovery, &local, &machine(&[], &["192.0.2.7"]), &fields(), Timestamp(0)).await.unwrap();
    local.create_port(&NewPort::new(other.uuid, mac(7))).await.unwrap();
    let text = |identity: Identity| {
        let (discovery, local) = (&discovery, &local);
        async move { find_in_use(discovery, local, &identity, &fields()).await.unwrap_err().text }
    };
    let (low, high) = (NODE.min(other.uuid), NODE.max(other.uuid));
    assert_eq!(
        text(machine(&[1, 7], &[])).await,
        format!("MAC addresses {}, {} correspond to more than one node: {low}, {high}", mac(1), mac(7))
    );
    assert_eq!(
        text(machine(&[], &["192.0.2.1", "192.0.2.7"])).await,
        format!("BMC addresses 192.0.2.1, 192.0.2.7 correspond to more than one node: {low}, {high}")
    );
    assert_eq!(
        text(machine(&[1], &["192.0.2.7"])).await,
        format!(
            "MAC addresses {} and BMC addresses 192.0.2.7 correspond to different nodes: {NODE} and {}",
            mac(1),
            other.uuid
        )
    );
}
