//! Where introspection data goes: the trait, and its implementations, one a file.
//!
//! Our own database takes part in the transitions of nodes and is asked by `store`; what is here is asked over a
//! network or of a disk, before a transition or after it. Invariant: a store knows documents by their keys alone, and
//! nothing of nodes, runs or states; each method may be repeated. Which stores there are is said in `registry`; how one
//! is written, in `docs/writing-a-data-store.md`.

pub mod database;
pub mod folder;
pub mod migration;
pub mod none;
pub mod reading;
pub mod registry;
pub mod swift;
pub mod watched;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use uuid::Uuid;

use crate::error::Error;
use crate::node::Variant;

/// Names a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The node that it is about.
    pub node: Uuid,
    /// Which of its documents.
    pub variant: Variant,
}

impl Key {
    /// The key of a node's document.
    #[must_use]
    pub fn new(node: Uuid, variant: Variant) -> Self {
        Self { node, variant }
    }

    /// The name of its object or file, as the ancestor names it.
    #[must_use]
    pub fn object(&self) -> String {
        match self.variant {
            Variant::Processed => format!("inspector_data-{}", self.node),
            Variant::Raw => format!("inspector_data-{}-UNPROCESSED", self.node),
        }
    }
}

/// Whether the same may go well a moment later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// It may.
    Yes,
    /// It will not.
    No,
}

/// Why a store did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whether another attempt may help.
    pub passing: Passing,
    /// What happened, for clients; one line without secrets.
    pub text: String,
}

impl Failure {
    /// A failure that may be over soon.
    pub fn passing(text: impl Into<String>) -> Self {
        Self { passing: Passing::Yes, text: text.into() }
    }

    /// A failure that stays.
    pub fn lasting(text: impl Into<String>) -> Self {
        Self { passing: Passing::No, text: text.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::bad_request(failure.text)
    }
}

/// What a store answers.
pub type StoreResult<T> = Result<T, Failure>;

/// A place for documents. Each method is one attempt with a deadline of its own, and may be repeated.
#[async_trait]
pub trait DataStore: Send + Sync {
    /// Keeps a document in the place of the one with the same key. When it returns, the document is safe.
    async fn save(&self, key: &Key, document: Bytes) -> StoreResult<()>;

    /// A document, byte by byte as it was saved; nothing where there is none.
    async fn get(&self, key: &Key) -> StoreResult<Option<Bytes>>;

    /// Whether it keeps exactly this document, without it being carried here where that can be helped.
    async fn holds(&self, key: &Key, document: &Bytes) -> StoreResult<bool>;

    /// Removes a document; one that is not there is no failure.
    async fn remove(&self, key: &Key) -> StoreResult<()>;
}

#[cfg(doctest)]
#[doc = include_str!("../../docs/writing-a-data-store.md")]
struct TheGuide;
