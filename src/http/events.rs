//! `GET /v1/introspection/<node>/events`: what happened to a node, in order; `.../match`: why data was taken for it.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, path, reply};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::fsm::State;
use crate::node::RunHistory;
use crate::node::matching::{Candidate, Explanation, Source};
use crate::node::timeline::Entry;
use crate::node_service::recorded::Call;
use crate::processing::rules::Results;

/// The answer; the oldest event first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Events {
    events: Vec<Event>,
}

/// One thing that happened. Members are declared by name, since they are written in that order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Event {
    at: Timestamp,
    /// Who asked: the id of a request, or a part of the service.
    #[schema(required)]
    by: Option<String>,
    calls: Vec<CallView>,
    #[schema(required)]
    cause: Option<String>,
    event: String,
    #[schema(required)]
    from: Option<State>,
    /// What became of the rules, where there are any and they were applied.
    #[schema(required)]
    rules: Option<Results>,
    run: String,
    #[schema(required)]
    to: Option<State>,
    #[schema(required)]
    took_ms: Option<i64>,
}

/// A call of the node service.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Call)]
pub(super) struct CallView {
    name: String,
    outcome: String,
    took_ms: i64,
}

/// `GET /v1/introspection/<node>/events`
pub(super) async fn events(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let runs = api.nodes.history(&path::node(&request)?).await?;
    let events = runs.into_iter().flat_map(of_run).collect();
    Ok(reply::json(StatusCode::OK, &Events { events }))
}

/// Why the last data that came was taken for the node. Members are declared by name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Match {
    at: Timestamp,
    candidates: Vec<Candidate>,
    run: String,
    source: Source,
}

/// `GET /v1/introspection/<node>/match`
pub(super) async fn explain(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let node = path::node(&request)?;
    let runs = api.nodes.history(&node).await?;
    let last = runs.into_iter().rev().find_map(last_match);
    let unknown = || Error::not_found(format!("No data has been matched to node {node} in its last runs"));
    Ok(reply::json(StatusCode::OK, &last.ok_or_else(unknown)?))
}

fn last_match(history: RunHistory) -> Option<Match> {
    let RunHistory { run, timeline } = history;
    let found = |entry: Entry| Some((entry.at_us, entry.matched?));
    let (at_us, Explanation { source, candidates }) = timeline.entries.into_iter().rev().find_map(found)?;
    Some(Match { at: Timestamp(at_us), candidates, run: run.id, source })
}

fn of_run(history: RunHistory) -> Vec<Event> {
    let RunHistory { run, timeline } = history;
    timeline.entries.into_iter().map(|entry| view(run.id.clone(), entry)).collect()
}

fn view(run: String, entry: Entry) -> Event {
    let call = |Call { name, outcome, took_ms }| CallView { name, outcome, took_ms };
    Event {
        at: Timestamp(entry.at_us),
        by: entry.by,
        calls: entry.calls.into_iter().map(call).collect(),
        cause: entry.cause,
        event: entry.event,
        from: entry.from,
        rules: entry.rules,
        run,
        to: entry.to,
        took_ms: entry.took_ms,
    }
}
