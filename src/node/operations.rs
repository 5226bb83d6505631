//! What the node does to the outside: each operation as one future that ends in a [`Finding`].
//!
//! Invariant: nothing here knows the record or its state. Calls carry their own retries; a future that is dropped
//! is simply not heard of again, so every step is one that may be done twice.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::Record;
use super::data;
use super::order::{Ending, Finding, Operation, Plan, PowerOrder, PowerPolicy, Processed};
use super::ports;
use super::posting::Posting;
use super::shared::Shared;

use crate::build_data::facts::{self, Facts};
use crate::build_data::{Collection, Generator, Item, Sighting, item};
use crate::cluster::{Guard, Held, Sharing};
use crate::crash;
use crate::design::standing::Compiled;
use crate::error::{Error, Kind, Result};
use crate::node_service::recorded::{Call, Recorded};
use crate::node_service::{FailureKind, Node, NodeService, Object, Persistence, PowerTarget, ServiceError};
use crate::processing::View;
use crate::processing::change::Change;
use crate::processing::document;
use crate::processing::rules::{Outcome, Results, RuleSet};
use crate::store::documents::Packed;

/// What keeps work at rest from being begun.
const TAKEN: &str = "another instance works on the node";
/// The pause before a node is read again after a restart.
const FETCH_AGAIN: Duration = Duration::from_secs(5);
/// How often the power state is read back after a power-off.
const POWER_POLL: Duration = Duration::from_millis(500);
/// How long the machine may take to go off before it is told again.
const POWER_SETTLES: Duration = Duration::from_secs(10);
/// The pause before a failed power-off is tried again; each is twice the one before.
const POWER_AGAIN: Duration = Duration::from_secs(1);
/// The longest of them.
const POWER_AGAIN_AT_MOST: Duration = Duration::from_secs(8);

/// Where a node stands when an operation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    version: i64,
    is_active: bool,
    breaks: u64,
}

impl Standing {
    /// That of this record, as it was known to be when the lease had been broken so often.
    #[must_use]
    pub fn of(record: &Record, breaks: u64) -> Self {
        Self { version: record.version, is_active: record.state.is_active(), breaks }
    }
}

/// Carries an operation out, as long as the node is this process's; answers also which calls it made.
pub async fn carry_out(
    shared: Arc<Shared>,
    service: Rc<dyn NodeService>,
    node: Uuid,
    standing: Option<Standing>,
    operation: Operation,
) -> (Finding, Vec<Call>) {
    let service = Recorded::new(service.as_ref());
    let name = operation.name();
    crash::point_of(name, "begun");
    let finding = own(&shared, &service, node, standing, operation).await;
    crash::point_of(name, "done");
    (finding, service.into_calls())
}

/// A node in an active state is this process's already; one at rest is held for as long as it takes.
async fn own(
    shared: &Shared,
    service: &dyn NodeService,
    node: Uuid,
    standing: Option<Standing>,
    operation: Operation,
) -> Finding {
    let (cluster, store) = (&shared.cluster, &shared.store);
    if cluster.sharing() == Sharing::Sole {
        return find(shared, service, node, operation).await;
    }
    let Some(standing) = standing else {
        // There is no row that could be held; it is looked at once more whether that is so.
        let is_there = matches!(operation, Operation::Power(_))
            && !matches!(store.read_for_run(move |session| session.node(node)).await, Ok(None));
        return if is_there { taken() } else { find(shared, service, node, operation).await };
    };
    if standing.is_active {
        let guard = Guard::new(cluster, store, (node, standing.version), standing.breaks);
        return guard.scope(find(shared, service, node, operation)).await;
    }
    let refused = match &operation {
        Operation::LookAfterData => Finding::DataLookedAfter,
        Operation::AbortPowerOff(_) => Finding::AbortPoweredOff(Err(TAKEN.to_owned())),
        Operation::Power(_) => taken(),
        _ => return find(shared, service, node, operation).await,
    };
    match Held::take(cluster, store, node, standing.version).await {
        Ok(Some(held)) => held.guard().scope(find(shared, service, node, operation)).await,
        Ok(None) => refused,
        Err(error) => {
            log::warn!("A node at rest could not be held node={node} error={error}");
            refused
        }
    }
}

fn taken() -> Finding {
    Finding::Powered(Err(Error::conflict(format!("Conflict: {TAKEN}"))))
}

