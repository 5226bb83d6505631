//! Requests to Keystone, made on a thread of their own for whoever asks on whatever thread.
//!
//! Invariant: each request has a deadline; no more are under way than there are connections; one that nobody waits for
//! any more is dropped. The thread ends with the last handle.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use awc::Client;
use awc::http::Method;
use awc::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{Failure, Tls, client};
use crate::error::{Error, Result};

/// How large an answer may be; a token with a large catalogue is a hundredth of it.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// What is asked.
pub(super) struct Request {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// Headers beside the usual ones.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The JSON document, if there is one.
    pub body: Option<Bytes>,
}

/// An answer of any status.
pub(super) struct Answer {
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
pub(super) struct Manner {
    /// TLS.
    pub tls: Tls,
    /// How long a request may take, with the wait for its turn.
    pub timeout: Duration,
    /// Requests at one time.
    pub connections: usize,
}

/// The way to the thread; cheap to clone.
#[derive(Clone)]
pub(super) struct Transport {
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
    pub(super) fn start(manner: Manner) -> Result<Self> {
        let (jobs, queue) = mpsc::channel(manner.connections);
        let (turns, timeout) = (Arc::new(Semaphore::new(manner.connections)), manner.timeout);
        thread::Builder::new()
            .name("keystone".to_owned())
            .spawn(move || run(&manner, queue))
            .map_err(Error::internal)?;
        Ok(Self { jobs, turns, timeout })
    }

    /// Sends a request and reads its answer.
    pub(super) async fn send(&self, request: Request) -> std::result::Result<Answer, Failure> {
        match tokio::time::timeout(self.timeout, self.send_in_turn(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::unreachable(format!(
                "Keystone did not answer within {} seconds",
                self.timeout.as_secs_f32()
            ))),
        }
    }

    async fn send_in_turn(&self, request: Request) -> std::result::Result<Answer, Failure> {
        let ended = || Failure::unreachable("the thread that talks to Keystone has ended");
        let _turn = self.turns.acquire().await.map_err(|_| ended())?;
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job { request, reply }).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

fn run(manner: &Manner, mut queue: mpsc::Receiver<Job>) {
    let runtime = match actix_rt::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return log::error!("Keystone can not be asked: no runtime error={error}"),
    };
    runtime.block_on(async move {
        let client = client::make(&manner.tls, manner.timeout, manner.connections);
        while let Some(job) = queue.recv().await {
            actix_rt::spawn(work(client.clone(), job));
        }
    });
}

async fn work(client: Client, Job { request, mut reply }: Job) {
    tokio::select! {
        // The deadline is the asker's: it is gone when that has passed.
        () = reply.closed() => {}
        outcome = exchange(&client, request) => drop(reply.send(outcome)),
    }
}

async fn exchange(client: &Client, request: Request) -> std::result::Result<Answer, Failure> {
    let lost = |why: String| Failure::unreachable(format!("Unable to reach Keystone: {why}"));
    let mut asking = client.request(request.method, request.url);
    for header in request.headers {
        asking = asking.insert_header(header);
    }
    let sent = match request.body {
        Some(body) => asking.insert_header((CONTENT_TYPE, "application/json")).send_body(body).await,
        None => asking.send().await,
    };
    let mut response = sent.map_err(|error| lost(client::describe(&error)))?;
    let body = response.body().limit(BODY_LIMIT).await.map_err(|error| lost(error.to_string()))?;
    Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), body })
}
