//! Stored data processed again: of one node as a dry run, and of many.
//!
//! `POST /v1/replay` answers a line of JSON for each node as soon as it is done, and a summary as the last one: the
//! answer needs no more memory for ten thousand nodes than for ten.

use std::rc::Rc;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream::{self, Stream, StreamExt};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Api, body, builds, json, path, reply};
use crate::error::{Error, Result};
use crate::fsm::State;
use crate::node::Introspection;
use crate::node::builds::{Among, Builds, Source};
use crate::node_service::Object;
use crate::processing::document;

/// Nodes that are worked on at a time.
const AT_A_TIME: usize = 8;
/// Lines of JSON.
const LINES: &str = "application/x-ndjson";

/// What `POST .../data/unprocessed?dry_run=true` answers; `snapshot` names older data.
pub(super) async fn one(request: &HttpRequest, api: &Api, node: &str) -> Result<HttpResponse> {
    let snapshot = builds::snapshot(request, "snapshot")?;
    let source = snapshot.map_or(Source::Stored, Source::Snapshot);
    Ok(reply::json(StatusCode::OK, &api.builds.replay(node, source).await?))
}

/// What is done to each node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    DryRun,
    Reapply,
}

/// `POST /v1/replay`
pub(super) async fn many(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let (among, mode) = order(document::decode(&body::read(&request, &api.settings).await?)?)?;
    // A node that is not known is told before anything is done.
    let first = api.builds.among(&among, None).await?;
    let work = Work { builds: Rc::clone(&api.builds), nodes: Rc::clone(&api.nodes), among, mode };
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, LINES)).streaming(lines(work, first)))
}

fn order(mut given: Object) -> Result<(Among, Mode)> {
    let wrong =
        |name: &str, wanted: &str| Error::bad_request(format!("Invalid {name}: {wanted} is expected"));
    let mode = match given.shift_remove("dry_run") {
        None | Some(Value::Bool(true)) => Mode::DryRun,
        Some(Value::Bool(false)) => Mode::Reapply,
        Some(_) => return Err(wrong("dry_run", "true or false")),
    };
    let mut texts = |name: &str| match given.shift_remove(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            let text =
                |item: Value| item.as_str().map(str::to_owned).ok_or_else(|| wrong(name, "a list of texts"));
            items.into_iter().map(text).collect::<Result<Vec<String>>>()
        }
        Some(_) => Err(wrong(name, "a list of texts")),
    };
    let nodes = texts("nodes")?;
    if let Some(ident) = nodes.iter().find(|ident| !path::is_name(ident)) {
        return Err(wrong("nodes", &format!("a UUID or name instead of {ident:?}")));
    }
    let state =
        |name: String| name.parse().map_err(|_| wrong("states", &format!("a state instead of {name:?}")));
    let states = texts("states")?.into_iter().map(state).collect::<Result<Vec<State>>>()?;
    match given.keys().next() {
        Some(name) => {
            Err(Error::bad_request(format!("Unknown member {name}: nodes, states and dry_run are known")))
        }
        None => Ok((Among { nodes, states }, mode)),
    }
}

struct Work {
    builds: Rc<dyn Builds>,
    nodes: Rc<dyn Introspection>,
    among: Among,
    mode: Mode,
}

/// How many did well, and how many did not.
#[derive(Default)]
struct Tally {
    done: u64,
    failed: u64,
    /// Why it ended before all were done.
    error: Option<String>,
}

/// A line for each node in the order in which they are done, then the summary.
fn lines(work: Work, first: Vec<Uuid>) -> impl Stream<Item = std::result::Result<Bytes, Error>> {
    let work = Rc::new(work);
    let tally = Rc::new(std::cell::RefCell::new(Tally::default()));
    let (pages, cut) = (Rc::clone(&work), Rc::clone(&tally));
    let nodes = stream::unfold(Some(first), move |page| {
        let (work, cut) = (Rc::clone(&pages), Rc::clone(&cut));
        async move {
            let page = page.filter(|page| !page.is_empty())?;
            let last = page.last().copied();
            let next = work.builds.among(&work.among, last).await;
            let next = next.map_err(|error| cut.borrow_mut().error = Some(error.text)).ok();
            Some((stream::iter(page), next))
        }
    })
    .flatten();
    let counting = Rc::clone(&tally);
    let mode = work.mode;
    nodes
        .map(move |node| {
            let work = Rc::clone(&work);
            async move { work.line(node).await }
        })
        .buffer_unordered(AT_A_TIME)
        .map(move |(line, good)| {
            let mut tally = counting.borrow_mut();
            if good { tally.done += 1 } else { tally.failed += 1 };
            line
        })
        .chain(stream::once(async move {
            let tally = tally.borrow();
            let dry_run = mode == Mode::DryRun;
            json!({"summary": {"done": tally.done, "failed": tally.failed, "dry_run": dry_run, "error": tally.error}})
        }))
        .map(|line| {
            let mut text = json::write(&line).map_err(Error::internal)?;
            if text.last() != Some(&b'\n') {
                text.push(b'\n');
            }
            Ok(Bytes::from(text))
        })
}

impl Work {
    /// What became of a node, and whether that is good.
    async fn line(&self, node: Uuid) -> (Value, bool) {
        let ident = node.to_string();
        let outcome = match self.mode {
            Mode::DryRun => self.builds.replay(&ident, Source::Stored).await.map(|replayed| {
                let good = replayed.error.is_none();
                (json!(replayed), good)
            }),
            Mode::Reapply => {
                let accepted = self.nodes.reapply(&ident, None).await;
                accepted.map(|()| (json!({"node": ident, "accepted": true}), true))
            }
        };
        outcome.unwrap_or_else(|error| (json!({"node": ident, "error": error.text}), false))
    }
}
