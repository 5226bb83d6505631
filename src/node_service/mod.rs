//! Where nodes, their ports and their power live: the trait, and the types that go through it.
//!
//! Invariant: nothing above this module knows whether the node service is Ironic or our own registry. It must
//! not know the state machine or the processing; only `local` knows the database.

pub mod ironic;
pub mod local;
pub mod recorded;

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::mac::Mac;

/// A JSON object.
pub type Object = Map<String, Value>;

/// A node as the node service shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its identity.
    pub uuid: Uuid,
    /// The whole resource, with the node service's member names.
    pub document: Object,
}

impl Node {
    /// The provision state, lower case; empty where there is none.
    #[must_use]
    pub fn provision_state(&self) -> String {
        self.text("provision_state").unwrap_or_default().to_lowercase()
    }

    /// Whether the machine is in use (`active` or `rescue`), so that its power is not ours.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        matches!(self.provision_state().as_str(), "active" | "rescue")
    }

    /// A top-level text member.
    #[must_use]
    pub fn text(&self, member: &str) -> Option<&str> {
        self.document.get(member).and_then(Value::as_str)
    }

    /// A top-level object member (`properties`, `driver_info`, `extra`).
    #[must_use]
    pub fn object(&self, member: &str) -> Option<&Object> {
        self.document.get(member).and_then(Value::as_object)
    }

    /// A member of `properties`.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.object("properties")?.get(name)
    }
}

/// A port (NIC) of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Its identity in the node service.
    pub uuid: Uuid,
    /// Its MAC address.
    pub address: Mac,
    /// Whether it may boot from the network.
    pub pxe_enabled: bool,
    /// The whole resource.
    pub document: Object,
}

/// One operation of a JSON patch (RFC 6902). Only idempotent ones: whole values, and removal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum PatchOp {
    /// Sets a value, whether or not there is one.
    Add {
        /// JSON pointer with a leading slash.
        path: String,
        /// The whole new value.
        value: Value,
    },
    /// Sets a value that exists.
    Replace {
        /// JSON pointer with a leading slash.
        path: String,
        /// The whole new value.
        value: Value,
    },
    /// Removes a value.
    Remove {
        /// JSON pointer with a leading slash.
        path: String,
    },
}

/// A port to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewPort {
    /// The node it belongs to.
    pub node_uuid: Uuid,
    /// Its MAC address.
    pub address: Mac,
    /// Free members, such as `client-id` of InfiniBand ports.
    pub extra: Object,
    /// Whether it may boot from the network.
    pub pxe_enabled: bool,
    /// The switch port that it is plugged into (`switch_id`, `port_id`), where that is known.
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub local_link_connection: Object,
    /// The physical network that it reaches, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub physical_network: Option<String>,
}

impl NewPort {
    /// A port of which only the address is known, and that may boot from the network.
    #[must_use]
    pub fn new(node_uuid: Uuid, address: Mac) -> Self {
        Self {
            node_uuid,
            address,
            extra: Object::new(),
            pxe_enabled: true,
            local_link_connection: Object::new(),
            physical_network: None,
        }
    }
}

/// A node to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewNode {
    /// Its identity, chosen here so that a call whose answer was lost can be told from one that was not made.
    pub uuid: Uuid,
    /// Its driver.
    pub driver: String,
    /// How the driver reaches the machine.
    pub driver_info: Object,
    /// More members; those above go over them.
    pub fields: Object,
}

impl NewNode {
    /// The whole resource.
    #[must_use]
    pub fn document(&self) -> Object {
        let mut document = self.fields.clone();
        document.insert("uuid".to_owned(), Value::String(self.uuid.to_string()));
        document.insert("driver".to_owned(), Value::String(self.driver.clone()));
        document.insert("driver_info".to_owned(), Value::Object(self.driver_info.clone()));
        document
    }
}

/// A port with the node that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortOwner {
    /// The port.
    pub port: Uuid,
    /// The node.
    pub node: Uuid,
}

/// What the power is asked to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerTarget {
    /// Off and on again.
    Reboot,
    /// Off.
    Off,
    /// On.
    On,
}

impl PowerTarget {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reboot => "rebooting",
            Self::Off => "power off",
            Self::On => "power on",
        }
    }

    /// The power state that is there when it is done.
    #[must_use]
    pub fn state(self) -> &'static str {
        match self {
            Self::Off => "power off",
            Self::Reboot | Self::On => "power on",
        }
    }
}

