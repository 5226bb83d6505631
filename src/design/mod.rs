//! The design: documents that declare the hardware that a site should have, where they are, what is wrong with them, and
//! where machines differ.
//!
//! Invariant: what cannot be read is an error with its cause, never a design without nodes. It must not know tasks or
//! HTTP of ours.

pub mod compare;
mod credentials;
mod document;
mod fetch;
pub mod finding;
pub mod reference;
mod schema;
pub mod site;
pub mod standing;

pub use self::credentials::Credentials;
pub use self::fetch::{Resolver, Rules};
