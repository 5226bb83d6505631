//! One attempt of a call: a request with its headers, its deadline and its permit.
//!
//! Invariant: each request has a deadline and holds a permit while it is under way, and only then. A connection
//! whose answer was not read to its end is never used again (awc drops it). It does not try again.

use awc::Client;
use awc::error::SendRequestError;
use awc::http::header::{CONTENT_TYPE, HeaderMap};
use bytes::Bytes;
use serde_json::Value;

use super::Ironic;
use super::call::{Call, Needs};
use super::endpoint::Endpoint;
use super::fault::Failure;
use super::run::Trial;
use super::shared::{Place, Shared};
use super::versions;
use crate::cluster;
use crate::node_service::FailureKind;
use crate::openstack::{Pass, Proof, client};

/// How large an answer may be: a page of a thousand nodes or ports is a tenth of it.
const BODY_LIMIT: usize = 16 * 1024 * 1024;
/// The headers that name the microversion, for older and newer servers.
const OWN_VERSION_HEADER: &str = "X-OpenStack-Ironic-API-Version";
const COMMON_VERSION_HEADER: &str = "OpenStack-API-Version";

/// An answer of any status.
struct Answer {
    status: u16,
    headers: HeaderMap,
    /// The body, or why it could not be read.
    body: Result<Bytes, String>,
}

/// A client of this thread.
pub(super) fn client(shared: &Shared) -> Client {
    client::make(&shared.tls, shared.timeout, shared.max_concurrency)
}

/// Where a request goes, and what it carries to prove who we are.
struct Passage {
    endpoint: Endpoint,
    pass: Pass,
}

/// Why there is no answer.
enum Trouble {
    /// Nothing was sent: the node may be another's by now.
    Unsent,
    /// It was lost.
    Lost(SendRequestError),
}

impl From<SendRequestError> for Trouble {
    fn from(error: SendRequestError) -> Self {
        Self::Lost(error)
    }
}

impl Ironic {
    /// One attempt, in the agreed version. Where the server no longer speaks it, another is agreed upon.
    pub(super) async fn attempt(&self, call: &Call, trial: &Trial) -> Result<Value, Failure> {
        let minor = self.version(call, trial).await?;
        let answer = self.send(call, Some(minor), trial).await?;
        if answer.status != 406 {
            return answer.into_document(call.needs);
        }
        self.shared.versions.forget(minor);
        match self.version(call, trial).await? {
            same if same == minor => answer.into_document(call.needs),
            other => self.send(call, Some(other), trial).await?.into_document(call.needs),
        }
    }

    async fn version(&self, call: &Call, trial: &Trial) -> Result<u16, Failure> {
        self.shared.versions.agree(async || self.ask_versions(call, trial).await).await
    }

    /// Asks on behalf of a call.
    async fn ask_versions(&self, call: &Call, trial: &Trial) -> Result<u16, Failure> {
        let asking = Call { node: call.node.clone(), ..Call::get("/v1/") };
        let answer = self.send(&asking, None, trial).await?;
        if (200..300).contains(&answer.status) {
            return versions::choose(&answer.headers, &answer.body.unwrap_or_default());
        }
        let mut failure = Failure::answered(answer.status, &answer.body.unwrap_or_default());
        // A 404 of the whole API must not be taken for the absence of one node.
        failure.error.kind = FailureKind::Failed;
        failure.error.text = format!("The version of the Ironic API is not known: {}", failure.error.text);
        Err(failure)
    }

    /// Where Ironic does not accept our token, it gets another one, once.
    async fn send(&self, call: &Call, minor: Option<u16>, trial: &Trial) -> Result<Answer, Failure> {
        let passage = self.passage().await?;
        let answer = self.send_by(&passage, call, minor, trial).await?;
        if answer.status != 401 || !self.shared.proof.reject(&passage.pass) {
            return Ok(answer);
        }
        log::info!(
            "Ironic does not accept our token: another one is asked for request_id={}",
            trial.request_id
        );
        self.send_by(&self.passage().await?, call, minor, trial).await
    }

    async fn passage(&self) -> Result<Passage, Failure> {
        let Shared { place, proof, .. } = self.shared.as_ref();
        let endpoint = match (place, proof) {
            (Place::Fixed(endpoint), _) => endpoint.clone(),
            (Place::Catalogue(service_type), Proof::Token(session)) => {
                let url = session.endpoint(service_type).await.map_err(Failure::astray)?;
                Endpoint::parse(&url).map_err(|why| {
                    Failure::settled(format!("The endpoint of Ironic in the service catalogue {why}"))
                })?
            }
            // No configuration leads here.
            (Place::Catalogue(_), _) => return Err(Failure::settled("There is no service catalogue")),
        };
        Ok(Passage { endpoint, pass: proof.pass().await.map_err(Failure::astray)? })
    }

    async fn send_by(
        &self,
        passage: &Passage,
        call: &Call,
        minor: Option<u16>,
        trial: &Trial,
    ) -> Result<Answer, Failure> {
        let Shared { gate, limiter, timeout, .. } = self.shared.as_ref();
        gate.pass().await;
        let request =
            || tokio::time::timeout(*timeout, self.exchange(passage, call, minor, &trial.request_id));
        let text = match limiter.run(&trial.course, request).await {
            Ok(Ok(answer)) => {
                gate.answered();
                return Ok(answer);
            }
            Ok(Err(Trouble::Unsent)) => return Err(Failure::lost("The lease of this instance has run out")),
            Ok(Err(Trouble::Lost(error))) => format!("Unable to reach Ironic: {}", client::describe(&error)),
            Err(_) => format!("Ironic did not answer within {} seconds", timeout.as_secs_f32()),
        };
        gate.failed(call.about_node());
        Err(Failure::lost(text))
    }

    async fn exchange(
        &self,
        passage: &Passage,
        call: &Call,
        minor: Option<u16>,
        request_id: &str,
    ) -> Result<Answer, Trouble> {
        // It may have waited for its permit for long.
        if call.changes() && !cluster::allows() {
            return Err(Trouble::Unsent);
        }
        let url = passage.endpoint.url(&call.path, &call.query);
        let mut request = self.client.request(call.method.clone(), url);
        request = request.insert_header(("X-OpenStack-Request-ID", request_id));
        if let Some(minor) = minor {
            request = request
                .insert_header((OWN_VERSION_HEADER, format!("1.{minor}")))
                .insert_header((COMMON_VERSION_HEADER, format!("baremetal 1.{minor}")));
        }
        if let Some(header) = &passage.pass.header {
            request = request.insert_header(header.clone());
        }
        let mut response = match &call.body {
            Some(body) => {
                request.insert_header((CONTENT_TYPE, "application/json")).send_body(body.clone()).await?
            }
            None => request.send().await?,
        };
        let body = response.body().limit(BODY_LIMIT).await.map_err(|e| e.to_string());
        Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }
}

impl Answer {
    /// The document of a success. One that is needed and cannot be read was cut short on its way.
    fn into_document(self, needs: Needs) -> Result<Value, Failure> {
        if !(200..300).contains(&self.status) {
            return Err(Failure::answered(self.status, &self.body.unwrap_or_default()));
        }
        if needs == Needs::Acceptance {
            return Ok(Value::Null);
        }
        let unreadable = |why: String| Failure::lost(format!("Unable to read the answer of Ironic: {why}"));
        serde_json::from_slice(&self.body.map_err(unreadable)?).map_err(|e| unreadable(e.to_string()))
    }
}
