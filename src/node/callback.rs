//! The way of a callback to its node: by a run that expects it, or else by what the node service knows.
//!
//! Invariant: data that matches no run is looked into only while the machine's addresses are claimed, and a node
//! that was made gets its record even if nobody waits for the answer any more.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use uuid::Uuid;

use super::actor::{Progress, Request};
use super::discovery::claims::Claim;
use super::discovery::{self, Miss};
use super::lookup;
use super::matching::{Explanation, MAX_CANDIDATES, Source};
use super::order::Adoption;
use super::posting::Posting;
use super::prepare::{self, Prepared};
use super::provision::InUse;
use super::service::Nodes;
use super::shared::Shared;
use super::{Attribute, CallbackQuery};
use crate::admission::Admitted;
use crate::context;
use crate::error::{Error, Kind, Result};
use crate::fsm::Birth;
use crate::mac::Mac;
use crate::node_service::{Node, NodeService};
use crate::processing::identity::Identity;
use crate::processing::pipeline;
use crate::store::{QueryResult, Session};

/// The node that the data was found to belong to, as far as that is known yet.
pub(super) type Found = Rc<Cell<Option<Uuid>>>;

/// Data on its way.
struct Arrival {
    posting: Posting,
    identity: Identity,
    wanted: Vec<Attribute>,
    pxe: Option<Mac>,
    /// The node that the ramdisk says it is.
    named: Option<Uuid>,
}

/// Why no run was found; the line for the refusal.
enum Missed {
    Unknown(String),
    Ambiguous(String),
}

/// The nodes with the most matches, with their attributes.
type Likeliest = Vec<(Uuid, Vec<Attribute>)>;

impl Nodes {
    pub(super) async fn take_posting(
        &self,
        posted: Admitted,
        query: CallbackQuery,
        progress: &Arc<Progress>,
        found: &Found,
    ) -> Result<()> {
        let shared = self.shared();
        let pipeline = Arc::clone(&shared.pipeline);
        let prepared = shared.compute(move || prepare::from_posted(&pipeline, posted)).await?;
        let Prepared { mut posting, identity, pxe } = prepared;
        posting.token = query.token;
        let identity = shared.discovery.telling(identity);
        let wanted = lookup::attributes(&identity);
        let mut arrival = Arrival { posting, identity, wanted, pxe, named: query.node };
        match self.look_up(&mut arrival).await? {
            Ok(node) => self.hand_over(node, arrival, progress, found).await,
            Err(Missed::Unknown(_)) if shared.discovery.is_on() => {
                self.take_unknown(arrival, progress, found).await
            }
            Err(Missed::Unknown(line) | Missed::Ambiguous(line)) => self.refuse(arrival, line, found).await,
        }
    }

    async fn look_up(&self, arrival: &mut Arrival) -> Result<Result<Uuid, Missed>> {
        let wanted = arrival.wanted.clone();
        let (counts, nodes) =
            self.shared().store.read_for_run(move |session| likeliest(session, &wanted)).await?;
        let chosen = match arrival.named {
            Some(named) => lookup::verify(&counts, named),
            None => lookup::choose(&counts, &arrival.identity),
        };
        Ok(match chosen {
            Ok(node) => {
                let explanation = Explanation::of(nodes, &arrival.wanted, arrival.pxe.as_ref());
                arrival.posting.matched = Some(explanation);
                Ok(node)
            }
            Err(line) if counts.is_empty() => Err(Missed::Unknown(line)),
            Err(line) => Err(Missed::Ambiguous(line)),
        })
    }

    async fn hand_over(
        &self,
        node: Uuid,
        arrival: Arrival,
        progress: &Arc<Progress>,
        found: &Found,
    ) -> Result<()> {
        found.set(Some(node));
        self.registry.ask(node, Request::Callback(Arc::new(arrival.posting)), progress).await
    }

    async fn take_unknown(
        &self,
        mut arrival: Arrival,
        progress: &Arc<Progress>,
        found: &Found,
    ) -> Result<()> {
        let discovery = &self.shared().discovery;
        let values = arrival.wanted.iter().map(|attribute| attribute.value.clone()).collect();
        let claim = discovery.claims.claim(values).await;
        // Another post of the same machine may have been faster.
        let line = match self.look_up(&mut arrival).await? {
            Ok(node) => return self.hand_over(node, arrival, progress, found).await,
            Err(Missed::Ambiguous(line)) => return self.refuse(arrival, line, found).await,
            Err(Missed::Unknown(line)) => line,
        };
        if discovery.in_use == InUse::Permitted {
            match self.find_in_use(&arrival).await {
                Ok(Some(node)) => return self.adopt_in_use(arrival, node, progress, found).await,
                Ok(None) => {}
                Err(error) => return self.refuse_plainly(arrival, error, found).await,
            }
        }
        // A machine whose ramdisk failed, or that has a node already, is none to be enrolled.
        if discovery.hook.is_some() && arrival.posting.failures.is_empty() && arrival.named.is_none() {
            self.enroll(arrival, claim, progress, found).await
        } else {
            self.refuse(arrival, line, found).await
        }
    }

    async fn find_in_use(&self, arrival: &Arrival) -> Result<Option<Node>> {
        let shared = self.shared();
        let (service, fields) = (self.service.as_ref(), &shared.bmc_address_fields);
        let node = discovery::find_in_use(&shared.discovery, service, &arrival.identity, fields).await?;
        Ok(node.filter(|node| arrival.named.is_none_or(|named| named == node.uuid)))
    }

