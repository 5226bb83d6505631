//! The inventory as it is used: imports one after the other, exports page by page, the history.
//!
//! Invariant: one import at a time is worked on in this process, so that what they need of memory is bounded; other
//! processes are told apart by the generation. A plan that was outrun is made anew.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::answer::{self, Answer, Verdict};
use super::fates::Fate;
use super::links::Look;
use super::options::{Atomic, Commit, Dialect, Limits, Options, Pace};
use super::pieces::Pieces;
use super::plan::{self, Given, Plan};
use super::problem::{Code, Findings, Problem};
use super::request::{self, Request};
use super::rights::Rights;
use super::{commit, csv, fates, yaml};
use crate::clock::Clock;
use crate::context;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::documents::digest;
use crate::store::inventory::{ChangeRow, ChangeSetHead, ChangeSetRow, Changes, Committed};

/// How long an import may wait for the one before it.
const TURN: Duration = Duration::from_secs(20);
/// How often a plan may be outrun.
const ATTEMPTS: usize = 5;
/// How many entries of histories the systems of an import may take over.
const HISTORY: i64 = 100_000;

/// What a request is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    #[default]
    Json,
    /// YAML.
    Yaml,
    /// One line a system.
    Csv,
}

impl Format {
    /// The name in parameters and in the history.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Csv => "csv",
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Json, Self::Yaml, Self::Csv].into_iter().find(|format| format.name() == name)
    }
}

/// An import as it was asked for.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// The document.
    pub body: Bytes,
    /// What it is written in.
    pub format: Format,
    /// Whose manners it follows.
    pub dialect: Dialect,
    /// Members beside `systems` that are given elsewhere; they count more than those of the document.
    pub members: serde_json::Map<String, serde_json::Value>,
    /// The generation that the sender knows.
    pub generation: Option<i64>,
    /// The address of who asks.
    pub source: Option<String>,
    /// Who asks, where that is not a request.
    pub asker: Option<String>,
    /// What who asks may do.
    pub rights: Rights,
    /// How it is worked on.
    pub pace: Pace,
    /// The id of the change, where the document gives none.
    pub change_set: Option<String>,
    /// Who is told how far it has come.
    pub watch: Watch,
}

impl Order {
    /// Logs what came of it: what is not committed is kept nowhere else.
    fn note(&self, outcome: std::fmt::Arguments<'_>) {
        let (format, size_bytes) = (self.format.name(), self.body.len());
        log::info!("Import format={format} size_bytes={size_bytes}: {outcome}");
    }
}

/// Told how far an import has come.
#[derive(Clone, Default)]
pub struct Watch(pub Option<Arc<dyn Fn(Stage, usize) + Send + Sync>>);

/// How far an import has come, each with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// So many systems were read.
    Read,
    /// So many objects are to be changed.
    Planned,
    /// So many were changed.
    Written,
}

impl Watch {
    fn told(&self, stage: Stage, count: usize) {
        if let Some(tell) = &self.0 {
            tell(stage, count);
        }
    }
}

/// Whether links may follow from an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrote {
    Yes,
    No,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Watch").field(&self.0.is_some()).finish()
    }
}

/// The inventory.
#[derive(Clone)]
pub struct Inventory {
    pub(super) store: Store,
    clock: Arc<dyn Clock>,
    limits: Limits,
    background: Limits,
    turn: Arc<Semaphore>,
    /// One at a time brings the links up to date: what one has gathered the other has written already.
    pub(super) linking: Arc<Mutex<()>>,
}

