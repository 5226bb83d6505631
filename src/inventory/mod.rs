//! The inventory: the operators' record of their hosts, exported, edited and imported in bulk.
//!
//! An import goes through four passes: `request` reads (types), `apply` finds out what is meant and makes the
//! after-state, `rules` judges that, `commit` writes. Invariant: the first three write nothing and hold no lock, so a
//! dry run keeps nobody waiting. It must not know HTTP; the database only through [`crate::store`].

mod answer;
mod apply;
mod blob;
mod commit;
mod csv;
pub mod export;
mod fates;
pub mod forest;
mod host;
pub mod links;
pub mod lookups;
pub mod model;
mod names;
mod observed;
pub mod options;
pub mod pieces;
mod plan;
pub mod problem;
mod reader;
mod request;
pub mod rights;
mod rules;
pub mod schema;
pub mod search;
pub mod service;
pub mod shown;
mod snapshot;
mod unique;
mod validators;
pub mod values;
mod yaml;

#[cfg(test)]
mod tests;

pub use answer::{Answer, Verdict};
