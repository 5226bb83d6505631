//! A document on its way to its node.
//!
//! Invariant: what was posted is always there in its compressed form; the parsed one is kept only while memory is
//! plentiful, and is made anew where it is missing. Thousands of documents wait for the node service at a time, and
//! a parsed one is ten times the size.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::discovery;
use super::matching::Explanation;
use super::token::TokenDigest;
use crate::admission::{OVERHEAD_BYTES, Reservation};
use crate::error::Result;
use crate::node_service::Object;
use crate::processing::Pipeline;
use crate::processing::document;
use crate::processing::ramdisk_logs::{Origin, RamdiskLogs};
use crate::store::documents::{self, Packed};

/// How much larger a parsed document is than its text: each value takes 72 bytes, each text and key one more block.
const PARSED_FACTOR: usize = 8;

/// A document that has been through the pre hooks.
#[derive(Debug, PartialEq)]
pub struct Posting {
    /// As posted, without the logs.
    pub raw: Packed,
    /// What the pre hooks found wrong, a line each.
    pub failures: Vec<String>,
    /// The ramdisk's logs.
    pub logs: Option<RamdiskLogs>,
    /// What the file of the logs is named after; the node is filled in when it is known.
    pub origin: Origin,
    /// How it came to its node, once that is known.
    pub matched: Option<Explanation>,
    /// Whether its node was made for it.
    pub discovered: bool,
    /// The token that it carries, where it carries one.
    pub token: Option<TokenDigest>,
    held: Held,
}

/// What is in memory beyond the rest, and what it has reserved.
#[derive(Debug, Default)]
struct Held(Mutex<(Option<Object>, Option<Reservation>)>);

/// It follows from the rest.
impl PartialEq for Held {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Posting {
    /// A posting whose parsed document is not kept.
    #[must_use]
    pub fn new(raw: Packed, failures: Vec<String>, logs: Option<RamdiskLogs>, origin: Origin) -> Self {
        Self {
            raw,
            failures,
            logs,
            origin,
            matched: None,
            discovered: false,
            token: None,
            held: Held::default(),
        }
    }

    /// Keeps the parsed document too.
    #[must_use]
    pub fn with_document(self, document: Object) -> Self {
        self.held().0 = Some(document);
        self
    }

    /// Accounts for its memory with a reservation, and gives up the parsed document where room is short.
    #[must_use]
    pub fn within(self, mut room: Reservation) -> Self {
        let text = usize::try_from(self.raw.size_bytes).unwrap_or(usize::MAX);
        let compact = self.compact_bytes();
        let parsed = text.saturating_mul(PARSED_FACTOR).saturating_add(compact);
        let mut held = self.held();
        if room.grow_if_plenty(parsed) {
            room.shrink_to(parsed);
        } else {
            held.0 = None;
            room.shrink_to(compact);
        }
        held.1 = Some(room);
        drop(held);
        self
    }

    /// The document as the pre hooks left it; it is not kept any longer. Takes long for a reactor thread.
    ///
    /// # Errors
    /// Where the compressed form is damaged.
    pub fn take_document(&self, pipeline: &Pipeline) -> Result<Object> {
        let mut document = match self.give_up_parsed() {
            Some(document) => document,
            None => self.parse(pipeline)?,
        };
        if self.discovered {
            document.insert(discovery::MARK.to_owned(), Value::Bool(true));
        }
        Ok(document)
    }

    fn parse(&self, pipeline: &Pipeline) -> Result<Object> {
        let Packed { codec, size_bytes, body, .. } = &self.raw;
        let mut document = document::decode(&documents::unpack(*codec, *size_bytes, body)?)?;
        // Its failures are known.
        drop(pipeline.prepare(&mut document));
        Ok(document)
    }

    fn give_up_parsed(&self) -> Option<Object> {
        let mut held = self.held();
        if let Some(room) = &mut held.1 {
            room.shrink_to(self.compact_bytes());
        }
        held.0.take()
    }

    fn compact_bytes(&self) -> usize {
        let logs = self.logs.as_ref().map_or(0, |logs| logs.as_str().len());
        self.raw.body.len().saturating_add(logs).saturating_add(OVERHEAD_BYTES)
    }

    fn held(&self) -> MutexGuard<'_, (Option<Object>, Option<Reservation>)> {
        self.held.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::prepare;
    use super::*;
    use crate::admission::Budget;

    const KIB: usize = 1024;

    fn pipeline() -> Pipeline {
        Pipeline::from_config(&crate::config::Config::default()).unwrap()
    }

    fn body() -> Vec<u8> {
        let disks: Vec<Value> = (0..40).map(|n| json!({"name": format!("/dev/sd{n}"), "size": n})).collect();
        json!({"inventory": {"disks": disks}, "logs": "QUJD".repeat(KIB)}).to_string().into_bytes()
    }

    async fn posted(pipeline: &Pipeline, budget: &Budget) -> Posting {
        let mut room = budget.reservation();
        room.grow_to(body().len()).await.unwrap();
        prepare::from_body(pipeline, &body()).unwrap().posting.within(room)
    }

    #[actix_web::test]
    async fn a_document_made_anew_is_the_one_that_was_given_up() {
        let (pipeline, budget) = (pipeline(), Budget::new(1024 * KIB));
        let posting = posted(&pipeline, &budget).await;
        assert!(posting.held().0.is_some());
        let kept = posting.take_document(&pipeline).unwrap();
        assert!(posting.held().0.is_none());
        assert_eq!(posting.take_document(&pipeline).unwrap(), kept);
        assert_eq!(kept["inventory"]["disks"].as_array().unwrap().len(), 40);
    }

    #[actix_web::test]
    async fn the_parsed_document_is_given_up_at_once_where_room_is_short() {
        let (pipeline, budget) = (pipeline(), Budget::new(OVERHEAD_BYTES + 8 * KIB));
        let posting = posted(&pipeline, &budget).await;
        assert!(posting.held().0.is_none());
        assert!(posting.take_document(&pipeline).unwrap().contains_key("inventory"));
    }

    #[actix_web::test]
    async fn the_room_follows_what_is_kept() {
        let (pipeline, budget) = (pipeline(), Budget::new(1024 * KIB));
        let posting = posted(&pipeline, &budget).await;
        let whole = budget.free_bytes();
        drop(posting.take_document(&pipeline).unwrap());
        assert!(budget.free_bytes() > whole);
        drop(posting);
        assert_eq!(budget.free_bytes(), 1024 * KIB);
    }
}
