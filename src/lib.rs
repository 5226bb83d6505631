//! Rollcall: a bare-metal introspection daemon.
//!
//! A machine boots a ramdisk, the ramdisk posts what hardware it found, and Rollcall walks that node through a
//! durable state machine, processes the data, updates the node's record and powers the machine off again.

pub mod admission;
pub mod ancestor;
pub mod build_data;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod context;
pub mod crash;
pub mod daemon;
pub mod data_store;
pub mod demo;
pub mod design;
pub mod error;
pub mod fsm;
pub mod health;
pub mod http;
pub mod inventory;
pub mod logging;
pub mod mac;
pub mod metrics;
pub mod node;
pub mod node_service;
pub mod openstack;
pub mod policy;
pub mod processing;
#[cfg(test)]
pub(crate) mod standin;
pub mod store;
pub mod supervisor;
pub mod tasks;
