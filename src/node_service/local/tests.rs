//! Each method of the registry, on a database of its own.

use serde_json::json;

use super::register::{Register, Registration};
use super::*;
use crate::mac::Mac;
use crate::node_service::Object;
use crate::store::DatabaseUrl;

const OTHER: Uuid = Uuid::from_u128(2);
const NODE: Uuid = Uuid::from_u128(1);

/// A registry with two nodes; the folder lives as long as it.
async fn registry() -> (tempfile::TempDir, Local) {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(folder.path().join("test.sqlite"));
    let store = Store::open(&url, 2).unwrap();
    let one = Registration {
        name: Some("one".to_owned()),
        macs: vec![mac(1), mac(2)],
        driver_info: object(json!({"ipmi_address": "192.0.2.1"})),
        ..Registration::new(NODE)
    };
    let two = Registration { macs: vec![mac(9)], ..Registration::new(OTHER) };
    store.write(Register([one, two].into())).await.unwrap().unwrap();
    (folder, Local::new(store))
}

fn mac(number: u8) -> Mac {
    format!("52:54:00:00:00:{number:02x}").parse().unwrap()
}

fn object(value: Value) -> Object {
    resources::object(value)
}

fn new_port(node_uuid: Uuid, address: Mac) -> NewPort {
    NewPort {
        extra: object(json!({"client-id": "ff"})),
        pxe_enabled: false,
        ..NewPort::new(node_uuid, address)
    }
}

fn add(path: &str, value: Value) -> PatchOp {
    PatchOp::Add { path: path.to_owned(), value }
}

fn kind<T: std::fmt::Debug>(result: ServiceResult<T>) -> FailureKind {
    result.unwrap_err().kind
}

#[actix_rt::test]
async fn a_node_is_found_by_uuid_in_any_notation_and_by_name() {
    let (_folder, local) = registry().await;
    for ident in [NODE.to_string(), NODE.simple().to_string().to_uppercase(), "one".to_owned()] {
        assert_eq!(local.node(&ident).await.unwrap().uuid, NODE, "{ident}");
    }
    let node = local.node("one").await.unwrap();
    assert_eq!(node.provision_state(), "manageable");
    assert_eq!((node.text("driver"), node.text("power_state")), (Some("fake-hardware"), Some("power off")));
    assert_eq!(node.object("driver_info").unwrap().get("ipmi_address"), Some(&json!("192.0.2.1")));
    assert_eq!(kind(local.node("two").await), FailureKind::NotFound);
}

#[actix_rt::test]
async fn all_uuids_are_listed_over_more_than_one_page() {
    let (_folder, local) = registry().await;
    let many: Vec<Registration> = (10..1510).map(|n| Registration::new(Uuid::from_u128(n))).collect();
    local.store.write(Register(many.into())).await.unwrap().unwrap();
    let mut listed = Vec::new();
    local.list_uuids(&mut |uuid| listed.push(uuid)).await.unwrap();
    assert_eq!(listed.len(), 1502);
    assert!(listed.is_sorted());
}

#[actix_rt::test]
async fn the_power_follows_what_is_asked() {
    let (_folder, local) = registry().await;
    assert_eq!(local.validate_power(NODE).await, Ok(Validation::Passed));
    local.set_power(NODE, PowerTarget::Reboot).await.unwrap();
    assert_eq!(local.power_state(NODE).await.unwrap().as_deref(), Some("power on"));
    local.set_power(NODE, PowerTarget::Off).await.unwrap();
    assert_eq!(local.power_state(NODE).await.unwrap().as_deref(), Some("power off"));
}

#[actix_rt::test]
async fn boot_device_and_traits_are_kept_in_the_node() {
    let (_folder, local) = registry().await;
    local.set_boot_device_pxe(NODE, Persistence::Always).await.unwrap();
    local.set_traits(NODE, &["CUSTOM_A".to_owned()]).await.unwrap();
    let node = local.node("one").await.unwrap();
    assert_eq!(node.object("boot_device"), Some(&object(json!({"boot_device": "pxe", "persistent": true}))));
    assert_eq!(node.document.get("traits"), Some(&json!(["CUSTOM_A"])));
}

#[actix_rt::test]
async fn a_patch_of_a_node_changes_documents_and_columns() {
    let (_folder, local) = registry().await;
    let patch = [
        add("/properties/cpus", json!("8")),
        add("/name", json!("uno")),
        PatchOp::Remove { path: "/extra/never".to_owned() },
    ];
    local.patch_node(NODE, &patch, false).await.unwrap();
    let node = local.node("uno").await.unwrap();
    assert_eq!((node.uuid, node.property("cpus")), (NODE, Some(&json!("8"))));
    assert_eq!(kind(local.node("one").await), FailureKind::NotFound);
}

