//! The search for a node in use that a machine without a run may be (processing 4.5).

use std::collections::BTreeSet;
use std::fmt::Display;

use uuid::Uuid;

use super::{Discovery, known};
use crate::error::{Error, Result};
use crate::node_service::{FailureKind, Node, NodeService, ServiceError};
use crate::processing::identity::Identity;

/// The node in use that the machine is; `None` where the node service knows none.
///
/// # Errors
/// The contract's literal, where more than one node may be meant, or one that is not in use.
pub async fn find(
    discovery: &Discovery,
    service: &dyn NodeService,
    identity: &Identity,
    fields: &[String],
) -> Result<Option<Node>> {
    let ports = known::ports_of(service, &identity.macs).await.map_err(unavailable)?;
    let by_mac: BTreeSet<Uuid> = ports.iter().map(|(_, owner)| owner.node).collect();
    let by_mac = single("MAC", &identity.macs, &by_mac)?;
    let by_bmc = known::nodes_with_bmc(service, &discovery.names, &identity.bmc_addresses, fields)
        .await
        .map_err(unavailable)?;
    let by_bmc = single("BMC", &identity.bmc_addresses, &by_bmc)?;
    let uuid = match (by_mac, by_bmc) {
        (Some(one), Some(other)) if one != other => {
            return Err(Error::bad_request(format!(
                "MAC addresses {} and BMC addresses {} correspond to different nodes: {one} and {other}",
                list(&identity.macs),
                list(&identity.bmc_addresses)
            )));
        }
        (Some(uuid), _) | (None, Some(uuid)) => uuid,
        (None, None) => return Ok(None),
    };
    match service.node(&uuid.to_string()).await {
        Ok(node) if node.is_in_use() => Ok(Some(node)),
        Ok(node) => {
            let state = node.text("provision_state").unwrap_or("None");
            Err(Error::bad_request(format!("Node {uuid} is not active, its provision state is {state}")))
        }
        Err(error) if error.kind == FailureKind::NotFound => Ok(None),
        Err(error) => Err(unavailable(error)),
    }
}

fn single<T: Display>(what: &str, values: &[T], nodes: &BTreeSet<Uuid>) -> Result<Option<Uuid>> {
    let mut each = nodes.iter();
    match (each.next(), each.next()) {
        (first, None) => Ok(first.copied()),
        _ => Err(Error::bad_request(format!(
            "{what} addresses {} correspond to more than one node: {}",
            list(values),
            list(nodes)
        ))),
    }
}

fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

/// The ramdisk is to come again: nothing is known of its machine.
pub(super) fn unavailable(error: ServiceError) -> Error {
    Error::unavailable(format!("The node service does not answer, please try again later: {error}"))
}