    async fn adopt_in_use(
        &self,
        arrival: Arrival,
        node: Node,
        progress: &Arc<Progress>,
        found: &Found,
    ) -> Result<()> {
        let uuid = node.uuid;
        found.set(Some(uuid));
        let adoption = arrival.adoption(Birth::ActiveIntrospection, node);
        self.registry.ask(uuid, Request::Adopt(adoption), progress).await
    }

    async fn enroll(
        &self,
        arrival: Arrival,
        claim: Claim,
        progress: &Arc<Progress>,
        found: &Found,
    ) -> Result<()> {
        let (registry, service) = (Arc::clone(&self.registry), Rc::clone(&self.service));
        let (progress, known) = (Arc::clone(progress), Rc::clone(found));
        let work = async move {
            let made = node_for(registry.shared(), service.as_ref(), &arrival.identity);
            let node = match made.await {
                Ok(node) => node,
                Err(miss) => return Err((arrival, miss)),
            };
            let uuid = node.uuid;
            known.set(Some(uuid));
            let adoption = arrival.adoption(Birth::Discovery, node);
            let answer = registry.ask(uuid, Request::Adopt(adoption), &progress).await;
            drop(claim);
            Ok(answer)
        };
        match actix_rt::spawn(context::carried(work)).await.map_err(Error::internal)? {
            Ok(answer) => answer,
            Err((_, Miss::Later(error))) => Err(error),
            Err((arrival, Miss::Refused(line))) => self.refuse(arrival, line, found).await,
        }
    }

    /// The data is refused. If it is of a run that is over, that is noted there.
    async fn refuse(&self, arrival: Arrival, line: String, found: &Found) -> Result<()> {
        let lines: Vec<String> = arrival.posting.failures.iter().cloned().chain([line]).collect();
        log::info!("A callback matches no node: {}", lines.join("; "));
        let text = pipeline::refusal_text(&lines);
        let posting = Arc::new(arrival.posting);
        match self.late_match(&arrival.identity, &arrival.wanted).await? {
            Some(node) => self.file_late(node, posting, text, found).await,
            None => {
                prepare::store_logs(self.shared(), posting, None).await;
                Err(Error::bad_request(text))
            }
        }
    }

    /// The same without heading, and without keeping the logs (introspection API 5.2.6).
    async fn refuse_plainly(&self, arrival: Arrival, error: Error, found: &Found) -> Result<()> {
        log::info!("A callback matches no node in use: {error}");
        if error.kind != Kind::BadRequest {
            return Err(error);
        }
        match self.late_match(&arrival.identity, &arrival.wanted).await? {
            Some(node) => self.file_late(node, Arc::new(arrival.posting), error.text, found).await,
            None => Err(error),
        }
    }

    async fn late_match(&self, identity: &Identity, wanted: &[Attribute]) -> Result<Option<Uuid>> {
        let wanted = wanted.to_vec();
        let counts = self.shared().store.read_for_run(move |session| session.late_matches(&wanted)).await?;
        Ok(lookup::choose(&counts, identity).ok())
    }

    async fn file_late(
        &self,
        node: Uuid,
        posting: Arc<Posting>,
        refusal: String,
        found: &Found,
    ) -> Result<()> {
        found.set(Some(node));
        self.registry.ask(node, Request::Late(posting, refusal), &Arc::default()).await
    }
}

impl Arrival {
    /// The data, ready to begin a run.
    fn adoption(self, birth: Birth, node: Node) -> Box<Adoption> {
        let Self { mut posting, wanted, .. } = self;
        let source = if birth == Birth::Discovery { Source::Discovery } else { Source::NodeService };
        posting.matched = Some(Explanation::without_run(source));
        posting.discovered = birth == Birth::Discovery;
        Box::new(Adoption { birth, attributes: wanted, posting: Arc::new(posting), node: Box::new(node) })
    }
}

/// The node of a machine that no run expects: one that was made for it and left without a record, or a new one.
async fn node_for(
    shared: &Shared,
    service: &dyn NodeService,
    identity: &Identity,
) -> std::result::Result<Node, Miss> {
    let uuid = discovery::uuid_of(identity);
    let on_record = move |session: &mut dyn Session| {
        Ok(session.node(uuid)?.is_some() || !session.runs_of(uuid, 1)?.is_empty())
    };
    if !shared.store.read_for_run(on_record).await.map_err(Miss::Later)?
        && let Some(node) = discovery::half_made(service, uuid).await?
    {
        log::info!("A node without a record is taken up again node={uuid} identity={identity}");
        return Ok(node);
    }
    discovery::enroll(&shared.discovery, service, identity, &shared.bmc_address_fields, shared.now()).await
}

fn likeliest(
    session: &mut dyn Session,
    wanted: &[Attribute],
) -> QueryResult<(BTreeMap<Uuid, usize>, Likeliest)> {
    let counts = session.matches(wanted)?;
    let mut order: Vec<(Uuid, usize)> = counts.iter().map(|(node, count)| (*node, *count)).collect();
    order.sort_by_key(|(_, count)| Reverse(*count));
    order.truncate(MAX_CANDIDATES);
    let nodes = order.into_iter().map(|(node, _)| Ok((node, session.attributes(node)?)));
    let nodes = nodes.collect::<QueryResult<Likeliest>>()?;
    Ok((counts, nodes))
}
