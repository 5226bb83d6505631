//! What is made ready before the node's actor is asked: the document through the pre hooks, the look-up
//! attributes of a node.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::posting::Posting;
use super::shared::Shared;
use super::{Attribute, BMC_ADDRESS, MAC};
use crate::admission::Admitted;
use crate::context;
use crate::error::Result;
use crate::mac::Mac;
use crate::node_service::{Node, NodeService, Object, Persistence};
use crate::processing::Pipeline;
use crate::processing::bmc;
use crate::processing::document;
use crate::processing::identity::Identity;
use crate::processing::inventory;
use crate::processing::ramdisk_logs::{Origin, RamdiskLogs};
use crate::store::documents::Packed;

/// How long the name of a BMC may take to be resolved.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);

/// A document through the pre hooks, and what it can be matched by.
pub struct Prepared {
    /// The document.
    pub posting: Posting,
    /// What it can be matched by.
    pub identity: Identity,
    /// The interface that the machine booted from.
    pub pxe: Option<Mac>,
}

/// Reads a posted or stored document. Takes long for a reactor thread.
///
/// # Errors
/// Where it is no JSON object.
pub fn from_body(pipeline: &Pipeline, body: &[u8]) -> Result<Prepared> {
    from_document(pipeline, document::decode(body)?)
}

/// Reads what was posted; from then on its room is that of what is kept. Takes long for a reactor thread.
///
/// # Errors
/// As [`from_body`].
pub fn from_posted(pipeline: &Pipeline, posted: Admitted) -> Result<Prepared> {
    let (body, room) = posted.into_parts();
    let prepared = from_body(pipeline, &body)?;
    drop(body);
    Ok(Prepared { posting: prepared.posting.within(room), ..prepared })
}

/// Takes the logs out of a document, keeps it as it was, and runs the pre hooks. Takes long for a reactor thread.
///
/// # Errors
/// Where it can not be compressed.
pub fn from_document(pipeline: &Pipeline, mut document: Object) -> Result<Prepared> {
    let logs = RamdiskLogs::take(&mut document);
    let raw = Packed::pack(&document::encode(&document))?;
    let failures = pipeline.prepare(&mut document);
    let identity = Identity::of(&document);
    let pxe = inventory::likely_boot_mac(&document);
    let origin = Origin::of(None, &document);
    let posting = Posting::new(raw, failures, logs, origin).with_document(document);
    Ok(Prepared { posting, identity, pxe })
}

/// Stores the logs of a posting, if it has any; `node` is `None` where it matches none.
pub async fn store_logs(shared: &Arc<Shared>, posting: Arc<Posting>, node: Option<Uuid>) {
    if posting.logs.is_none() {
        return;
    }
    let (logs, now) = (Arc::clone(&shared.logs), shared.now());
    let store = move || {
        let origin = Origin { node, ..posting.origin.clone() };
        posting.logs.as_ref().and_then(|taken| logs.store(taken, &origin, now))
    };
    if let Err(error) = tokio::task::spawn_blocking(context::carried_blocking(store)).await {
        log::error!("The ramdisk's logs could not be stored error={error}");
    }
}

/// What callbacks of a node are to be matched by: the addresses of its BMC and the MACs of its ports.
///
/// # Errors
/// The node service's text, where the ports can not be listed.
pub async fn attributes(
    service: &dyn NodeService,
    node: &Node,
    bmc_fields: &[String],
) -> Result<Vec<Attribute>, String> {
    let ports = service.ports(node.uuid).await.map_err(|error| error.text)?;
    let macs = ports.iter().map(|port| Attribute { name: MAC, value: port.address.to_string() });
    let bmc = bmc_addresses(node, bmc_fields).await;
    let bmc = bmc.into_iter().map(|ip| Attribute { name: BMC_ADDRESS, value: ip.to_string() });
    Ok(bmc.chain(macs).collect())
}

/// The last IPv4 and the last IPv6 address of the node's BMC that are not loopback (processing 4.2.2).
async fn bmc_addresses(node: &Node, fields: &[String]) -> Vec<IpAddr> {
    match bmc::bmc_host_of_node(node, fields) {
        Some(host) => resolve_bmc(&host).await,
        None => Vec::new(),
    }
}

