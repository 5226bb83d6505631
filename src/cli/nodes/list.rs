//! `rollcall nodes list`: the registered nodes, page by page.

use std::collections::HashMap;
use std::io::Write;

use comfy_table::{Table, presets};
use serde::Serialize;
use uuid::Uuid;

use super::Format;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::node_service::Node;
use crate::node_service::local::resources;
use crate::store::Store;
use crate::store::registered::{RegisteredNode, RegisteredPort};

/// Nodes read at once.
const PAGE: i64 = 500;

/// What is shown of a node.
#[derive(Debug, Serialize)]
struct Shown {
    uuid: Uuid,
    name: Option<String>,
    power_state: Option<String>,
    provision_state: String,
    macs: Vec<String>,
    bmc_address: Option<String>,
}

/// Prints all nodes, in order of their UUIDs.
///
/// # Errors
/// Where the database can not be read or `out` not be written.
pub fn print(store: &Store, format: Format, out: &mut impl Write) -> Result<()> {
    let nodes = all(store)?;
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &nodes).map_err(Error::internal)?;
            writeln!(out)
        }
        Format::Table => writeln!(out, "{}", table(&nodes)),
    }
    .map_err(Error::internal)
}

fn all(store: &Store) -> Result<Vec<Shown>> {
    let fields = Config::default().ipmi_address_fields;
    let mut shown: Vec<Shown> = Vec::new();
    loop {
        let marker = shown.last().map(|node| node.uuid);
        let (nodes, ports) = page(store, marker)?;
        if nodes.is_empty() {
            return Ok(shown);
        }
        for row in &nodes {
            let node = resources::node(row).map_err(Error::internal)?;
            let macs = ports.get(&row.uuid).cloned().unwrap_or_default();
            shown.push(show(&node, macs, &fields));
        }
    }
}

type Page = (Vec<RegisteredNode>, HashMap<String, Vec<String>>);

/// One page of nodes, and the MACs of each.
fn page(store: &Store, marker: Option<Uuid>) -> Result<Page> {
    let (nodes, ports) = store.read_blocking(|session| {
        let nodes = session.registered_nodes(marker, PAGE)?;
        let uuid = |row: Option<&RegisteredNode>| row.and_then(|row| row.uuid.parse::<Uuid>().ok());
        let ports = match (uuid(nodes.first()), uuid(nodes.last())) {
            (Some(first), Some(last)) => session.registered_ports_between(first, last)?,
            _ => Vec::new(),
        };
        Ok((nodes, ports))
    })?;
    let mut macs: HashMap<String, Vec<String>> = HashMap::new();
    for RegisteredPort { node_uuid, address, .. } in ports {
        macs.entry(node_uuid).or_default().push(address);
    }
    Ok((nodes, macs))
}

fn show(node: &Node, macs: Vec<String>, bmc_fields: &[String]) -> Shown {
    let info = |field: &str| node.object("driver_info")?.get(field)?.as_str().map(str::to_owned);
    let bmc_address = info("ipmi_address").or_else(|| bmc_fields.iter().find_map(|field| info(field)));
    Shown {
        uuid: node.uuid,
        name: node.text("name").map(str::to_owned),
        power_state: node.text("power_state").map(str::to_owned),
        provision_state: node.provision_state(),
        macs,
        bmc_address,
    }
}

fn table(nodes: &[Shown]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_FULL_CONDENSED);
    table.set_header(["UUID", "Name", "Power", "Provision state", "MACs", "BMC"]);
    for node in nodes {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        table.add_row([
            node.uuid.to_string(),
            or_dash(&node.name),
            or_dash(&node.power_state),
            node.provision_state.clone(),
            node.macs.join("\n"),
            or_dash(&node.bmc_address),
        ]);
    }
    table
}
