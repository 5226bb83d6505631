//! Rules that say who may do what: the language of oslo.policy.
//!
//! Owns how a rule is read, how rules refer to one another, and whether a caller satisfies one. Invariant: what can not
//! be understood is refused when it is read; nothing is let through or shut out by a slip in a file. It must not know
//! requests, tokens or what the rules protect.

mod caller;
mod check;
mod document;
mod parser;
mod rules;
#[cfg(test)]
mod tests;

pub use caller::Caller;
pub use document::parse as parse_document;
pub use rules::{Rules, Source};
