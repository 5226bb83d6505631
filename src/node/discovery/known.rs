//! What the node service knows of a machine: the owners of its MACs, and the nodes with its BMC.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use futures_util::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use super::names::Names;
use crate::mac::Mac;
use crate::node::prepare;
use crate::node_service::{NodeService, PortOwner, ServiceResult};
use crate::processing::bmc;

/// Questions to the node service at one time, of one post.
const PARALLEL_CALLS: usize = 8;
/// Names that are resolved at one time.
const PARALLEL_NAMES: usize = 32;

/// The ports that have one of these addresses, in the order of the addresses.
pub(super) async fn ports_of(
    service: &dyn NodeService,
    macs: &[Mac],
) -> ServiceResult<Vec<(Mac, PortOwner)>> {
    let asked = stream::iter(macs.iter().cloned()).map(|mac| async move {
        let owners = service.ports_with_address(&mac).await?;
        ServiceResult::Ok(owners.into_iter().map(|owner| (mac.clone(), owner)).collect::<Vec<_>>())
    });
    let answers: Vec<Vec<(Mac, PortOwner)>> = asked.buffered(PARALLEL_CALLS).try_collect().await?;
    Ok(answers.into_iter().flatten().collect())
}

/// The nodes whose BMC has one of these addresses. Each name is resolved once, however many nodes have it
/// and however many posts come at a time.
pub(super) async fn nodes_with_bmc(
    service: &dyn NodeService,
    names: &Names,
    wanted: &[IpAddr],
    fields: &[String],
) -> ServiceResult<BTreeSet<Uuid>> {
    if wanted.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut found = BTreeSet::new();
    let mut named: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
    let mut sort = |node: crate::node_service::Node| {
        let Some(host) = bmc::bmc_host_of_node(&node, fields) else { return };
        match host.parse::<IpAddr>() {
            Ok(address) if wanted.contains(&address.to_canonical()) => drop(found.insert(node.uuid)),
            Ok(_) => {}
            Err(_) => named.entry(host).or_default().push(node.uuid),
        }
    };
    service.list_driver_infos(&mut sort).await?;
    let mut resolved = stream::iter(named)
        .map(|(host, nodes)| async move { (names.addresses(&host, prepare::resolve_bmc).await, nodes) })
        .buffer_unordered(PARALLEL_NAMES);
    while let Some((addresses, nodes)) = resolved.next().await {
        if addresses.iter().any(|address| wanted.contains(address)) {
            found.extend(nodes);
        }
    }
    Ok(found)
}
