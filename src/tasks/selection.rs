//! From a filter to nodes: what the node service and our records say of each.
//!
//! Tags are `extra.tags`, labels `extra.labels`, the rack is `extra.rack` or `properties.rack`. Invariant: read once,
//! when a task begins; later changes of the inventory do not move its target.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::filter::{Candidate, NodeFilter};
use super::service::Listed;
use crate::error::{Error, Result};
use crate::fsm::State;
use crate::mac::Mac;
use crate::node_service::{Node, NodeService, ServiceError};
use crate::store::Store;

/// The nodes that a filter means, in the order of their names; all of them without one.
///
/// # Errors
/// Where the node service or the database does not answer.
pub async fn select(
    service: &dyn NodeService,
    store: &Store,
    filter: Option<&NodeFilter>,
) -> Result<Vec<Candidate>> {
    let mut all = Vec::new();
    service.list_nodes(&mut |node| all.push(candidate(&node))).await.map_err(unreachable)?;
    if let Some(filter) = filter {
        if filter.needs_states() {
            let states = states(store).await?;
            all.iter_mut().for_each(|node| node.state = states.get(&node.uuid).copied());
        }
        let owners = owners(service, filter).await?;
        all.retain(|node| filter.matches(node, &owners));
    }
    all.sort_by(|a, b| (&a.name, a.uuid).cmp(&(&b.name, b.uuid)));
    all.dedup_by_key(|node| node.uuid);
    Ok(all)
}

/// All nodes, in the order of their names.
///
/// # Errors
/// Where the node service or the database does not answer.
pub async fn listed(service: &dyn NodeService, store: &Store) -> Result<Vec<Listed>> {
    let mut all = Vec::new();
    let number = |node: &Node, name: &str| {
        let value = node.property(name)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    };
    let mut sink = |node: Node| {
        all.push(Listed {
            uuid: node.uuid,
            name: node.text("name").filter(|name| !name.is_empty()).map(str::to_owned),
            state: None,
            memory_mb: number(&node, "memory_mb"),
            cpus: number(&node, "cpus"),
            power_state: node.text("power_state").map(str::to_owned),
        });
    };
    service.list_nodes(&mut sink).await.map_err(unreachable)?;
    let states = states(store).await?;
    all.iter_mut().for_each(|node| node.state = states.get(&node.uuid).copied());
    all.sort_by(|a, b| (&a.name, a.uuid).cmp(&(&b.name, b.uuid)));
    Ok(all)
}

fn unreachable(error: ServiceError) -> Error {
    Error::unavailable("The nodes can not be listed, please try again later").caused_by(error)
}

fn candidate(node: &Node) -> Candidate {
    let extra = node.object("extra");
    let member = |name: &str| extra.and_then(|extra| extra.get(name));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let label = |(name, value): (&String, &Value)| {
        let value = text(value).unwrap_or_else(|| value.to_string());
        (name.clone(), value)
    };
    Candidate {
        uuid: node.uuid,
        name: node.text("name").filter(|name| !name.is_empty()).map(str::to_owned),
        tags: member("tags").and_then(Value::as_array).into_iter().flatten().filter_map(text).collect(),
        labels: member("labels").and_then(Value::as_object).into_iter().flatten().map(label).collect(),
        rack: member("rack").or_else(|| node.property("rack")).and_then(text),
        state: None,
    }
}

async fn owners(service: &dyn NodeService, filter: &NodeFilter) -> Result<BTreeMap<Mac, Uuid>> {
    let mut owners = BTreeMap::new();
    for address in filter.addresses() {
        let found = service.ports_with_address(address).await.map_err(unreachable)?;
        owners.extend(found.first().map(|port| (address.clone(), port.node)));
    }
    Ok(owners)
}

async fn states(store: &Store) -> Result<BTreeMap<Uuid, State>> {
    let records = store.read(|session| session.nodes_in(&State::ALL)).await?;
    Ok(records.into_iter().map(|record| (record.uuid, record.state)).collect())
}
