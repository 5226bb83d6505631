//! From a filter to nodes: what the node service and our records say of each.
//!
//! Tags are `extra.tags`, labels `extra.labels`, the rack is `extra.rack` or `properties.rack`; a design adds tags, and
//! its labels and racks go over these. Invariant: read once, when a task begins; later changes of the inventory do not
//! move its target.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

use super::filter::{Candidate, Known, NodeFilter};
use super::service::Listed;
use crate::design::site::Site;
use crate::error::{Error, Result};
use crate::fsm::State;
use crate::inventory::search::{self, Search};
use crate::mac::Mac;
use crate::node_service::{Node, NodeService, ServiceError};
use crate::store::inventory::{Find, list_of, select};
use crate::store::{QueryResult, Session, Store};

/// Systems that are read at once.
const PAGE: i64 = 500;

/// The nodes that a filter means, in the order of their names; all of them without one.
///
/// # Errors
/// Where the node service or the database does not answer.
pub async fn select(
    service: &dyn NodeService,
    store: &Store,
    filter: Option<&NodeFilter>,
    design: Option<&Site>,
) -> Result<Vec<Candidate>> {
    let mut all = Vec::new();
    service.list_nodes(&mut |node| all.push(candidate(&node))).await.map_err(unreachable)?;
    if let Some(site) = design {
        all.iter_mut().for_each(|node| declare(node, site));
    }
    if let Some(filter) = filter {
        if filter.needs_states() {
            let states = states(store).await?;
            all.iter_mut().for_each(|node| node.state = states.get(&node.uuid).copied());
        }
        let known = Known { owners: owners(service, filter).await?, systems: systems(store, filter).await? };
        all.retain(|node| filter.matches(node, &known));
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
        rack_labels: BTreeMap::new(),
        state: None,
    }
}

/// Adds what a design declares of a node.
fn declare(node: &mut Candidate, site: &Site) {
    if let Some(declared) = node.name.as_ref().and_then(|name| site.nodes.get(name)) {
        let new = declared.tags().filter(|tag| !node.tags.iter().any(|known| known == tag));
        let new: Vec<String> = new.map(str::to_owned).collect();
        node.tags.extend(new);
        node.labels.extend(declared.labels.clone());
        node.rack = declared.rack().map(str::to_owned).or_else(|| node.rack.take());
    }
    if let Some(labels) = node.rack.as_ref().and_then(|rack| site.racks.get(rack)) {
        node.rack_labels.clone_from(labels);
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

/// The nodes of the systems that the searches of a filter find: those that are linked, and those registered under
/// the UUID of their system.
async fn systems(store: &Store, filter: &NodeFilter) -> Result<BTreeMap<String, BTreeSet<Uuid>>> {
    let mut all = BTreeMap::new();
    for expression in filter.searches() {
        let search = search::read(expression)?;
        let nodes = store.read(move |session| nodes_of(session, &search)).await?;
        all.insert(
            expression.to_owned(),
            nodes.iter().filter_map(|node| Uuid::parse_str(node).ok()).collect(),
        );
    }
    Ok(all)
}

fn nodes_of(session: &mut dyn Session, search: &Search) -> QueryResult<Vec<String>> {
    let (mut nodes, mut marker) = (Vec::new(), None::<String>);
    loop {
        let page = select::page(session, search, marker.as_deref(), PAGE)?;
        let Some(last) = page.last() else { return Ok(nodes) };
        marker = Some(last.key.clone());
        let list = list_of(&page.iter().map(|found| found.pk).collect::<Vec<i64>>());
        let links = session.system_links(&list)?;
        nodes.extend(links.into_iter().filter(|link| link.state == "linked").map(|link| link.node_uuid));
        nodes.extend(session.inventory_find(Find::UuidOf, &list)?.into_iter().map(|found| found.key));
    }
}

async fn states(store: &Store) -> Result<BTreeMap<Uuid, State>> {
    let records = store.read(|session| session.nodes_in(&State::ALL)).await?;
    Ok(records.into_iter().map(|record| (record.uuid, record.state)).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::clock::SystemClock;
    use crate::design::site::tests::DESIGN;
    use crate::inventory::links::Look;
    use crate::inventory::options::Limits;
    use crate::inventory::service::{Inventory, Order};
    use crate::node_service::local::Local;
    use crate::node_service::local::register::{Register, Registration};
    use crate::store::tests::on_each;

    #[test]
    fn a_design_tells_tags_labels_and_racks_of_the_nodes_that_it_declares() {
        let more = "---\nschema: drydock/Rack/v1\nmetadata: {name: r1, labels: {hall: h1}}\ndata: {}\n";
        let site = Site::read(format!("{DESIGN}{more}").as_bytes());
        assert_eq!(site.findings, []);
        let text = |text: &str| Some(text.to_owned());
        let found = || Candidate { tags: vec!["b".to_owned()], rack: text("r1"), ..Candidate::default() };
        let mut declared = Candidate { name: text("node1"), rack: text("elsewhere"), ..found() };
        let role = || ("role".to_owned(), "compute".to_owned());
        declared.labels = BTreeMap::from([("row".to_owned(), "1".to_owned()), role()]);
        declare(&mut declared, &site);
        assert_eq!((declared.tags, declared.rack), (vec!["b".to_owned(), "c".to_owned()], text("r1")));
        let labels =
            BTreeMap::from([("row".to_owned(), "7".to_owned()), role(), ("gpu".to_owned(), "2".to_owned())]);
        assert_eq!(declared.labels, labels);
        let hall = BTreeMap::from([("hall".to_owned(), "h1".to_owned())]);
        assert_eq!(declared.rack_labels, hall);
        // Of others it tells what it knows of their rack.
        let mut other = Candidate { name: text("node2"), ..found() };
        declare(&mut other, &site);
        assert_eq!((other.tags.len(), other.rack, other.rack_labels), (1, text("r1"), hall));
    }

    #[test]
    fn systems_are_selected_by_a_search_of_the_inventory() {
        on_each(|store, _| {
            let node = |number: u128| Registration {
                name: Some(format!("node{number}")),
                ..Registration::new(Uuid::from_u128(number))
            };
            let nodes: Vec<Registration> = (1..=3).map(node).collect();
            store.write_blocking(Register(Arc::from(nodes))).unwrap().unwrap();
            let system = |number: u128, status: &str| {
                json!({"hostname": format!("web{number}"), "system_status": status,
                    "node_uuid": Uuid::from_u128(number).to_string()})
            };
            let systems = json!([system(1, "production"), system(2, "spare"), system(3, "production"),
                {"hostname": "web4", "system_status": "production"}]);
            let body = json!({"systems": systems, "commit": true}).to_string();
            let inventory = Inventory::new(store.clone(), Arc::new(SystemClock), Limits::default());
            inventory.import_blocking(&Order { body: body.into(), ..Order::default() }).unwrap();
            inventory.bring_links_up_to_date(Look::New).unwrap();
            let selected = |search: &str| {
                let element = json!({"filter_type": "union", "systems": search});
                let filter = json!({"filter_set_type": "union", "filter_set": [element]});
                let filter = NodeFilter::parse(&filter).unwrap();
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let found =
                    runtime.block_on(select(&Local::new(store.clone()), store, Some(&filter), None)).unwrap();
                found.iter().map(Candidate::entity).collect::<Vec<String>>()
            };
            assert_eq!(selected("status=production"), ["node1", "node3"]);
            assert_eq!(selected("status=production !hostname=web3"), ["node1"]);
            assert_eq!(selected("hostname=web4"), Vec::<String>::new());
        });
    }
}
