//! Ironic over HTTP: which call stands behind each method of the trait.
//!
//! Invariant: whoever calls sees neither versions nor pages nor retries. One [`Shared`] per process, one
//! [`Ironic`] per thread: the HTTP client and its connections belong to a thread.

mod attempt;
mod breaker;
mod call;
mod endpoint;
mod fault;
mod gate;
mod limiter;
mod lists;
mod patches;
mod resources;
mod retry;
mod run;
mod shared;
#[cfg(test)]
mod tests;
mod versions;

use std::sync::Arc;

use async_trait::async_trait;
use awc::Client;
use awc::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    FailureKind, NewNode, NewPort, Node, NodeService, PatchOp, Persistence, Port, PortMade, PortOwner,
    PowerTarget, ServiceError, ServiceResult, Validation,
};
use crate::mac::Mac;
use call::Call;

pub use shared::Shared;

/// Ironic as seen by one thread.
pub struct Ironic {
    client: Client,
    shared: Arc<Shared>,
}

impl Ironic {
    /// A client for the present thread.
    #[must_use]
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { client: attempt::client(&shared), shared }
    }
}

#[async_trait(?Send)]
impl NodeService for Ironic {
    async fn node(&self, ident: &str) -> ServiceResult<Node> {
        let not_found =
            || ServiceError::new(FailureKind::NotFound, format!("Node {ident} could not be found."));
        if !endpoint::can_name_a_node(ident) {
            return Err(not_found());
        }
        let segment = endpoint::segment(ident);
        let call = Call { node: segment.clone(), ..Call::get(format!("/v1/nodes/{segment}")) };
        // A name such as `detail` leads to a document that is not a node.
        resources::node(self.run(&call).await?).ok_or_else(not_found)
    }

    async fn list_uuids(&self, sink: &mut dyn FnMut(Uuid)) -> ServiceResult<()> {
        let call = Call::get("/v1/nodes").query("fields", "uuid");
        self.list(call, "nodes", |item| resources::listed_uuid(&item).map(&mut *sink)).await
    }

    async fn list_driver_infos(&self, sink: &mut dyn FnMut(Node)) -> ServiceResult<()> {
        let call = Call::get("/v1/nodes").query("fields", "uuid,driver_info");
        self.list(call, "nodes", |item| resources::listed_node(item).map(&mut *sink)).await
    }

    async fn list_nodes(&self, sink: &mut dyn FnMut(Node)) -> ServiceResult<()> {
        let call = Call::get("/v1/nodes").query("fields", "uuid,name,properties,extra,power_state");
        self.list(call, "nodes", |item| resources::listed_node(item).map(&mut *sink)).await
    }

    async fn create_node(&self, node: &NewNode) -> ServiceResult<Node> {
        let call = Call::send(Method::POST, "/v1/nodes", &node.document())?.settled_by(409).about(node.uuid);
        let call = Call { needs: call::Needs::Document, ..call };
        match self.run(&call).await {
            Ok(document) => resources::node(document).ok_or_else(|| lists::broken("a node without a UUID")),
            // Nobody else can know the UUID: an earlier attempt went through, and only its answer was lost.
            Err(error) if error.kind == FailureKind::Conflict => {
                self.node(&node.uuid.to_string()).await.map_err(|_| error)
            }
            Err(error) => Err(error),
        }
    }

    async fn ports_with_address(&self, address: &Mac) -> ServiceResult<Vec<PortOwner>> {
        let call = Call::get("/v1/ports").query("address", address).query("fields", "uuid,node_uuid");
        let mut owners = Vec::new();
        let collect = |item| {
            owners.push(resources::port_owner(&item)?);
            Ok(())
        };
        self.list(call, "ports", collect).await?;
        Ok(owners)
    }

    async fn ports(&self, node: Uuid) -> ServiceResult<Vec<Port>> {
        let call = Call::get("/v1/ports/detail").query("node", node).about(node);
        let mut ports = Vec::new();
        let collect = |item| {
            ports.extend(resources::port(item)?);
            Ok(())
        };
        self.list(call, "ports", collect).await?;
        Ok(ports)
    }

    async fn validate_power(&self, node: Uuid) -> ServiceResult<Validation> {
        let call = Call::get(format!("/v1/nodes/{node}/validate")).about(node);
        Ok(resources::power_validation(&self.run(&call).await?))
    }

    async fn set_boot_device_pxe(&self, node: Uuid, persistence: Persistence) -> ServiceResult<()> {
        let body = json!({"boot_device": "pxe", "persistent": persistence == Persistence::Always});
        let path = format!("/v1/nodes/{node}/management/boot_device");
        self.run(&Call::send(Method::PUT, path, &body)?.stubborn().about(node)).await.map(drop)
    }

    async fn set_power(&self, node: Uuid, target: PowerTarget) -> ServiceResult<()> {
        let body = json!({"target": target.name()});
        let path = format!("/v1/nodes/{node}/states/power");
        self.run(&Call::send(Method::PUT, path, &body)?.stubborn().about(node)).await.map(drop)
    }

    async fn power_state(&self, node: Uuid) -> ServiceResult<Option<String>> {
        let states = self.run(&Call::get(format!("/v1/nodes/{node}/states")).about(node)).await?;
        Ok(states.get("power_state").and_then(Value::as_str).map(str::to_owned))
    }

    async fn patch_node(&self, node: Uuid, patch: &[PatchOp], reset_interfaces: bool) -> ServiceResult<()> {
        let make = |patch: &[PatchOp]| {
            let call = Call::send(Method::PATCH, format!("/v1/nodes/{node}"), patch)?.about(node);
            Ok(if reset_interfaces { call.query("reset_interfaces", "True") } else { call })
        };
        self.patch(patch, make).await
    }

    async fn create_port(&self, port: &NewPort) -> ServiceResult<PortMade> {
        let call = Call::send(Method::POST, "/v1/ports", port)?.settled_by(409).about(port.node_uuid);
        match self.run(&call).await {
            Ok(_) => Ok(PortMade::Made),
            Err(error) if error.kind == FailureKind::Conflict => Ok(PortMade::Exists),
            Err(error) => Err(error),
        }
    }

    async fn patch_port(&self, port: Uuid, patch: &[PatchOp]) -> ServiceResult<()> {
        self.patch(patch, |patch| Call::send(Method::PATCH, format!("/v1/ports/{port}"), patch)).await
    }

    async fn delete_port(&self, port: Uuid) -> ServiceResult<()> {
        let call = Call::delete(format!("/v1/ports/{port}")).stubborn().settled_by(404);
        match self.run(&call).await {
            Err(error) if error.kind == FailureKind::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    async fn set_traits(&self, node: Uuid, traits: &[String]) -> ServiceResult<()> {
        let path = format!("/v1/nodes/{node}/traits");
        let call = Call::send(Method::PUT, path, &json!({"traits": traits}))?.stubborn().about(node);
        self.run(&call).await.map(drop)
    }
}
