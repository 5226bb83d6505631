//! The ports of a Change: what becomes of one that the node service does not take as it is.
//!
//! Invariant: what a hook marked as tolerated never fails a run by being refused, and never takes the rest of
//! the port's changes along.

use crate::node_service::{FailureKind, NewPort, NodeService, Object, PortMade, ServiceResult};
use crate::processing::change::{PortPatch, Refusal};

/// Makes a port. What it is plugged into is left out where that is refused.
pub(super) async fn create(service: &dyn NodeService, port: &NewPort) -> ServiceResult<()> {
    let mut outcome = service.create_port(port).await;
    for simpler in simpler(port) {
        let Err(error) = &outcome else { break };
        if error.kind != FailureKind::Refused {
            break;
        }
        log::warn!(
            "A new port was refused and is tried with less node={} address={} reason={error}",
            port.node_uuid,
            port.address
        );
        outcome = service.create_port(&simpler).await;
    }
    if outcome? == PortMade::Exists {
        log::warn!(
            "A port with this address exists already node={} address={}",
            port.node_uuid,
            port.address
        );
    }
    Ok(())
}

/// The same port with less and less of what may be left out.
fn simpler(port: &NewPort) -> Vec<NewPort> {
    let unplugged = NewPort { local_link_connection: Object::new(), ..port.clone() };
    let plain = NewPort { physical_network: None, ..unplugged.clone() };
    let mut ports = vec![unplugged, plain];
    ports.dedup();
    ports.retain(|simpler| simpler != port);
    ports
}

/// Changes a port with one patch; only where that is refused, and a part of it may be, with a patch for each part.
pub(super) async fn patch(service: &dyn NodeService, patch: &PortPatch) -> ServiceResult<()> {
    let error = match service.patch_port(patch.port, &patch.ops()).await {
        Err(error) if error.kind == FailureKind::Refused => error,
        outcome => return outcome,
    };
    if patch.parts.iter().all(|part| part.refusal == Refusal::Fatal) {
        return Err(error);
    }
    if patch.parts.len() == 1 {
        log::warn!("The change of a port was refused port={} reason={error}", patch.port);
        return Ok(());
    }
    for part in &patch.parts {
        match (part.refusal, service.patch_port(patch.port, &part.ops).await) {
            (Refusal::Tolerated, Err(error)) if error.kind == FailureKind::Refused => {
                log::warn!("A part of the change of a port was refused port={} reason={error}", patch.port);
            }
            (_, outcome) => outcome?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
