//! OpenStack as a whole: tokens of Keystone and of a Swift alone, the service catalogue, and the HTTP client that all services share.
//!
//! Invariant: passwords and tokens are in no text that is made here. It must not know what its tokens are used for;
//! each service of OpenStack has a client of its own elsewhere.

mod asking;
mod catalog;
pub mod client;
mod credentials;
mod document;
mod failure;
#[cfg(test)]
pub(crate) mod fake;
mod identity;
mod proof;
mod session;
#[cfg(test)]
mod tests;
mod tls;
mod transport;
mod v1;

pub use asking::Asking;
pub use catalog::{Catalog, Lookup};
pub use document::{AccessRule, Document, Named};
pub use failure::{Failure, Sort};
pub use identity::Identity;
pub use proof::{Pass, Proof};
pub use session::{Session, Token};
pub use tls::Tls;
pub use transport::{Answer, Manner, Request, Transport};
pub use v1::V1Session;