/// Whether a boot device holds for the next boot or for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// For the next boot only.
    Once,
    /// Until changed.
    Always,
}

/// What the node service says of a node's power interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validation {
    /// It can be used.
    Passed,
    /// It can not, and why.
    Failed(String),
}

/// What became of the making of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortMade {
    /// It was made.
    Made,
    /// A port with this address exists, here or at another node.
    Exists,
}

/// What sort of failure of the node service it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The node or port does not exist (404).
    NotFound,
    /// The request was refused (400 and other 4xx).
    Refused,
    /// It is locked or conflicts with another (409).
    Conflict,
    /// It answered with a failure of its own (5xx).
    Failed,
    /// It could not be reached, or did not answer in time.
    Unreachable,
}

impl FailureKind {
    /// The stable code of this kind, for metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
        }
    }
}

/// A call of the node service that failed, after all retries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    /// What sort of failure.
    pub kind: FailureKind,
    /// The service's own words, or what went wrong on the way.
    pub text: String,
}

impl ServiceError {
    /// A failure with its text.
    pub fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// Whether trying later may help: the service did not answer, or was not able to.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self.kind, FailureKind::Failed | FailureKind::Unreachable | FailureKind::Conflict)
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for ServiceError {}

/// The result of a call.
pub type ServiceResult<T> = Result<T, ServiceError>;

/// A node service. Each call carries its own deadline and retries (design, section 6): boot device, power, port
/// deletion and traits are tried again after any error, all others after transport errors, 5xx, 409 and 503.
#[async_trait(?Send)]
pub trait NodeService {
    /// A node by UUID or name.
    async fn node(&self, ident: &str) -> ServiceResult<Node>;

    /// Hands the UUID of each node to `sink`, page by page; `Ok` only where the listing is complete.
    async fn list_uuids(&self, sink: &mut dyn FnMut(Uuid)) -> ServiceResult<()>;

    /// Hands each node, of which only UUID and `driver_info` are sure to be there, to `sink`, page by page; `Ok`
    /// only where the listing is complete.
    async fn list_driver_infos(&self, sink: &mut dyn FnMut(Node)) -> ServiceResult<()>;

    /// Hands each node with its name, `properties`, `extra` and power to `sink`, page by page; `Ok` only where the listing is
    /// complete.
    async fn list_nodes(&self, sink: &mut dyn FnMut(Node)) -> ServiceResult<()>;

    /// Makes a node, which begins in `enroll`.
    async fn create_node(&self, node: &NewNode) -> ServiceResult<Node>;

    /// The ports with this address, of whatever node.
    async fn ports_with_address(&self, address: &Mac) -> ServiceResult<Vec<PortOwner>>;

    /// The ports of a node.
    async fn ports(&self, node: Uuid) -> ServiceResult<Vec<Port>>;

    /// Whether the node's power interface can be used.
    async fn validate_power(&self, node: Uuid) -> ServiceResult<Validation>;

    /// Sets the network as boot device.
    async fn set_boot_device_pxe(&self, node: Uuid, persistence: Persistence) -> ServiceResult<()>;

    /// Asks for a power state; answers when the request is accepted, not when it is reached.
    async fn set_power(&self, node: Uuid, target: PowerTarget) -> ServiceResult<()>;

    /// The present power state (`power on`, `power off`), if known.
    async fn power_state(&self, node: Uuid) -> ServiceResult<Option<String>>;

    /// Applies a JSON patch to the node. With `reset_interfaces` a change of the driver resets the interfaces.
    async fn patch_node(&self, node: Uuid, patch: &[PatchOp], reset_interfaces: bool) -> ServiceResult<()>;

    /// Makes a port. One that exists already is no failure.
    async fn create_port(&self, port: &NewPort) -> ServiceResult<PortMade>;

    /// Applies a JSON patch to a port.
    async fn patch_port(&self, port: Uuid, patch: &[PatchOp]) -> ServiceResult<()>;

    /// Removes a port. One that is gone already is no failure.
    async fn delete_port(&self, port: Uuid) -> ServiceResult<()>;

    /// Sets all traits of the node at once.
    async fn set_traits(&self, node: Uuid, traits: &[String]) -> ServiceResult<()>;
}