/// The last IPv4 and the last IPv6 address of a BMC's name that are not loopback.
pub(super) async fn resolve_bmc(host: &str) -> Vec<IpAddr> {
    let lookup = tokio::time::timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host((host, 0))).await;
    let resolved: Vec<IpAddr> = match lookup {
        Ok(Ok(found)) => found.map(|address| address.ip().to_canonical()).collect(),
        Ok(Err(error)) => {
            log::warn!("The BMC address can not be resolved host={host} error={error}");
            Vec::new()
        }
        Err(_) => {
            log::warn!("The BMC address was not resolved in time host={host}");
            Vec::new()
        }
    };
    let (loopback, usable): (Vec<IpAddr>, Vec<IpAddr>) = resolved.into_iter().partition(IpAddr::is_loopback);
    if !loopback.is_empty() {
        log::warn!("A loopback BMC address is ignored host={host}");
    }
    let last = |wanted: fn(&&IpAddr) -> bool| usable.iter().rfind(wanted).copied();
    last(|ip| ip.is_ipv4()).into_iter().chain(last(|ip| ip.is_ipv6())).collect()
}

/// Whether the boot device is set for good (processing 5.3.3).
#[must_use]
pub fn persistence(node: &Node) -> Persistence {
    let forced = node.object("driver_info").and_then(|info| info.get("force_persistent_boot_device"));
    let text = match forced {
        Some(serde_json::Value::Bool(true)) => return Persistence::Always,
        Some(serde_json::Value::String(text)) => text.trim().to_lowercase(),
        _ => return Persistence::Once,
    };
    match text.as_str() {
        "always" | "1" | "t" | "true" | "on" | "y" | "yes" => Persistence::Always,
        _ => Persistence::Once,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_boot_device_persists_only_where_it_is_asked_for() {
        let wanted =
            [("Always", true), ("Never", false), ("Default", false), ("true", true), ("nonsense", false)];
        for (text, persistent) in wanted {
            let document = json!({"driver_info": {"force_persistent_boot_device": text}});
            let node = Node { uuid: uuid::Uuid::nil(), document: document.as_object().cloned().unwrap() };
            assert_eq!(persistence(&node) == Persistence::Always, persistent, "{text}");
        }
    }

    /// A document such as ramdisks send.
    fn usual() -> Vec<u8> {
        let nics: Vec<_> = (0..4)
            .map(|n| json!({"name": format!("eth{n}"), "mac_address": format!("52:54:00:00:00:0{n}"), "lldp": [[1, "04"]]}))
            .collect();
        let disks = json!([{"name": "/dev/sda", "size": 10_737_418_240_i64}]);
        let inventory = json!({"interfaces": nics, "disks": disks, "memory": {"physical_mb": 2048},
            "cpu": {"count": 4, "architecture": "x86_64"}, "bmc_address": "192.0.2.1"});
        json!({"inventory": inventory, "boot_interface": "52:54:00:00:00:01", "logs": "QUJD", "error": null})
            .to_string()
            .into_bytes()
    }

    /// Cuts a piece of the usual document out and puts other bytes in its place.
    fn spliced(at: usize, cut: usize, with: &[u8]) -> Vec<u8> {
        let mut body = usual();
        let from = at % body.len();
        let to = from.saturating_add(cut).min(body.len());
        body.splice(from..to, with.iter().copied());
        body
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { cases: 3000, ..Default::default() })]

        #[test]
        fn no_body_whatever_it_is_can_do_harm(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..512),
            at in 0_usize..4096,
            cut in 0_usize..64,
            depth in 0_usize..2000,
        ) {
            let pipeline = Pipeline::from_config(&crate::config::Config::default()).unwrap();
            let nested = [b"{\"a\":".repeat(depth), bytes.clone()].concat();
            for body in [spliced(at, cut, &bytes), nested, bytes] {
                match from_body(&pipeline, &body) {
                    Ok(prepared) => {
                        let again = prepared.posting.take_document(&pipeline);
                        proptest::prop_assert!(again.is_ok());
                    }
                    Err(error) => proptest::prop_assert_eq!(error.kind, crate::error::Kind::BadRequest),
                }
            }
        }
    }
}
