//! The hook `enroll`: a node for a machine that the node service does not know (processing 2.18).
//!
//! Invariant: a machine's node has a UUID that follows from its addresses. Where the process was killed between the
//! node and its record, the machine's next post finds the node again instead of making a second one.

use std::net::IpAddr;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::active::unavailable;
use super::quota::Place;
use super::{Discovery, Enroll, Hook, known};
use crate::clock::Timestamp;
use crate::crash;
use crate::error::Error;
use crate::node_service::{FailureKind, NewNode, Node, NodeService, Object, ServiceError};
use crate::processing::bmc::Family;
use crate::processing::identity::Identity;

const NOTHING: &str = "Node not found hook returned nothing";

/// Why none was made.
#[derive(Clone, Debug, PartialEq)]
pub enum Miss {
    /// The machine is not one for a new node: the line for the refusal.
    Refused(String),
    /// It may come again.
    Later(Error),
}

/// Makes a node for the machine, unless the node service knows one of its addresses. To be called while the
/// machine's addresses are claimed.
///
/// # Errors
/// Why none was made.
pub async fn enroll(
    discovery: &Discovery,
    service: &dyn NodeService,
    identity: &Identity,
    fields: &[String],
    now: Timestamp,
) -> Result<Node, Miss> {
    let options = match &discovery.hook {
        Some(Hook::Enroll(options)) => options,
        Some(Hook::Example) => {
            log::info!("A machine is not known identity={identity}");
            return Err(Miss::Refused(NOTHING.to_owned()));
        }
        None => return Err(Miss::Refused(NOTHING.to_owned())),
    };
    let bmc = options.bmc_address(identity);
    let uuid = uuid_of(identity);
    if let Some(text) = refusal(discovery, service, identity, bmc, fields).await.map_err(later)? {
        return Err(Miss::Refused(format!("Node not found hook failed: {text}")));
    }
    if discovery.quota.take(now) == Place::None {
        log::warn!("A machine is not enrolled: too many were in the last hour identity={identity}");
        let text = "Too many nodes were discovered in the last hour, please try again later";
        return Err(Miss::Later(Error::unavailable(text)));
    }
    crash::point("enroll.checked");
    let made = service.create_node(&options.node(uuid, bmc)).await;
    crash::point("enroll.made");
    made.inspect(|node| log::info!("A node was enrolled node={} identity={identity}", node.uuid)).map_err(
        |error| {
            discovery.quota.give_back();
            log::error!("A node could not be made for {identity} error={error}");
            match error.kind {
                FailureKind::Refused | FailureKind::NotFound => Miss::Refused(NOTHING.to_owned()),
                _ => later(error),
            }
        },
    )
}

/// The node of this very machine, if all that was ever done to it is that it was made. To be asked only where there
/// is no record of it.
///
/// # Errors
/// Where the node service can not tell.
pub async fn half_made(service: &dyn NodeService, uuid: Uuid) -> Result<Option<Node>, Miss> {
    match service.node(&uuid.to_string()).await {
        Ok(node) if node.provision_state() == "enroll" => {
            let ports = service.ports(uuid).await.map_err(later)?;
            Ok(ports.is_empty().then_some(node))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind == FailureKind::NotFound => Ok(None),
        Err(error) => Err(later(error)),
    }
}

/// The UUID that a machine's node has.
#[must_use]
pub fn uuid_of(identity: &Identity) -> Uuid {
    let bmcs = identity.bmc_addresses.iter().map(ToString::to_string);
    let mut names: Vec<String> = identity.macs.iter().map(ToString::to_string).chain(bmcs).collect();
    names.sort_unstable();
    let digest = Sha256::digest(names.join(" "));
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, from)| *byte = from);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Why the machine gets no node.
async fn refusal(
    discovery: &Discovery,
    service: &dyn NodeService,
    identity: &Identity,
    bmc: Option<IpAddr>,
    fields: &[String],
) -> Result<Option<String>, ServiceError> {
    if identity.is_empty() {
        return Ok(Some("The data holds neither MAC addresses nor a BMC address".to_owned()));
    }
    if let Some((mac, owner)) = known::ports_of(service, &identity.macs).await?.first() {
        return Ok(Some(format!("Port {mac} already exists, uuid: {}", owner.port)));
    }
    let Some(bmc) = bmc else { return Ok(None) };
    let nodes = known::nodes_with_bmc(service, &discovery.names, &[bmc], fields).await?;
    Ok(nodes.first().map(|node| format!("Node {node} already has BMC address {bmc}")))
}

fn later(error: ServiceError) -> Miss {
    Miss::Later(unavailable(error))
}

impl Enroll {
    /// The address of the first version that the machine has.
    fn bmc_address(&self, identity: &Identity) -> Option<IpAddr> {
        let of = |family: &Family| {
            let fits = |address: &&IpAddr| address.is_ipv4() == (*family == Family::V4);
            identity.bmc_addresses.iter().find(fits).copied()
        };
        self.families.iter().find_map(of)
    }

    fn node(&self, uuid: Uuid, bmc: Option<IpAddr>) -> NewNode {
        let mut driver_info = Object::new();
        if let Some(address) = bmc {
            driver_info.insert(self.bmc_member.clone(), self.bmc_value(address));
        }
        NewNode { uuid, driver: self.driver.clone(), driver_info, fields: self.fields.clone() }
    }

    /// Redfish wants the root of a service, all others an address.
    fn bmc_value(&self, address: IpAddr) -> Value {
        match (self.bmc_member.as_str(), address) {
            ("redfish_address", IpAddr::V6(address)) => json!(format!("https://[{address}]")),
            ("redfish_address", IpAddr::V4(address)) => json!(format!("https://{address}")),
            _ => json!(address.to_string()),
        }
    }
}
