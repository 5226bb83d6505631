//! The whole pipeline: golden results with the default and with all hooks, and documents that nobody would send.

mod better;
mod golden;
mod mutations;
mod naming;
mod network;
mod rules;

use serde_json::{Value, json};
use uuid::Uuid;

use super::Pipeline;
use crate::config::{Capabilities, Config, PciDevices, PortPhysnet, Processing};
use crate::node_service::{Node, Object};

const NODE: Uuid = Uuid::from_u128(0x22);

fn example() -> Object {
    super::document::decode(include_bytes!("example.json")).unwrap()
}

fn node(properties: Value) -> Node {
    let document = json!({"provision_state": "manageable", "properties": properties});
    Node { uuid: NODE, document: document.as_object().unwrap().clone() }
}

fn config(processing: Processing) -> Config {
    let capabilities = Capabilities { boot_mode: true, ..Capabilities::default() };
    let alias = r#"{"vendor_id": "8086", "product_id": "158b", "name": "xxv710"}"#.to_owned();
    let pci_devices = PciDevices { alias: vec![alias] };
    let port_physnet = PortPhysnet { cidr_map: vec!["203.0.113.0/24:provisioning".to_owned()] };
    Config { processing, capabilities, pci_devices, port_physnet, ..Config::default() }
}

fn pipeline(processing: Processing) -> Pipeline {
    Pipeline::from_config(&config(processing)).unwrap()
}
