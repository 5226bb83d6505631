//! Rows as resources, and resources as rows.
//!
//! Invariant: a resource shows Ironic's member names; what has a column of its own is never kept in the row's
//! document as well.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::node_service::{FailureKind, NewPort, Node, Object, Port, PortOwner, ServiceError, ServiceResult};
use crate::store::registered::{RegisteredNode, RegisteredPort};

/// Members of a node that have columns.
const NODE_COLUMNS: [&str; 3] = ["uuid", "name", "power_state"];
/// Members of a port that have columns.
const PORT_COLUMNS: [&str; 4] = ["uuid", "node_uuid", "address", "pxe_enabled"];

/// The node of a row.
///
/// # Errors
/// Where the row was not written by this program.
pub fn node(row: &RegisteredNode) -> ServiceResult<Node> {
    let uuid = uuid_of(&row.uuid)?;
    let columns = json!({"uuid": row.uuid, "name": row.name, "power_state": row.power_state});
    Ok(Node { uuid, document: joined(columns, &row.document)? })
}

/// The port of a row.
///
/// # Errors
/// Where the row was not written by this program.
pub fn port(row: &RegisteredPort) -> ServiceResult<Port> {
    let columns = json!({
        "uuid": row.uuid, "node_uuid": row.node_uuid, "address": row.address, "pxe_enabled": row.pxe_enabled,
    });
    Ok(Port {
        uuid: uuid_of(&row.uuid)?,
        address: row.address.parse().map_err(|_| damaged(&row.address))?,
        pxe_enabled: row.pxe_enabled,
        document: joined(columns, &row.document)?,
    })
}

/// The port of a row, with its node.
///
/// # Errors
/// Where the row was not written by this program.
pub(super) fn port_owner(row: &RegisteredPort) -> ServiceResult<PortOwner> {
    Ok(PortOwner { port: uuid_of(&row.uuid)?, node: uuid_of(&row.node_uuid)? })
}

/// The row of a node's resource.
#[must_use]
pub fn node_row(uuid: Uuid, resource: Object) -> RegisteredNode {
    let text = |member: &str| resource.get(member).and_then(Value::as_str).map(str::to_owned);
    RegisteredNode {
        uuid: uuid.to_string(),
        name: text("name"),
        power_state: text("power_state"),
        document: without(resource, &NODE_COLUMNS),
    }
}

/// The row of a changed port's resource, which stays the port that it was.
pub(super) fn port_row(before: &Port, resource: Object) -> ServiceResult<RegisteredPort> {
    let refused = |text: &str| ServiceError::new(FailureKind::Refused, text);
    let address = match resource.get("address") {
        Some(Value::String(text)) => {
            text.parse::<crate::mac::Mac>().map_err(|error| refused(&error.to_string()))?
        }
        _ => return Err(refused("The address of a port must be a MAC address.")),
    };
    let pxe_enabled = resource.get("pxe_enabled").and_then(Value::as_bool);
    Ok(RegisteredPort {
        uuid: before.uuid.to_string(),
        node_uuid: before.document.get("node_uuid").and_then(Value::as_str).unwrap_or_default().to_owned(),
        address: address.to_string(),
        pxe_enabled: pxe_enabled.ok_or_else(|| refused("pxe_enabled of a port must be true or false."))?,
        document: without(resource, &PORT_COLUMNS),
    })
}

/// The row of a port to be made.
#[must_use]
pub fn new_port_row(port: &NewPort) -> RegisteredPort {
    let document = json!({"extra": port.extra, "local_link_connection": {}, "physical_network": null});
    RegisteredPort {
        uuid: Uuid::new_v4().to_string(),
        node_uuid: port.node_uuid.to_string(),
        address: port.address.to_string(),
        pxe_enabled: port.pxe_enabled,
        document: document.to_string(),
    }
}

/// What every node has, so that a patch of one member finds the object that it goes into.
#[must_use]
pub fn blank_node() -> Object {
    let blank = json!({
        "driver": "fake-hardware", "driver_info": {}, "properties": {}, "extra": {}, "traits": [],
        "provision_state": "manageable", "maintenance": false,
    });
    object(blank)
}

/// The members of an object; none of what is no object.
pub(super) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

fn joined(columns: Value, document: &str) -> ServiceResult<Object> {
    let mut members = object(columns);
    members.extend(serde_json::from_str::<Object>(document).map_err(|_| damaged(document))?);
    Ok(members)
}

fn without(mut resource: Object, columns: &[&str]) -> String {
    resource.retain(|member, _| !columns.contains(&member.as_str()));
    Value::Object(resource).to_string()
}

fn uuid_of(text: &str) -> ServiceResult<Uuid> {
    text.parse().map_err(|_| damaged(text))
}

fn damaged(text: &str) -> ServiceError {
    ServiceError::new(FailureKind::Failed, format!("The registry holds {text:?}, which can not be read"))
}
