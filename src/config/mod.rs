//! The configuration: one TOML file, over it the environment.
//!
//! Options of the ancestor's `[DEFAULT]` stand at top level; every other section is a table of the same name,
//! with the same option names and defaults. Own options stand beside them. Invariant: no known option is
//! accepted and ignored: it is used, or refused as not there yet, or told of as having no effect.

mod absent;
mod authtoken;
mod build_data;
mod callback;
mod check;
mod cluster;
mod cors;
mod database;
mod design;
mod discovery;
mod draft;
mod environment;
mod file;
mod forms;
mod hooks;
mod http;
pub mod import;
mod inventory;
pub mod ironic;
mod keystone;
mod kind;
mod load;
mod names;
pub mod processing;
mod pxe_filter;
mod report;
mod root;
mod sample;
mod secret;
mod spec;
mod swift;
mod tasks;
#[cfg(test)]
mod tests;
mod tls;

pub use authtoken::{KeystoneAuthtoken, OsloPolicy};
pub use build_data::BuildData;
pub use callback::Callback;
pub use cluster::Cluster;
pub use cors::Cors;
pub use database::{Database, DatabaseUrl};
pub use design::Design;
pub use discovery::Discovery;
pub use forms::cidr_and_network;
pub use hooks::{Accelerators, ExtraHardware, PortPhysnet};
pub use http::{Healthcheck, Metrics};
pub use inventory::Inventory;
pub use ironic::Ironic;
pub use keystone::{Adapter, Auth, AuthType};
pub use load::{Loaded, inspect};
pub use processing::{
    AddPorts, Capabilities, DEFAULT_HOOKS, KeepPorts, NotFoundHook, PciDevices, Processing,
};
pub use pxe_filter::{PxeFilter, PxeFilterDriver};
pub use report::Report;
pub use root::{AuthStrategy, Config, NodeServiceKind};
pub use sample::sample;
pub use secret::Secret;
pub use swift::Swift;
pub use tasks::Tasks;
pub use tls::Ssl;

use spec::Section;

/// All sections, in the order of the sample; the first is the top level.
fn sections() -> impl Iterator<Item = &'static Section> {
    SECTIONS.iter().copied().chain(absent::SECTIONS)
}

const SECTIONS: &[&Section] = &[
    &root::SECTION,
    &callback::SECTION,
    &cluster::SECTION,
    &database::SECTION,
    &ironic::SECTION,
    &processing::PROCESSING,
    &swift::SECTION,
    &processing::CAPABILITIES,
    &processing::PCI_DEVICES,
    &build_data::SECTION,
    &inventory::SECTION,
    &tasks::SECTION,
    &design::SECTION,
    &discovery::SECTION,
    &hooks::ACCELERATORS,
    &hooks::EXTRA_HARDWARE,
    &hooks::PORT_PHYSNET,
    &pxe_filter::SECTION,
    &pxe_filter::IPTABLES,
    &pxe_filter::DNSMASQ,
    &http::HEALTHCHECK,
    &http::METRICS,
    &cors::SECTION,
    &tls::SECTION,
    &authtoken::OSLO_POLICY,
    &authtoken::KEYSTONE_AUTHTOKEN,
    &http::EXCEPTION,
];
