//! What is written: each change reads, checks and writes inside one job.
//!
//! Invariant: a refusal is found before anything is written, for a refused job is committed like any other.

use serde_json::Value;
use uuid::Uuid;

use super::register::names;
use super::{no_node, patches, resources};
use crate::node_service::{
    FailureKind, NewNode, NewPort, Node, Object, PatchOp, PortMade, PowerTarget, ServiceError, ServiceResult,
};
use crate::store::{Job, QueryResult, Session};

/// Asks the fake power driver, which does at once what it is asked.
pub(super) struct SetPower {
    pub(super) node: Uuid,
    pub(super) target: PowerTarget,
}

impl Job for SetPower {
    type Output = ServiceResult<()>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<ServiceResult<()>> {
        let state = match self.target {
            PowerTarget::Reboot | PowerTarget::On => "power on",
            PowerTarget::Off => "power off",
        };
        let found = session.set_registered_power(self.node, state)?;
        Ok(if found { Ok(()) } else { Err(no_node(self.node)) })
    }
}

/// Sets a whole member of a node's document.
pub(super) struct SetMember {
    pub(super) node: Uuid,
    pub(super) name: &'static str,
    pub(super) value: Value,
}

impl Job for SetMember {
    type Output = ServiceResult<()>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<ServiceResult<()>> {
        update(session, self.node, |_, mut node| {
            node.document.insert(self.name.to_owned(), self.value.clone());
            Ok(Ok(node.document))
        })
    }
}

/// Patches a node.
pub(super) struct PatchNode {
    pub(super) node: Uuid,
    pub(super) patch: Vec<PatchOp>,
    pub(super) reset_interfaces: bool,
}

impl Job for PatchNode {
    type Output = ServiceResult<()>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<ServiceResult<()>> {
        update(session, self.node, |session, node| {
            let driver = node.document.get("driver").cloned();
            let mut after = match patches::apply(node.document, &self.patch, patches::OF_NODES) {
                Ok(after) => after,
                Err(error) => return Ok(Err(error)),
            };
            if let Some(refusal) = name_is_refused(session, self.node, &after)? {
                return Ok(Err(refusal));
            }
            if self.reset_interfaces && after.get("driver") != driver.as_ref() {
                after.retain(|member, _| !member.ends_with("_interface"));
            }
            Ok(Ok(after))
        })
    }
}

/// Reads a node, changes it, writes it.
fn update(
    session: &mut dyn Session,
    uuid: Uuid,
    change: impl FnOnce(&mut dyn Session, Node) -> QueryResult<ServiceResult<Object>>,
) -> QueryResult<ServiceResult<()>> {
    let Some(row) = session.registered_node(&uuid.to_string())? else { return Ok(Err(no_node(uuid))) };
    let node = match resources::node(&row) {
        Ok(node) => node,
        Err(error) => return Ok(Err(error)),
    };
    match change(session, node)? {
        Ok(after) => session.put_registered_node(&resources::node_row(uuid, after)).map(Ok),
        Err(error) => Ok(Err(error)),
    }
}

fn name_is_refused(
    session: &mut dyn Session,
    uuid: Uuid,
    after: &Object,
) -> QueryResult<Option<ServiceError>> {
    let name = match after.get("name") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(name)) => name,
        Some(other) => return Ok(Some(refused(format!("{other} is no name of a node.")))),
    };
    if let Err(text) = names::check(name) {
        return Ok(Some(refused(text)));
    }
    let holder = session.registered_node(name)?.filter(|holder| holder.uuid != uuid.to_string());
    Ok(holder.map(|holder| conflict(format!("The name {name} belongs to node {}", holder.uuid))))
}

/// Makes a node.
pub(super) struct MakeNode(pub(super) NewNode);

impl Job for MakeNode {
    type Output = ServiceResult<Node>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<ServiceResult<Node>> {
        let uuid = self.0.uuid;
        if session.registered_node(&uuid.to_string())?.is_some() {
            return Ok(Err(conflict(format!("A node with UUID {uuid} exists."))));
        }
        let mut resource = resources::blank_node();
        resource.insert("provision_state".to_owned(), Value::String("enroll".to_owned()));
        resource.extend(self.0.document());
        if let Some(refusal) = name_is_refused(session, uuid, &resource)? {
            return Ok(Err(refusal));
        }
        let row = resources::node_row(uuid, resource);
        session.put_registered_node(&row)?;
        Ok(resources::node(&row))
    }
}

/// Makes a port.
pub(super) struct MakePort(pub(super) NewPort);

impl Job for MakePort {
    type Output = ServiceResult<PortMade>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<ServiceResult<PortMade>> {
        if session.registered_node(&self.0.node_uuid.to_string())?.is_none() {
            return Ok(Err(no_node(self.0.node_uuid)));
        }
        let made = session.insert_registered_port(&resources::new_port_row(&self.0))?;
        Ok(Ok(if made { PortMade::Made } else { PortMade::Exists }))
    }
}

/// Patches a port.
pub(super) struct PatchPort {
    pub(super) port: Uuid,
    pub(super) patch: Vec<PatchOp>,
}

impl Job for PatchPort {
    type Output = ServiceResult<()>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<ServiceResult<()>> {
        let Some(row) = session.registered_port(self.port)? else {
            let text = format!("Port {} could not be found.", self.port);
            return Ok(Err(ServiceError::new(FailureKind::NotFound, text)));
        };
        let after = resources::port(&row).and_then(|before| {
            let after = patches::apply(before.document.clone(), &self.patch, patches::OF_PORTS)?;
            resources::port_row(&before, after)
        });
        let after = match after {
            Ok(after) => after,
            Err(error) => return Ok(Err(error)),
        };
        let holder = session.registered_port_at(&after.address)?.filter(|holder| holder.uuid != after.uuid);
        if let Some(holder) = holder {
            let text =
                format!("A port with MAC address {} exists at node {}", holder.address, holder.node_uuid);
            return Ok(Err(conflict(text)));
        }
        session.update_registered_port(&after).map(Ok)
    }
}

/// Removes a port, which may be gone.
pub(super) struct Delete {
    pub(super) port: Uuid,
}

impl Job for Delete {
    type Output = ServiceResult<()>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<ServiceResult<()>> {
        session.delete_registered_port(self.port).map(Ok)
    }
}

fn refused(text: String) -> ServiceError {
    ServiceError::new(FailureKind::Refused, text)
}

fn conflict(text: String) -> ServiceError {
    ServiceError::new(FailureKind::Conflict, text)
}
