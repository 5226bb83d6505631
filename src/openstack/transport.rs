//! Requests to one service of OpenStack, made on a thread of their own for whoever asks on whatever thread.
//!
//! Invariant: each request has a deadline; no more are under way than there are connections; one that nobody waits for
//! any more is dropped. The thread ends with the last handle.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use awc::Client;
use awc::http::Method;
use awc::http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{Failure, Tls, client};
use crate::error::{Error, Result};

/// What is asked.
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// Headers beside the usual ones.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body, if there is one.
    pub body: Option<Bytes>,
}

/// An answer of any status.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

struct Job {
    request: Request,
    reply: oneshot::Sender<std::result::Result<Answer, Failure>>,
}

/// How requests are made.
#[derive(Clone, Debug)]
pub struct Manner {
    /// The service, as texts name it.
    pub service: &'static str,
    /// TLS.
    pub tls: Tls,
    /// How long a request may take, with the wait for its turn.
    pub timeout: Duration,
    /// Requests at one time.
    pub connections: usize,
    /// Bytes that an answer may have.
    pub body_limit: usize,
}

/// The way to the thread; cheap to clone.
#[derive(Clone)]
pub struct Transport {
    service: &'static str,
    jobs: mpsc::Sender<Job>,
    turns: Arc<Semaphore>,
    timeout: Duration,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

impl Transport {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system has no thread left.
    pub fn start(manner: Manner) -> Result<Self> {
        let (jobs, queue) = mpsc::channel(manner.connections);
        let (turns, timeout) = (Arc::new(Semaphore::new(manner.connections)), manner.timeout);
        let service = manner.service;
        thread::Builder::new()
            .name(service.to_lowercase())
            .spawn(move || run(&manner, queue))
            .map_err(Error::internal)?;
        Ok(Self { service, jobs, turns, timeout })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// Where no answer came in time.
    pub async fn send(&self, request: Request) -> std::result::Result<Answer, Failure> {
        match tokio::time::timeout(self.timeout, self.send_in_turn(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::unreachable(format!(
                "{} did not answer within {} seconds",
                self.service,
                self.timeout.as_secs_f32()
            ))),
        }
    }

    async fn send_in_turn(&self, request: Request) -> std::result::Result<Answer, Failure> {
        let ended = || Failure::unreachable(format!("the thread that talks to {} has ended", self.service));
        let _turn = self.turns.acquire().await.map_err(|_| ended())?;
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job { request, reply }).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

/// What the thread knows of its service.
#[derive(Clone, Copy)]
struct Asked {
    service: &'static str,
    body_limit: usize,
}

fn run(manner: &Manner, mut queue: mpsc::Receiver<Job>) {
    let runtime = match actix_rt::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return log::error!("{} can not be asked: no runtime error={error}", manner.service),
    };
    runtime.block_on(async move {
        let client = client::make(&manner.tls, manner.timeout, manner.connections);
        let asked = Asked { service: manner.service, body_limit: manner.body_limit };
        while let Some(job) = queue.recv().await {
            actix_rt::spawn(work(client.clone(), asked, job));
        }
    });
}

async fn work(client: Client, asked: Asked, Job { request, mut reply }: Job) {
    tokio::select! {
        // The deadline is the asker's: it is gone when that has passed.
        () = reply.closed() => {}
        outcome = exchange(&client, asked, request) => drop(reply.send(outcome)),
    }
}

async fn exchange(client: &Client, asked: Asked, request: Request) -> std::result::Result<Answer, Failure> {
    let lost = |why: String| Failure::unreachable(format!("Unable to reach {}: {why}", asked.service));
    let has_body = request.method != Method::HEAD;
    let mut asking = client.request(request.method, request.url);
    for header in request.headers {
        asking = asking.insert_header(header);
    }
    let sent = match request.body {
        Some(body) => asking.send_body(body).await,
        None => asking.send().await,
    };
    let mut response = sent.map_err(|error| lost(client::describe(&error)))?;
    let body = response.body().limit(asked.body_limit).await.map_err(|error| lost(error.to_string()))?;
    if has_body && promised(response.headers()).is_some_and(|length| length != body.len()) {
        return Err(lost("the answer was cut short".to_owned()));
    }
    Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), body })
}

/// How long the body is to be, where that is said.
fn promised(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