impl std::fmt::Debug for Inventory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inventory").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Inventory {
    /// The inventory in this database.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, limits: Limits) -> Self {
        let (turn, linking) = (Arc::new(Semaphore::new(1)), Arc::default());
        Self { store, clock, limits, background: limits, turn, linking }
    }

    /// The same, with more for imports that nobody waits for.
    #[must_use]
    pub fn with_background(self, background: Limits) -> Self {
        Self { background, ..self }
    }

    /// The same over another handle of its database.
    #[must_use]
    pub fn over(&self, store: Store) -> Self {
        Self { store, ..self.clone() }
    }

    /// Imports, or tells what an import would do. The links that follow from an import in the background are left to who
    /// looks after them each second.
    ///
    /// # Errors
    /// Where the database can not be used, or there is too much to do. What is wrong with the request is an answer.
    pub async fn import(&self, order: Order) -> Result<Answer> {
        let busy = || Error::unavailable("Another import is going on, please try again later");
        let turn = tokio::time::timeout(TURN, Arc::clone(&self.turn).acquire_owned()).await;
        let turn = turn.map_err(|_| busy())?.map_err(Error::internal)?;
        let inventory = self.clone();
        let work = context::carried_blocking(move || {
            let (answer, wrote) = inventory.imported(&order)?;
            drop(turn);
            if wrote == Wrote::Yes && order.pace == Pace::AtOnce {
                inventory.link();
            }
            Ok(answer)
        });
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }

    /// As [`Self::import`], on this thread, and with all links. Blocks.
    ///
    /// # Errors
    /// As [`Self::import`].
    pub fn import_blocking(&self, order: &Order) -> Result<Answer> {
        let (answer, wrote) = self.imported(order)?;
        if wrote == Wrote::Yes {
            self.link();
        }
        Ok(answer)
    }

    /// What is not done here is done by who looks after it each second.
    fn link(&self) {
        if let Err(error) = self.bring_links_up_to_date(Look::New) {
            log::warn!("Links of systems and nodes are not up to date error={error}");
        }
    }

    fn imported(&self, order: &Order) -> Result<(Answer, Wrote)> {
        let limits = match order.pace {
            Pace::AtOnce => self.limits,
            Pace::Background => self.background,
        };
        let digest = digest_of(order);
        for _ in 0..ATTEMPTS {
            if let Some(done) = self.attempt(order, limits, &digest)? {
                return Ok(done);
            }
        }
        Err(Error::unavailable("The inventory is being changed all the time, please try again later"))
    }

    /// Reads, plans and commits it, where that is wanted; none where somebody else was faster.
    fn attempt(&self, order: &Order, limits: Limits, digest: &str) -> Result<Option<(Answer, Wrote)>> {
        let (mut request, grid) = self.read(order, limits);
        let refusal = |findings: Findings| {
            order.note(format_args!("refused, mistakes={}", findings.problems.len()));
            answer::refusal(&grid.located(findings)).map(|answer| Some((answer, Wrote::No)))
        };
        let unreadable = request.findings.problems.iter().any(|problem| problem.code == Code::Malformed);
        if unreadable {
            return refusal(request.findings);
        }
        let more = self.background.systems > limits.systems || self.background.objects > limits.objects;
        // Clients of the ancestor take whatever has no errors for done.
        if request.over && more && order.dialect == Dialect::Own {
            return Ok(Some((Answer { verdict: Verdict::TooLarge, body: Pieces::default() }, Wrote::No)));
        }
        order.watch.told(Stage::Read, request.systems.len());
        if let Some(answer) = self.answered(order, &request, digest)? {
            return Ok(Some((answer, Wrote::No)));
        }
        let given = Given { expected: order.generation, now_us: self.now_us(), rights: &order.rights };
        // Made of many queries: what somebody changes between them would be half old and half new.
        let mut plan = self.store.snapshot_blocking(|session| match request.options.atomic {
            Atomic::Request => plan::make(session, &request, &given),
            Atomic::System => fates::plan(session, &request, &given),
        })?;
        // What was read is as large as what is written: from here on only the plan is needed.
        let options = std::mem::take(&mut request.options);
        drop(request);
        if !plan.findings.problems.is_empty() {
            return refusal(plan.findings);
        }
        for fate in plan.fates.iter_mut().flatten() {
            grid.locate(&mut fate.errors);
        }
        order.watch.told(Stage::Planned, plan.changes.len());
        self.carry_out(order, &options, plan, digest)
    }

    fn read(&self, order: &Order, limits: Limits) -> (Request, csv::Grid) {
        let plain = |request| (request, csv::Grid::default());
        let read = match order.format {
            Format::Json => json(order, limits).map(plain),
            Format::Yaml => yaml::read(&order.body, order.dialect, limits, &order.members).map(plain),
            Format::Csv => csv::read(&order.body, &order.members, limits),
        };
        read.unwrap_or_else(|problem| {
            let findings = Findings { problems: vec![*problem], ..Findings::default() };
            plain(Request { findings, ..Request::default() })
        })
    }

    /// The answer that the same request got before.
    fn answered(&self, order: &Order, request: &Request, digest: &str) -> Result<Option<Answer>> {
        let Some(id) = chosen(order, &request.options) else { return Ok(None) };
        if request.options.commit == Commit::DryRun {
            return Ok(None);
        }
        let Some(row) = self.store.read_blocking(|session| session.change_set(&id))? else { return Ok(None) };
        match row.answer {
            Some(packed) if row.head.digest == digest => {
                let body = unpacked(&packed)?.into();
                Ok(Some(Answer { verdict: Verdict::Fine, body }))
            }
            _ => {
                let text = "This change set was committed already, with another request";
                let problem = Problem::of_request("/change_set", Code::Conflict, text);
                answer::refusal(&Findings { problems: vec![problem], ..Findings::default() }).map(Some)
            }
        }
    }

    /// Answers what a plan would do, and does it where that is wanted.
    fn carry_out(
        &self,
        order: &Order,
        options: &Options,
        plan: Plan,
        digest: &str,
    ) -> Result<Option<(Answer, Wrote)>> {
        let manner = (order.dialect, order.pace);
        let none_taken = plan.fates.as_ref().is_some_and(|fates| !fates.iter().any(Fate::is_taken));
        let nothing =
            plan.is_empty() && plan.copies().next().is_none() && (options.change_set.is_none() || none_taken);
        if options.commit == Commit::DryRun || nothing {
            order.note(format_args!("nothing is written, summary={}", plan.summary()));
            let answer = answer::success(&plan, options.commit, None, manner)?;
            return Ok(Some((answer, Wrote::No)));
        }
        let chosen = chosen(order, options);
        let id = chosen.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
        let answer = answer::success(&plan, options.commit, Some(&id), manner)?;
        let kept = chosen.is_some().then(|| packed(&answer.body)).transpose()?;
        let head = self.head(order, options, &plan, id.clone(), digest);
        let set = ChangeSetRow { head, answer: kept };
        let copied = self.histories(&plan)?;
        let job = commit::job(&plan, set, copied)?;
        let (changed, summary) = (plan.changes.len(), plan.summary());
        drop(plan);
        if self.store.write_blocking(job)? == Committed::Outrun {
            return Ok(None);
        }
        order.note(format_args!("committed, change_set={id} summary={summary}"));
        order.watch.told(Stage::Written, changed);
        Ok(Some((answer, Wrote::Yes)))
    }

    /// Who changes it, and why. The moment is one after the plan was made, so that the history is in the order of the
    /// generations.
    fn head(&self, order: &Order, options: &Options, plan: &Plan, id: String, digest: &str) -> ChangeSetHead {
        let asker = context::asker();
        let user = asker.as_ref().and_then(|asker| asker.user.as_deref()).map(str::to_owned);
        ChangeSetHead {
            id,
            committed_us: self.now_us(),
            generation: plan.generation.saturating_add(1),
            asker: order.asker.clone().or(user),
            request_id: asker.map(|asker| asker.request_id.to_string()),
            comment: options.comment.clone(),
            source: order.source.clone(),
            format: order.format.name().to_owned(),
            digest: digest.to_owned(),
            summary: plan.summary().to_string(),
        }
    }

    /// The histories that systems take over.
    fn histories(&self, plan: &Plan) -> Result<Vec<(i64, Vec<ChangeRow>)>> {
        let mut left = HISTORY;
        plan.copies()
            .map(|(pk, of)| {
                let kind = Some(super::model::Kind::System);
                let sought = Changes { system: Some(of), kind, ..Changes::default() };
                let rows =
                    self.store.read_blocking(|session| session.changes(&sought, left.saturating_add(1)))?;
                left = left.saturating_sub_unsigned(u64::try_from(rows.len()).map_err(Error::internal)?);
                if left < 0 {
                    let text = format!(
                        "The histories to be copied have more than {HISTORY} entries: copy fewer at once"
                    );
                    return Err(Error::bad_request(text));
                }
                Ok((pk, rows.into_iter().map(|(row, _)| row).collect()))
            })
            .collect()
    }

    pub(super) fn now_us(&self) -> i64 {
        self.clock.now().0
    }

    /// A page of the history.
    ///
    /// # Errors
    /// Where the database can not be read.
    pub async fn changes(&self, sought: Changes, limit: i64) -> Result<Vec<(ChangeRow, ChangeSetHead)>> {
        self.store.read(move |session| session.changes(&sought, limit)).await
    }
}