async fn find(shared: &Shared, service: &dyn NodeService, node: Uuid, operation: Operation) -> Finding {
    match operation {
        Operation::BootDevice(persistence) => {
            Finding::BootDeviceSet(set_boot_device(service, node, persistence).await)
        }
        Operation::Turn => {
            shared.turns.wait().await;
            Finding::Turn
        }
        Operation::Reboot => Finding::Rebooted(reboot(service, node).await),
        Operation::Fetch => Finding::Fetched(service.node(&node.to_string()).await.map(Box::new)),
        Operation::FetchLater => {
            tokio::time::sleep(FETCH_AGAIN).await;
            Finding::Fetched(service.node(&node.to_string()).await.map(Box::new))
        }
        Operation::Process(view, posting, policy) => {
            Finding::Processed(process(shared, service, *view, posting, policy).await)
        }
        Operation::Save(posting, processed) => {
            Finding::Saved(data::save(shared, node, &posting, processed).await)
        }
        Operation::LookAfterData => {
            data::look_after(shared, node).await;
            Finding::DataLookedAfter
        }
        Operation::Apply(plan) => Finding::Applied(apply(service, node, &plan.change).await),
        Operation::PowerOff => Finding::PoweredOff(power_off(service, node).await),
        Operation::AbortPowerOff(within) => {
            Finding::AbortPoweredOff(power_off_within(service, node, within).await)
        }
        Operation::Power(order) => Finding::Powered(power(service, node, order).await),
    }
}

async fn set_boot_device(
    service: &dyn NodeService,
    node: Uuid,
    persistence: Persistence,
) -> Result<(), String> {
    let set = service.set_boot_device_pxe(node, persistence).await;
    set.map_err(|error| format!("Failed to set boot device to PXE: {error}"))
}

async fn reboot(service: &dyn NodeService, node: Uuid) -> Result<(), String> {
    service.set_power(node, PowerTarget::Reboot).await.map_err(|error| {
        format!("Failed to power on the node, check its power management configuration: {error}")
    })
}

async fn process(
    shared: &Shared,
    service: &dyn NodeService,
    node: Node,
    posting: Arc<Posting>,
    policy: PowerPolicy,
) -> Result<Processed> {
    let ports = service.ports(node.uuid).await.map_err(|error| update_failed(node.uuid, &error))?;
    let (pipeline, rules, store) =
        (Arc::clone(&shared.pipeline), Arc::clone(&shared.rules), shared.store.clone());
    let generators = shared.settings.generators.clone();
    let design = shared.design.as_ref().and_then(|standing| standing.current());
    shared
        .compute(move || {
            let mut processed = posting.take_document(&pipeline)?;
            let view = View { node: &node, ports: &ports };
            let facts = facts::of(&processed);
            let mut found = item::of_document(&processed, &facts, &generators)?;
            found.0.extend(held_against(design.as_deref(), &node, &facts, &generators)?);
            let mut change = pipeline.process(&view, &mut processed)?;
            // Rules add nothing to what is stored.
            let data = Packed::pack(&document::encode(&processed))?;
            let set = rules.current(&store)?;
            let (outcome, rules) = apply_rules(&set, processed, &posting, &node, &mut change);
            let ending = match outcome {
                Outcome::Applied => ending(policy, &node),
                Outcome::Failed(text) => Ending::Fail(text),
            };
            let (contents, build) = collected(&node, &posting, found, &generators)?;
            Ok(Processed { plan: Box::new(Plan { change, ending, build }), data, rules, contents })
        })
        .await
}

/// Where the machine is other than declared, where it is declared.
fn held_against(
    design: Option<&Compiled>,
    node: &Node,
    facts: &Facts,
    wanted: &[Generator],
) -> Result<Option<Item>> {
    if !wanted.contains(&Generator::DesignFindings) {
        return Ok(None);
    }
    let report = design.and_then(|design| design.report(node.text("name"), facts));
    report.map(|report| Item::json(Generator::DesignFindings, &report)).transpose()
}

/// What the end of the run writes down for good, and the contents of it.
fn collected(
    node: &Node,
    posting: &Posting,
    (mut items, sightings): (Vec<Item>, Vec<Sighting>),
    generators: &[Generator],
) -> Result<(Vec<Packed>, Collection)> {
    items.extend(item::of_posting(&posting.raw, posting.logs.as_ref(), generators)?);
    let references = items.iter().map(Item::reference).collect();
    let sightings = generators.contains(&Generator::Facts).then_some(sightings);
    let node_name = node.document.get("name").and_then(Value::as_str).map(str::to_owned);
    let contents = items.into_iter().map(|item| item.content).collect();
    Ok((contents, Collection { node_name, items: references, sightings }))
}

