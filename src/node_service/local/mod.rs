//! Our own registry of nodes and ports, for installations without Ironic.
//!
//! Power is pretended: the driver of every node is a fake one that does at once what it is asked. Invariant: what
//! is read to be changed is changed in the same writer job, so no update is lost, whoever else writes. It must not
//! know the state machine or the processing.

mod changes;
mod declared;
mod patches;
pub mod register;
pub mod resources;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;

use self::changes::{Delete, PatchNode, PatchPort, SetMember, SetPower};
use super::{
    FailureKind, NewNode, NewPort, Node, NodeService, PatchOp, Persistence, Port, PortMade, PortOwner,
    PowerTarget, ServiceError, ServiceResult, Validation,
};
use crate::cluster;
use crate::error::Error;
use crate::mac::Mac;
use crate::store::{Job, Session, Store};

/// UUIDs read at once by a listing.
const PAGE: i64 = 1000;

/// The registry, as seen by one thread.
#[derive(Clone)]
pub struct Local {
    store: Store,
}

impl Local {
    /// The registry in this database.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut dyn Session) -> crate::store::QueryResult<T> + Send + 'static,
    ) -> ServiceResult<T> {
        self.store.read(read).await.map_err(failed)
    }

    async fn write<T: Send + 'static>(&self, job: impl Job<Output = ServiceResult<T>>) -> ServiceResult<T> {
        if !cluster::may_write().await {
            return Err(ServiceError::new(FailureKind::Conflict, cluster::NOT_OURS));
        }
        self.store.write(job).await.map_err(failed)?
    }

    async fn must_exist(&self, node: Uuid) -> ServiceResult<()> {
        self.node(&node.to_string()).await.map(drop)
    }
}

fn failed(error: Error) -> ServiceError {
    if let Some(cause) = &error.cause {
        log::warn!("The registry could not be used error={cause}");
    }
    ServiceError::new(FailureKind::Failed, error.text)
}

fn no_node(ident: impl std::fmt::Display) -> ServiceError {
    ServiceError::new(FailureKind::NotFound, format!("Node {ident} could not be found."))
}

#[async_trait(?Send)]
impl NodeService for Local {
    async fn node(&self, ident: &str) -> ServiceResult<Node> {
        let wanted = ident.to_owned();
        if let Some(row) = self.read(move |session| session.registered_node(&wanted)).await? {
            return resources::node(&row);
        }
        let row = self.write(declared::RegisterDeclared { ident: ident.to_owned() }).await?;
        resources::node(&row.ok_or_else(|| no_node(ident))?)
    }

    async fn list_uuids(&self, sink: &mut dyn FnMut(Uuid)) -> ServiceResult<()> {
        let mut marker = None;
        loop {
            let page = self.read(move |session| session.registered_uuids(marker, PAGE)).await?;
            let Some(last) = page.last().copied() else { return Ok(()) };
            marker = Some(last);
            page.into_iter().for_each(&mut *sink);
        }
    }

    async fn list_driver_infos(&self, sink: &mut dyn FnMut(Node)) -> ServiceResult<()> {
        let mut marker = None;
        loop {
            let page = self.read(move |session| session.registered_nodes(marker, PAGE)).await?;
            let nodes = page.iter().map(resources::node).collect::<ServiceResult<Vec<Node>>>()?;
            let Some(last) = nodes.last() else { return Ok(()) };
            marker = Some(last.uuid);
            nodes.into_iter().for_each(&mut *sink);
        }
    }

    async fn list_nodes(&self, sink: &mut dyn FnMut(Node)) -> ServiceResult<()> {
        self.list_driver_infos(sink).await
    }

    async fn create_node(&self, node: &NewNode) -> ServiceResult<Node> {
        self.write(changes::MakeNode(node.clone())).await
    }

    async fn ports_with_address(&self, address: &Mac) -> ServiceResult<Vec<PortOwner>> {
        let wanted = address.to_string();
        let row = self.read(move |session| session.registered_port_at(&wanted)).await?;
        row.iter().map(resources::port_owner).collect()
    }

    async fn ports(&self, node: Uuid) -> ServiceResult<Vec<Port>> {
        let rows = self.read(move |session| session.registered_ports(node)).await?;
        rows.iter().map(resources::port).collect()
    }

    async fn validate_power(&self, node: Uuid) -> ServiceResult<Validation> {
        self.must_exist(node).await.map(|()| Validation::Passed)
    }

    async fn set_boot_device_pxe(&self, node: Uuid, persistence: Persistence) -> ServiceResult<()> {
        let value = json!({"boot_device": "pxe", "persistent": persistence == Persistence::Always});
        self.write(SetMember { node, name: "boot_device", value }).await
    }

    async fn set_power(&self, node: Uuid, target: PowerTarget) -> ServiceResult<()> {
        self.write(SetPower { node, target }).await
    }

    async fn power_state(&self, node: Uuid) -> ServiceResult<Option<String>> {
        let row = self.read(move |session| session.registered_node(&node.to_string())).await?;
        row.map(|row| row.power_state).ok_or_else(|| no_node(node))
    }

    async fn patch_node(&self, node: Uuid, patch: &[PatchOp], reset_interfaces: bool) -> ServiceResult<()> {
        self.write(PatchNode { node, patch: patch.to_vec(), reset_interfaces }).await
    }

    async fn create_port(&self, port: &NewPort) -> ServiceResult<PortMade> {
        self.write(changes::MakePort(port.clone())).await
    }

    async fn patch_port(&self, port: Uuid, patch: &[PatchOp]) -> ServiceResult<()> {
        self.write(PatchPort { port, patch: patch.to_vec() }).await
    }

    async fn delete_port(&self, port: Uuid) -> ServiceResult<()> {
        self.write(Delete { port }).await
    }

    async fn set_traits(&self, node: Uuid, traits: &[String]) -> ServiceResult<()> {
        let value = Value::from(traits.to_vec());
        self.write(SetMember { node, name: "traits", value }).await
    }
}
