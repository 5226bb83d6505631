//! New nodes for the registry: what they are made of, and the job that adds many of them, all or none.
//!
//! Invariant: whatever stands in the way is found before the first row is written, and is told with the number of
//! the registration that it is about.

pub mod names;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::resources;
use crate::mac::Mac;
use crate::node_service::{NewPort, Object};
use crate::store::{Job, QueryResult, Session};

/// A node to be registered.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// Its identity.
    pub uuid: Uuid,
    /// Its name, good by [`names::check`].
    pub name: Option<String>,
    /// The addresses of its ports, which may boot from the network.
    pub macs: Vec<Mac>,
    /// `driver`.
    pub driver: String,
    /// `driver_info`, with the address of the BMC.
    pub driver_info: Object,
    /// `properties`.
    pub properties: Object,
    /// `extra`.
    pub extra: Object,
}

impl Registration {
    /// A node of which nothing is known yet.
    #[must_use]
    pub fn new(uuid: Uuid) -> Self {
        Self {
            uuid,
            name: None,
            macs: Vec::new(),
            driver: "fake-hardware".to_owned(),
            driver_info: Object::new(),
            properties: Object::new(),
            extra: Object::new(),
        }
    }

    fn resource(&self) -> Object {
        let mut resource = resources::blank_node();
        resource.insert("name".to_owned(), self.name.clone().map_or(Value::Null, Value::from));
        resource.insert("power_state".to_owned(), Value::from("power off"));
        resource.insert("driver".to_owned(), Value::from(self.driver.clone()));
        resource.insert("driver_info".to_owned(), Value::Object(self.driver_info.clone()));
        resource.insert("properties".to_owned(), Value::Object(self.properties.clone()));
        resource.insert("extra".to_owned(), Value::Object(self.extra.clone()));
        resource
    }
}

/// Why nothing was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Which registration it is about, counted from zero.
    pub index: usize,
    /// What it clashes with.
    pub text: String,
}

/// Adds nodes with their ports, all or none.
#[derive(Clone, Debug)]
pub struct Register(pub Arc<[Registration]>);

impl Job for Register {
    type Output = Result<(), Clash>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<Result<(), Clash>> {
        if let Err(clash) = among_themselves(&self.0) {
            return Ok(Err(clash));
        }
        for (index, node) in self.0.iter().enumerate() {
            if let Some(text) = clash_with_registered(session, node)? {
                return Ok(Err(Clash { index, text }));
            }
        }
        for node in self.0.iter() {
            insert(session, node)?;
        }
        Ok(Ok(()))
    }
}

fn insert(session: &mut dyn Session, node: &Registration) -> QueryResult<()> {
    session.put_registered_node(&resources::node_row(node.uuid, node.resource()))?;
    for address in &node.macs {
        let port = NewPort::new(node.uuid, address.clone());
        session.insert_registered_port(&resources::new_port_row(&port))?;
    }
    Ok(())
}

/// What the registrations claim twice.
fn among_themselves(nodes: &[Registration]) -> Result<(), Clash> {
    let mut claims: HashMap<String, usize> = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        let uuid = format!("UUID {}", node.uuid);
        let name = node.name.iter().map(|name| format!("name {name}"));
        let macs = node.macs.iter().map(|mac| format!("MAC address {mac}"));
        for claim in std::iter::once(uuid).chain(name).chain(macs) {
            if let Some(first) = claims.insert(claim.clone(), index) {
                let text = match first == index {
                    true => format!("the {claim} stands there twice"),
                    false => format!("the {claim} is that of entry {} too", first.saturating_add(1)),
                };
                return Err(Clash { index, text });
            }
        }
    }
    Ok(())
}

/// What a node that is registered already has.
fn clash_with_registered(session: &mut dyn Session, node: &Registration) -> QueryResult<Option<String>> {
    if session.registered_node(&node.uuid.to_string())?.is_some() {
        return Ok(Some(format!("a node with the UUID {} is registered already", node.uuid)));
    }
    if let Some(name) = &node.name
        && let Some(holder) = session.registered_node(name)?
    {
        return Ok(Some(format!("the name {name} belongs to node {}", holder.uuid)));
    }
    for mac in &node.macs {
        if let Some(port) = session.registered_port_at(mac.as_str())? {
            let holder = session.registered_node(&port.node_uuid)?.and_then(|holder| holder.name);
            let name = holder.map(|name| format!(" ({name})")).unwrap_or_default();
            return Ok(Some(format!("the MAC address {mac} belongs to node {}{name}", port.node_uuid)));
        }
    }
    Ok(None)
}