#[actix_rt::test]
async fn a_refused_patch_changes_nothing() {
    let (_folder, local) = registry().await;
    let good = add("/properties/cpus", json!("8"));
    for (bad, wanted) in [
        (add("/uuid", json!(OTHER)), FailureKind::Refused),
        (add("/name", json!("no name")), FailureKind::Refused),
        (add("/name", json!(5)), FailureKind::Refused),
        (add("/properties/a/b", json!(1)), FailureKind::Refused),
    ] {
        assert_eq!(kind(local.patch_node(NODE, &[good.clone(), bad], false).await), wanted);
    }
    let error = local.patch_node(OTHER, &[good, add("/name", json!("one"))], false).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Conflict);
    assert!(error.text.contains(&NODE.to_string()), "{error}");
    assert_eq!(local.node("one").await.unwrap().property("cpus"), None);
}

#[actix_rt::test]
async fn another_driver_resets_the_interfaces_where_asked() {
    let (_folder, local) = registry().await;
    local.patch_node(NODE, &[add("/power_interface", json!("a"))], true).await.unwrap();
    assert_eq!(local.node("one").await.unwrap().text("power_interface"), Some("a"));
    local.patch_node(NODE, &[add("/driver", json!("other"))], true).await.unwrap();
    assert_eq!(local.node("one").await.unwrap().text("power_interface"), None);
}

#[actix_rt::test]
async fn patches_at_the_same_time_are_all_kept() {
    let (_folder, local) = registry().await;
    let one = |n: i32| {
        let local = local.clone();
        async move { local.patch_node(NODE, &[add(&format!("/extra/k{n}"), json!(n))], false).await }
    };
    let all = futures_util::future::join_all((0..40).map(one)).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(local.node("one").await.unwrap().object("extra").unwrap().len(), 40);
}

#[actix_rt::test]
async fn an_address_has_one_port_in_the_whole_registry() {
    let (_folder, local) = registry().await;
    assert_eq!(local.create_port(&new_port(NODE, mac(3))).await, Ok(PortMade::Made));
    assert_eq!(local.create_port(&new_port(OTHER, mac(3))).await, Ok(PortMade::Exists));
    assert_eq!(kind(local.create_port(&new_port(Uuid::nil(), mac(4))).await), FailureKind::NotFound);
    let ports = local.ports(NODE).await.unwrap();
    assert_eq!(ports.iter().map(|port| port.address.clone()).collect::<Vec<_>>(), [mac(1), mac(2), mac(3)]);
    let made = ports.last().unwrap();
    assert!(!made.pxe_enabled);
    assert_eq!(made.document.get("extra"), Some(&json!({"client-id": "ff"})));
    assert_eq!(made.document.get("node_uuid"), Some(&json!(NODE)));
}

#[actix_rt::test]
async fn a_port_is_patched_within_its_bounds() {
    let (_folder, local) = registry().await;
    let port = local.ports(NODE).await.unwrap().remove(0);
    let patch = [add("/pxe_enabled", json!(false)), add("/local_link_connection/port_id", json!("e1"))];
    local.patch_port(port.uuid, &patch).await.unwrap();
    let after = local.ports(NODE).await.unwrap().remove(0);
    assert!(!after.pxe_enabled);
    assert_eq!(after.document.get("local_link_connection"), Some(&json!({"port_id": "e1"})));
    for (path, value, wanted) in [
        ("/node_uuid", json!(OTHER), FailureKind::Refused),
        ("/address", json!("nonsense"), FailureKind::Refused),
        ("/address", json!("52:54:00:00:00:09"), FailureKind::Conflict),
        ("/pxe_enabled", json!("x"), FailureKind::Refused),
    ] {
        assert_eq!(kind(local.patch_port(port.uuid, &[add(path, value)]).await), wanted, "{path}");
    }
    assert_eq!(kind(local.patch_port(Uuid::nil(), &[]).await), FailureKind::NotFound);
}

#[actix_rt::test]
async fn a_port_may_be_deleted_twice() {
    let (_folder, local) = registry().await;
    let port = local.ports(NODE).await.unwrap().remove(0);
    local.delete_port(port.uuid).await.unwrap();
    local.delete_port(port.uuid).await.unwrap();
    assert_eq!(local.ports(NODE).await.unwrap().len(), 1);
}

#[actix_rt::test]
async fn calls_about_an_unknown_node_say_so() {
    let (_folder, local) = registry().await;
    let nobody = Uuid::nil();
    let kinds = [
        kind(local.validate_power(nobody).await),
        kind(local.power_state(nobody).await),
        kind(local.set_power(nobody, PowerTarget::Off).await),
        kind(local.set_boot_device_pxe(nobody, Persistence::Once).await),
        kind(local.set_traits(nobody, &[]).await),
        kind(local.patch_node(nobody, &[], false).await),
    ];
    assert_eq!(kinds, [FailureKind::NotFound; 6]);
    assert_eq!(local.ports(nobody).await, Ok(Vec::new()));
}

#[actix_rt::test]
async fn a_database_that_is_closed_is_a_failure_of_the_service() {
    let (_folder, local) = registry().await;
    local.store.close();
    assert_eq!(kind(local.set_power(NODE, PowerTarget::Off).await), FailureKind::Failed);
}
