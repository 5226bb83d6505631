//! Secrets as they are remembered: by a digest that is keyed anew by each process.
//!
//! Invariant: no secret can be told from its digest, nor two lists of texts be taken for one another.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// What is kept of a secret.
pub(super) type Digest = [u8; 32];

/// What makes digests worthless elsewhere: two random numbers, about 240 bits.
pub(super) struct DigestKey([Uuid; 2]);

impl DigestKey {
    pub(super) fn new() -> Self {
        Self([Uuid::new_v4(), Uuid::new_v4()])
    }

    /// The digest of texts; the length of each stands before it.
    pub(super) fn digest(&self, texts: &[&str]) -> Digest {
        let mut hash = Sha256::new();
        self.0.iter().for_each(|key| hash.update(key.as_bytes()));
        for text in texts {
            hash.update(text.len().to_le_bytes());
            hash.update(text.as_bytes());
        }
        hash.finalize().into()
    }
}
