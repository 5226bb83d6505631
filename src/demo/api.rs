//! The service's API as operators and ramdisks use it: over HTTP, from this process.

use std::net::SocketAddr;
use std::time::Duration;

use awc::{Client, ClientResponse, Connector};
use chrono::NaiveDateTime;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::fsm::State;

/// How long the ramdisk waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often the ramdisk posts at most.
const ATTEMPTS: u32 = 5;
/// The pause between two posts; ramdisks wait longer, but people watch this one.
const PAUSE: Duration = Duration::from_secs(1);
/// How large an answer may be: a full page of a list has a few hundred kilobytes.
const BODY_LIMIT: usize = 16 * 1024 * 1024;
/// Connections at one time.
const CONNECTIONS: usize = 64;

/// A client of the service.
pub struct Api {
    client: Client,
    root: String,
}

/// What the API says of a node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// The node.
    pub uuid: Uuid,
    /// Where it stands.
    pub state: State,
    /// Why its introspection failed.
    pub error: Option<String>,
    /// When its introspection began.
    pub started_at: NaiveDateTime,
    /// When it ended.
    pub finished_at: Option<NaiveDateTime>,
}

impl Status {
    /// From start to end.
    #[must_use]
    pub fn took(&self) -> Option<Duration> {
        (self.finished_at? - self.started_at).to_std().ok()
    }
}

#[derive(Deserialize)]
struct Page {
    introspection: Vec<Status>,
}

type Answer = Result<Value, String>;

impl Api {
    /// A client of this thread for the service at this address.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        // Fails only where the process has chosen a provider already, which serves as well.
        let _chosen_already = rustls::crypto::ring::default_provider().install_default();
        let connector = Connector::new().timeout(TIMEOUT).limit(CONNECTIONS);
        let client = Client::builder().connector(connector).timeout(TIMEOUT).disable_redirects().finish();
        Self { client, root: format!("http://{address}/v1") }
    }

    /// Where the API is.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// An operator starts an introspection.
    ///
    /// # Errors
    /// The service's refusal.
    pub async fn start(&self, node: Uuid) -> Result<(), String> {
        self.post(&format!("/introspection/{node}"), &Value::Null)
            .await
            .map(drop)
            .map_err(|refusal| refusal.text)
    }

    /// An operator ends it.
    ///
    /// # Errors
    /// The service's refusal.
    pub async fn abort(&self, node: Uuid) -> Result<(), String> {
        let path = format!("/introspection/{node}/abort");
        self.post(&path, &Value::Null).await.map(drop).map_err(|refusal| refusal.text)
    }

    /// A ramdisk posts what it found; answers the UUID of the node that it was taken for.
    ///
    /// # Errors
    /// The service's refusal. As the ramdisk does, it tries again where the service is busy.
    pub async fn post_inventory(&self, document: &Value) -> Result<Option<Uuid>, String> {
        let mut attempt = 1;
        loop {
            match self.post("/continue", document).await {
                Ok(answer) => {
                    let uuid = answer.get("uuid").and_then(Value::as_str);
                    return Ok(uuid.and_then(|text| text.parse().ok()));
                }
                Err(refusal) if refusal.is_busy && attempt < ATTEMPTS => {
                    attempt += 1;
                    actix_rt::time::sleep(PAUSE).await;
                }
                Err(refusal) => return Err(refusal.text),
            }
        }
    }

    /// What the API says of all nodes, page by page.
    ///
    /// # Errors
    /// What went wrong on the way.
    pub async fn statuses(&self) -> Result<Vec<Status>, String> {
        let mut all: Vec<Status> = Vec::new();
        loop {
            let marker = all.last().map(|last| format!("?marker={}", last.uuid)).unwrap_or_default();
            let request = self.client.get(format!("{}/introspection{marker}", self.root));
            let document = read(request.send().await.map_err(|error| error.to_string())?).await;
            let document = document.map_err(|refusal| refusal.text)?;
            let page: Page = serde_json::from_value(document).map_err(|error| error.to_string())?;
            if page.introspection.is_empty() {
                return Ok(all);
            }
            all.extend(page.introspection);
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        let request = self.client.post(format!("{}{path}", self.root));
        let lost = |error: awc::error::SendRequestError| Refusal { is_busy: true, text: error.to_string() };
        let answer = match body {
            Value::Null => request.send().await,
            document => request.send_json(document).await,
        };
        read(answer.map_err(lost)?).await
    }
}

/// An answer that is no success.
struct Refusal {
    /// Whether it may be tried again.
    is_busy: bool,
    text: String,
}

async fn read<S>(mut response: ClientResponse<S>) -> Result<Value, Refusal>
where
    S: futures_util::Stream<Item = Result<bytes::Bytes, awc::error::PayloadError>>,
{
    let status = response.status();
    let broken = |error: String| Refusal { is_busy: true, text: error };
    let body = response.body().limit(BODY_LIMIT).await.map_err(|error| broken(error.to_string()))?;
    let document: Answer = serde_json::from_slice(&body).map_err(|error| error.to_string());
    if status.is_success() {
        return document.map_err(broken);
    }
    let said = document
        .ok()
        .and_then(|document| document.pointer("/error/message").and_then(Value::as_str).map(str::to_owned));
    let text = format!("{}: {}", status.as_u16(), said.unwrap_or_default());
    Err(Refusal { is_busy: status.is_server_error() || status.as_u16() == 409, text })
}