/// The id of the change, where it is not made up.
fn chosen(order: &Order, options: &Options) -> Option<String> {
    options.change_set.clone().or_else(|| order.change_set.clone())
}

/// What tells a repeated request from another one: its document, and what is said beside it.
fn digest_of(order: &Order) -> String {
    if order.members.is_empty() {
        return digest(&order.body);
    }
    let mut members = order.members.clone();
    members.sort_keys();
    digest([&order.body[..], serde_json::Value::from(members).to_string().as_bytes()].concat().as_slice())
}

fn json(order: &Order, limits: Limits) -> std::result::Result<Request, Box<Problem>> {
    let text = order.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&order.body);
    let mut document = serde_json::Deserializer::from_slice(text);
    let read = request::read(&mut document, order.dialect, limits, &order.members);
    let read = read.and_then(|read| document.end().map(|()| read));
    read.map_err(|error| {
        // Right behind the end of a line it says the column before the first.
        let place = |number: usize| u64::try_from(number).ok().map(|number| number.max(1));
        Box::new(Problem {
            line: place(error.line()),
            column: place(error.column()),
            ..Problem::of_request("", Code::Malformed, format!("The request is no JSON: {error}"))
        })
    })
}

fn packed(body: &Pieces) -> Result<Vec<u8>> {
    zstd::encode_all(body.reader(), 3).map_err(Error::internal)
}

fn unpacked(packed: &[u8]) -> Result<Vec<u8>> {
    zstd::decode_all(packed).map_err(Error::internal)
}
