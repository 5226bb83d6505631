//! Systems of the inventory as nodes: what has a MAC address or a management address can be introspected.
//!
//! Invariant: a system is registered when its node is asked for the first time, under the system's UUID and host name;
//! from then on the registry is what counts.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::register::{Clash, Register, Registration, names};
use crate::inventory::model::Kind;
use crate::mac::Mac;
use crate::node_service::{FailureKind, Object, ServiceError, ServiceResult};
use crate::store::inventory::{Find, list_of};
use crate::store::registered::RegisteredNode;
use crate::store::{Job, QueryResult, Session};

/// Registers the system that is meant, where there is one; answers its node.
#[derive(Clone, Debug)]
pub(super) struct RegisterDeclared {
    /// The UUID or the host name of a system.
    pub(super) ident: String,
}

impl Job for RegisterDeclared {
    type Output = ServiceResult<Option<RegisteredNode>>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<Self::Output> {
        let Some(node) = declared(session, &self.ident)? else { return Ok(Ok(None)) };
        let uuid = node.uuid.to_string();
        // What was registered under its UUID or name meanwhile is the node.
        let known = [Some(uuid.clone()), node.name.clone()];
        for ident in known.into_iter().flatten() {
            if let Some(row) = session.registered_node(&ident)? {
                return Ok(Ok(Some(row)));
            }
        }
        match Register(Arc::from([node])).run(session)? {
            Ok(()) => Ok(Ok(session.registered_node(&uuid)?)),
            Err(Clash { text, .. }) => {
                let text = format!("The system {} can not be registered as a node: {text}", self.ident);
                Ok(Err(ServiceError::new(FailureKind::Failed, text)))
            }
        }
    }
}

/// The node that a system would be; none where its callback could be matched by nothing.
fn declared(session: &mut dyn Session, ident: &str) -> QueryResult<Option<Registration>> {
    let (find, text) = match Uuid::try_parse(ident) {
        Ok(uuid) => (Find::Uuid, uuid.hyphenated().to_string()),
        Err(_) => (Find::Hostname, ident.to_lowercase()),
    };
    let Some(found) = session.inventory_find(find, &list_of(&[text]))?.into_iter().next() else {
        return Ok(None);
    };
    let objects = session.inventory_trees(&[found.pk])?;
    let Some(system) = objects.iter().find(|object| object.id.0 == Kind::System) else { return Ok(None) };
    let macs: BTreeSet<Mac> = objects
        .iter()
        .filter(|object| object.id.0 == Kind::Adapter)
        .filter_map(|adapter| adapter.text("mac")?.parse().ok())
        .collect();
    let bmc = system.text("oob_ip").filter(|text| !text.trim().is_empty());
    let named = system.text("node_uuid").or(system.text("uuid")).and_then(|uuid| uuid.parse().ok());
    let Some(uuid) = named.filter(|_| !macs.is_empty() || bmc.is_some()) else { return Ok(None) };
    let driver_info = bmc.map(|bmc| ("ipmi_address".to_owned(), Value::from(bmc)));
    Ok(Some(Registration {
        name: system.text("hostname").filter(|name| names::check(name).is_ok()).map(str::to_owned),
        macs: macs.into_iter().collect(),
        driver_info: driver_info.into_iter().collect::<Object>(),
        ..Registration::new(uuid)
    }))
}