/// To rules, the logs are part of the data.
fn apply_rules(
    set: &RuleSet,
    mut processed: Object,
    posting: &Posting,
    node: &Node,
    change: &mut Change,
) -> (Outcome, Results) {
    if set.is_empty() {
        return (Outcome::Applied, Results::default());
    }
    if let Some(logs) = &posting.logs {
        processed.insert("logs".to_owned(), Value::String(logs.as_str().to_owned()));
    }
    set.apply(&Value::Object(processed), node, change)
}

fn ending(policy: PowerPolicy, node: &Node) -> Ending {
    match policy {
        PowerPolicy::Leave => Ending::LeavePower,
        PowerPolicy::Off if node.provision_state() == "enroll" => Ending::TryPowerOff,
        PowerPolicy::Off => Ending::PowerOff,
    }
}

/// One patch of the node, its traits, then the ports: made, dropped, changed.
async fn apply(service: &dyn NodeService, node: Uuid, change: &Change) -> Result<()> {
    let failed = |error: ServiceError| update_failed(node, &error);
    if !change.node_patch.is_empty() {
        service.patch_node(node, &change.node_patch, change.reset_interfaces).await.map_err(failed)?;
        crash::point("apply.node_patched");
    }
    if let Some(traits) = &change.traits {
        service.set_traits(node, traits).await.map_err(failed)?;
    }
    for port in &change.new_ports {
        ports::create(service, port).await.map_err(failed)?;
        crash::point("apply.port_created");
    }
    for port in &change.dropped_ports {
        service.delete_port(*port).await.map_err(failed)?;
        crash::point("apply.port_dropped");
    }
    for port in &change.port_patches {
        ports::patch(service, port).await.map_err(failed)?;
        crash::point("apply.port_patched");
    }
    Ok(())
}

fn update_failed(node: Uuid, error: &ServiceError) -> Error {
    let kind = match error.kind {
        FailureKind::NotFound => Kind::NotFound,
        FailureKind::Refused => Kind::BadRequest,
        FailureKind::Conflict | FailureKind::Failed | FailureKind::Unreachable => Kind::Internal,
    };
    Error::new(kind, format!("Failed to update node {node}: {error}"))
}

async fn power_off(service: &dyn NodeService, node: Uuid) -> Result<(), String> {
    service.set_power(node, PowerTarget::Off).await.map_err(|error| error.text)
}

/// Powers off until it is known to be off: with growing pauses, as long as there is time. The error is the last one.
async fn power_off_within(service: &dyn NodeService, node: Uuid, within: Duration) -> Result<(), String> {
    let mut cause = "no answer came in time".to_owned();
    let tries = async {
        let mut pause = POWER_AGAIN;
        loop {
            match power_off_verified(service, node).await {
                Ok(()) => return true,
                Err(error) => {
                    let gone = error.kind == FailureKind::NotFound;
                    cause = error.text;
                    if gone {
                        return false;
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(POWER_AGAIN_AT_MOST);
        }
    };
    let done = tokio::time::timeout(within, tries).await;
    if done == Ok(true) { Ok(()) } else { Err(cause) }
}

/// Powers off and reads the power state back until it is off, or for a while.
async fn power_off_verified(service: &dyn NodeService, node: Uuid) -> Result<(), ServiceError> {
    service.set_power(node, PowerTarget::Off).await?;
    crash::point("abort_power_off.sent");
    let give_up = tokio::time::Instant::now() + POWER_SETTLES;
    loop {
        let state = service.power_state(node).await?;
        if state.as_deref() == Some("power off") {
            return Ok(());
        }
        if tokio::time::Instant::now() >= give_up {
            let text = format!("the power state is {}", state.as_deref().unwrap_or("unknown"));
            return Err(ServiceError { kind: FailureKind::Failed, text });
        }
        tokio::time::sleep(POWER_POLL).await;
    }
}

/// Switches the power, and reads it back until it is as wanted, as long as there is time.
async fn power(service: &dyn NodeService, node: Uuid, order: PowerOrder) -> Result<()> {
    let mut state = "unknown".to_owned();
    let switched = async {
        let asked = service.set_power(node, order.target).await;
        asked.map_err(|error| Error::unavailable(error.text))?;
        loop {
            // What can not be read may be readable a moment later.
            if let Ok(found) = service.power_state(node).await {
                state = found.unwrap_or_else(|| "unknown".to_owned());
            }
            if state == order.target.state() {
                return Ok(());
            }
            tokio::time::sleep(POWER_POLL).await;
        }
    };
    let done = tokio::time::timeout(order.within, switched).await;
    done.unwrap_or_else(|_| {
        Err(Error::unavailable(format!("Timed out: the node is still in the state {state}.")))
    })
}
