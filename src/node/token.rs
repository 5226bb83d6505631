//! The one-time token of a run: a secret that the run's callback has to carry, where that is asked for.
//!
//! Invariant: only its digest is stored, and digests are compared in constant time; the token itself is shown once, to
//! whoever it was made for, and never in a log.

use std::fmt;

use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::store::documents;

/// Whether callbacks have to carry the token of their run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// They do not, and none are made.
    Unused,
    /// They do: without it, data for a waiting node is refused.
    Required,
}

/// A token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new one: 244 random bits, of letters and digits only, so that it can stand anywhere in a URL.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()))
    }

    /// The text, for whom it was made for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The digest of a token: SHA-256, hexadecimal.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenDigest(String);

impl TokenDigest {
    /// That of a text that is said to be a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(documents::digest(token.as_bytes()))
    }

    /// As it was stored.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both are of the same token; takes the same time whatever they are.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_digest_and_shown_to_nobody_else() {
        let (token, other) = (Token::random(), Token::random());
        assert_eq!(token.expose().len(), 64);
        assert!(token.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let stored = TokenDigest::stored(token.digest().as_str().to_owned());
        assert!(stored.matches(&TokenDigest::of(token.expose())));
        assert!(!stored.matches(&other.digest()) && !stored.matches(&TokenDigest::of("")));
        assert!(!stored.as_str().contains(token.expose()));
        assert!(!format!("{token:?}{stored:?}").contains(stored.as_str()));
    }
}
