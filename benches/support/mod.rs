//! What the benchmark of callbacks is made of.

pub mod callers;
pub mod daemon;
pub mod database;
pub mod figures;
pub mod instances;
pub mod machines;
pub mod raw_loop;
pub mod report;
pub mod standin;
