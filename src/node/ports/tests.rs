//! Ports against a node service that refuses what the test says.

use std::cell::RefCell;

use async_trait::async_trait;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::mac::Mac;
use crate::node_service::{
    NewNode, Node, PatchOp, Persistence, Port, PortOwner, PowerTarget, ServiceError, Validation,
};
use crate::processing::change::{Change, PatchPart};

/// Takes ports and patches unless their JSON holds this text.
struct Choosy {
    refuses: &'static str,
    kind: FailureKind,
    seen: RefCell<Vec<String>>,
}

impl Choosy {
    fn new(refuses: &'static str) -> Self {
        Self { refuses, kind: FailureKind::Refused, seen: RefCell::default() }
    }

    fn answer<T>(&self, sent: &impl serde::Serialize, good: T) -> ServiceResult<T> {
        let text = serde_json::to_string(sent).unwrap();
        let refused = text.contains(self.refuses);
        self.seen.borrow_mut().push(text);
        if refused { Err(ServiceError::new(self.kind, "not like this")) } else { Ok(good) }
    }

    fn calls(&self) -> usize {
        self.seen.borrow().len()
    }
}

#[async_trait(?Send)]
impl NodeService for Choosy {
    async fn create_port(&self, port: &NewPort) -> ServiceResult<PortMade> {
        self.answer(port, PortMade::Made)
    }

    async fn patch_port(&self, _: Uuid, patch: &[PatchOp]) -> ServiceResult<()> {
        self.answer(&patch, ())
    }

    async fn node(&self, _: &str) -> ServiceResult<Node> {
        unreachable!()
    }

    async fn list_uuids(&self, _: &mut dyn FnMut(Uuid)) -> ServiceResult<()> {
        unreachable!()
    }

    async fn list_driver_infos(&self, _: &mut dyn FnMut(Node)) -> ServiceResult<()> {
        unreachable!()
    }

    async fn list_nodes(&self, _: &mut dyn FnMut(Node)) -> ServiceResult<()> {
        unreachable!()
    }

    async fn create_node(&self, _: &NewNode) -> ServiceResult<Node> {
        unreachable!()
    }

    async fn ports_with_address(&self, _: &Mac) -> ServiceResult<Vec<PortOwner>> {
        unreachable!()
    }

    async fn ports(&self, _: Uuid) -> ServiceResult<Vec<Port>> {
        unreachable!()
    }

    async fn validate_power(&self, _: Uuid) -> ServiceResult<Validation> {
        unreachable!()
    }

    async fn set_boot_device_pxe(&self, _: Uuid, _: Persistence) -> ServiceResult<()> {
        unreachable!()
    }

    async fn set_power(&self, _: Uuid, _: PowerTarget) -> ServiceResult<()> {
        unreachable!()
    }

    async fn power_state(&self, _: Uuid) -> ServiceResult<Option<String>> {
        unreachable!()
    }

    async fn patch_node(&self, _: Uuid, _: &[PatchOp], _: bool) -> ServiceResult<()> {
        unreachable!()
    }

    async fn delete_port(&self, _: Uuid) -> ServiceResult<()> {
        unreachable!()
    }

    async fn set_traits(&self, _: Uuid, _: &[String]) -> ServiceResult<()> {
        unreachable!()
    }
}

fn plugged() -> NewPort {
    let link = json!({"switch_id": "a8:3f:a1:c4:0e:20", "port_id": "Ethernet21"});
    NewPort {
        local_link_connection: link.as_object().unwrap().clone(),
        physical_network: Some("net".to_owned()),
        ..NewPort::new(Uuid::nil(), "52:54:00:ab:00:01".parse().unwrap())
    }
}

fn part(path: &str, refusal: Refusal) -> PatchPart {
    PatchPart { ops: vec![PatchOp::Add { path: path.to_owned(), value: json!(1) }], refusal }
}

fn changed(parts: Vec<PatchPart>) -> PortPatch {
    let mut change = Change::default();
    for part in parts {
        change.patch_port(Uuid::nil(), part.ops, part.refusal);
    }
    change.port_patches.remove(0)
}

#[actix_rt::test]
async fn a_new_port_that_is_taken_costs_one_call() {
    let service = Choosy::new("nothing");
    create(&service, &plugged()).await.unwrap();
    assert_eq!(service.calls(), 1);
}

#[actix_rt::test]
async fn a_refused_link_is_left_out_of_a_new_port() {
    let service = Choosy::new("switch_id");
    create(&service, &plugged()).await.unwrap();
    assert_eq!(service.calls(), 2);
    assert!(service.seen.borrow()[1].contains("physical_network"));
}

#[actix_rt::test]
async fn a_refused_network_is_left_out_too() {
    let service = Choosy::new("physical_network");
    create(&service, &plugged()).await.unwrap();
    assert_eq!(service.calls(), 3);
    let without_link = NewPort { local_link_connection: Object::new(), ..plugged() };
    create(&service, &without_link).await.unwrap();
    assert_eq!(service.calls(), 5);
}

#[actix_rt::test]
async fn a_new_port_that_is_refused_for_itself_is_a_failure() {
    let service = Choosy::new("address");
    assert!(create(&service, &plugged()).await.is_err());
    assert_eq!(service.calls(), 3);
    let service = Choosy { kind: FailureKind::Unreachable, ..Choosy::new("switch_id") };
    assert!(create(&service, &plugged()).await.is_err());
    assert_eq!(service.calls(), 1);
}

#[actix_rt::test]
async fn only_the_refused_part_of_a_patch_is_lost() {
    let parts = vec![
        part("/pxe_enabled", Refusal::Fatal),
        part("/local_link_connection/port_id", Refusal::Tolerated),
        part("/physical_network", Refusal::Tolerated),
    ];
    let service = Choosy::new("port_id");
    patch(&service, &changed(parts.clone())).await.unwrap();
    assert_eq!(service.calls(), 4);
    let service = Choosy::new("nothing");
    patch(&service, &changed(parts.clone())).await.unwrap();
    assert_eq!(service.calls(), 1);
    let service = Choosy::new("pxe_enabled");
    assert!(patch(&service, &changed(parts)).await.is_err());
}

#[actix_rt::test]
async fn a_lone_part_is_sent_once() {
    let service = Choosy::new("port_id");
    patch(&service, &changed(vec![part("/port_id", Refusal::Tolerated)])).await.unwrap();
    assert!(patch(&service, &changed(vec![part("/port_id", Refusal::Fatal)])).await.is_err());
    assert_eq!(service.calls(), 2);
}

#[actix_rt::test]
async fn other_failures_than_refusals_are_never_tolerated() {
    let service = Choosy { kind: FailureKind::Failed, ..Choosy::new("port_id") };
    assert!(patch(&service, &changed(vec![part("/port_id", Refusal::Tolerated)])).await.is_err());
}
