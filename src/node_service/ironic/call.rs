//! One call, before it is made: what is asked, of what, and how stubbornly.
//!
//! Invariant: the path is encoded already. It knows nothing of versions, credentials or connections.

use awc::http::Method;
use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

use super::retry::{Effort, Terms};
use crate::node_service::{FailureKind, ServiceError, ServiceResult};

/// What stands for the node of a call that is about none.
const NO_NODE: &str = "-";

/// What the caller needs of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// The document.
    Document,
    /// That it was accepted.
    Acceptance,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The encoded path from `/v1` on.
    pub path: String,
    /// The query, not encoded.
    pub query: Vec<(&'static str, String)>,
    /// The JSON body.
    pub body: Option<Bytes>,
    /// What the caller needs of the answer.
    pub needs: Needs,
    /// How it wants to be repeated.
    pub terms: Terms,
    /// The node it is about, for the log.
    pub node: String,
}

impl Call {
    fn new(method: Method, path: String, needs: Needs) -> Self {
        let terms = Terms { effort: Effort::PassingFailures, settled_by: None };
        Self { method, path, query: Vec::new(), body: None, needs, terms, node: NO_NODE.to_owned() }
    }

    /// Reads a document.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path.into(), Needs::Document)
    }

    /// Removes a resource.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path.into(), Needs::Acceptance)
    }

    /// Sends a document.
    pub fn send(
        method: Method,
        path: impl Into<String>,
        body: &(impl Serialize + ?Sized),
    ) -> ServiceResult<Self> {
        let body =
            serde_json::to_vec(body).map_err(|e| ServiceError::new(FailureKind::Refused, e.to_string()))?;
        Ok(Self { body: Some(body.into()), ..Self::new(method, path.into(), Needs::Acceptance) })
    }

    /// With one more member of the query.
    pub fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Tried again after any failure.
    pub fn stubborn(mut self) -> Self {
        self.terms.effort = Effort::AnyFailure;
        self
    }

    /// Not tried again after this status.
    pub fn settled_by(mut self, status: u16) -> Self {
        self.terms.settled_by = Some(status);
        self
    }

    /// The node it is about, if it is about one.
    pub fn about_node(&self) -> Option<&str> {
        Some(self.node.as_str()).filter(|node| *node != NO_NODE)
    }

    /// Whether it changes anything.
    pub fn changes(&self) -> bool {
        self.method != Method::GET
    }

    /// What it does, in the words of the metrics.
    pub fn name(&self) -> &'static str {
        let resource: Vec<&str> = self.path.trim_start_matches("/v1/").split('/').collect();
        match (self.method.as_str(), resource.as_slice()) {
            ("GET", ["nodes"]) => "list nodes",
            ("GET", ["nodes", _]) => "get node",
            ("GET", ["nodes", _, "validate"]) => "validate power",
            ("GET", ["nodes", _, "states"]) => "get power state",
            ("PUT", ["nodes", _, "states", ..]) => "set power",
            ("PUT", ["nodes", _, "management", ..]) => "set boot device",
            ("PUT", ["nodes", _, "traits"]) => "set traits",
            ("PATCH", ["nodes", _]) => "patch node",
            ("GET", ["ports", ..]) => "list ports",
            ("POST", ["ports"]) => "create port",
            ("PATCH", ["ports", _]) => "patch port",
            ("DELETE", ["ports", _]) => "delete port",
            _ => "other",
        }
    }

    /// About this node.
    pub fn about(mut self, node: Uuid) -> Self {
        self.node = node.to_string();
        self
    }
}
