//! The design that all nodes are held against at the end of their runs, as it was read last.
//!
//! Invariant: whoever asks for it never waits; where it can not be read, the one that was read before stands.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde_json::{Value, json};

use super::Resolver;
use super::compare::compare;
use super::finding::{Finding, Level, failed};
use super::reference::Reference;
use super::site::Site;
use crate::build_data::facts::Facts;
use crate::error::{Error, Result};
use crate::store::documents::digest;

/// The shortest time between two looks at its place.
const LOOK: Duration = Duration::from_secs(5);

/// A design, where it is from and what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// The reference, as it is shown.
    pub reference: String,
    /// SHA-256 of its content, hexadecimal.
    pub digest: String,
    /// What it says.
    pub site: Site,
}

impl Compiled {
    /// What is to be kept of a node that is held against it; nothing where it does not declare the node.
    #[must_use]
    pub fn report(&self, node: Option<&str>, facts: &Facts) -> Option<Value> {
        let declared = self.site.nodes.get(node?)?;
        Some(report(&self.reference, &self.digest, &compare(declared, facts)))
    }
}

/// What is kept of a comparison.
#[must_use]
pub fn report(reference: &str, digest: &str, findings: &[Finding]) -> Value {
    let errors = findings.iter().filter(|found| found.level == Level::Error).count();
    json!({
        "design_ref": reference,
        "design_digest": digest,
        "status": if failed(findings) { "Failure" } else { "Success" },
        "details": {
            "errorCount": errors,
            "messageList": findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
        },
    })
}

/// The one that stands.
pub struct Standing {
    reference: Reference,
    resolver: Arc<Resolver>,
    known: RwLock<Option<Arc<Compiled>>>,
}

impl Standing {
    /// The design at this place, which was not read yet.
    #[must_use]
    pub fn new(reference: Reference, resolver: Arc<Resolver>) -> Arc<Self> {
        Arc::new(Self { reference, resolver, known: RwLock::default() })
    }

    /// It as it was read last.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Compiled>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads it again.
    ///
    /// # Errors
    /// Why it can not be read.
    pub async fn refresh(&self) -> Result<()> {
        let content = self.resolver.content(&self.reference).await?;
        let (reference, known) = (self.reference.shown(), self.current());
        let read = tokio::task::spawn_blocking(move || {
            let digest = digest(&content);
            let is_known = known.is_some_and(|known| known.digest == digest);
            (!is_known).then(|| Compiled { reference, digest, site: Site::read(&content) })
        });
        if let Some(new) = read.await.map_err(Error::internal)? {
            log::info!("The design was read digest={} nodes={}", new.digest, new.site.nodes.len());
            *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(new));
        }
        Ok(())
    }

    /// Reads it again and again.
    pub async fn keep(self: Arc<Self>) {
        loop {
            if let Err(error) = self.refresh().await {
                log::warn!("The design that all nodes are held against can not be read: {error}");
            }
            tokio::time::sleep(self.resolver.remembers().max(LOOK)).await;
        }
    }
}
