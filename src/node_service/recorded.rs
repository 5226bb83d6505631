//! A node service that notes which calls were made, how they ended and how long they took.

use std::cell::RefCell;
use std::time::Instant;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    NewNode, NewPort, Node, NodeService, PatchOp, Persistence, Port, PortMade, PortOwner, PowerTarget,
    ServiceResult, Validation,
};
use crate::mac::Mac;

/// A call of the node service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Which.
    pub name: String,
    /// `ok`, or the failure.
    pub outcome: String,
    /// How long, all attempts included.
    pub took_ms: i64,
}

/// Notes the calls of one operation.
pub struct Recorded<'a> {
    service: &'a dyn NodeService,
    calls: RefCell<Vec<Call>>,
}

impl<'a> Recorded<'a> {
    /// Notes calls of this service.
    pub fn new(service: &'a dyn NodeService) -> Self {
        Self { service, calls: RefCell::default() }
    }

    /// What was noted.
    pub fn into_calls(self) -> Vec<Call> {
        self.calls.into_inner()
    }

    async fn note<T>(&self, name: &str, call: impl Future<Output = ServiceResult<T>>) -> ServiceResult<T> {
        let began = Instant::now();
        let outcome = call.await;
        let text = outcome.as_ref().map_or_else(|error| error.text.clone(), |_| "ok".to_owned());
        let took_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.calls.borrow_mut().push(Call { name: name.to_owned(), outcome: text, took_ms });
        outcome
    }
}

#[async_trait(?Send)]
impl NodeService for Recorded<'_> {
    async fn node(&self, ident: &str) -> ServiceResult<Node> {
        self.note("get node", self.service.node(ident)).await
    }

    async fn list_uuids(&self, sink: &mut dyn FnMut(Uuid)) -> ServiceResult<()> {
        self.note("list nodes", self.service.list_uuids(sink)).await
    }

    async fn list_driver_infos(&self, sink: &mut dyn FnMut(Node)) -> ServiceResult<()> {
        self.note("list driver infos", self.service.list_driver_infos(sink)).await
    }

    async fn list_nodes(&self, sink: &mut dyn FnMut(Node)) -> ServiceResult<()> {
        self.note("list nodes with their properties", self.service.list_nodes(sink)).await
    }

    async fn create_node(&self, node: &NewNode) -> ServiceResult<Node> {
        self.note("create node", self.service.create_node(node)).await
    }

    async fn ports_with_address(&self, address: &Mac) -> ServiceResult<Vec<PortOwner>> {
        self.note("find ports", self.service.ports_with_address(address)).await
    }

    async fn ports(&self, node: Uuid) -> ServiceResult<Vec<Port>> {
        self.note("list ports", self.service.ports(node)).await
    }

    async fn validate_power(&self, node: Uuid) -> ServiceResult<Validation> {
        self.note("validate power", self.service.validate_power(node)).await
    }

    async fn set_boot_device_pxe(&self, node: Uuid, persistence: Persistence) -> ServiceResult<()> {
        self.note("set boot device", self.service.set_boot_device_pxe(node, persistence)).await
    }

    async fn set_power(&self, node: Uuid, target: PowerTarget) -> ServiceResult<()> {
        self.note(target.name(), self.service.set_power(node, target)).await
    }

    async fn power_state(&self, node: Uuid) -> ServiceResult<Option<String>> {
        self.note("get power state", self.service.power_state(node)).await
    }

    async fn patch_node(&self, node: Uuid, patch: &[PatchOp], reset_interfaces: bool) -> ServiceResult<()> {
        self.note("patch node", self.service.patch_node(node, patch, reset_interfaces)).await
    }

    async fn create_port(&self, port: &NewPort) -> ServiceResult<PortMade> {
        self.note("create port", self.service.create_port(port)).await
    }

    async fn patch_port(&self, port: Uuid, patch: &[PatchOp]) -> ServiceResult<()> {
        self.note("patch port", self.service.patch_port(port, patch)).await
    }

    async fn delete_port(&self, port: Uuid) -> ServiceResult<()> {
        self.note("delete port", self.service.delete_port(port)).await
    }

    async fn set_traits(&self, node: Uuid, traits: &[String]) -> ServiceResult<()> {
        self.note("set traits", self.service.set_traits(node, traits)).await
    }
}
