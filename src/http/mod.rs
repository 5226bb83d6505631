//! The HTTP interface: the introspection API, version 1, over the trait [`Introspection`].
//!
//! Owns what a client sees: paths, versions, headers, the shape of answers and errors. Invariant: every answer of
//! the application is JSON (or empty), carries the version range, and its status comes from
//! [`crate::error::Kind`]. It must not know the database, the actors or the node service.

mod access;
pub mod auth;
mod body;
mod builds;
mod bulk_action;
mod continue_callback;
mod cors;
mod data;
mod envelope;
mod events;
mod failure;
#[cfg(test)]
mod fake;
mod forwarded;
mod healthcheck;
mod instances;
mod introspection;
mod inventory;
mod inventory_import;
mod json;
mod links;
mod list;
mod metrics;
mod openapi;
mod path;
pub mod policy;
mod query;
pub mod ramdisks;
mod replay;
mod reply;
mod root;
pub mod routes;
mod rules;
pub mod server;
mod settings;
mod sightings;
mod status;
mod tasks;
#[cfg(test)]
mod tests;
pub mod tls;
mod turnstile;
pub mod unix_socket;
mod unread;
pub mod versions;

use std::cell::Cell;
use std::rc::Rc;

use actix_web::App;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web::Data;

use crate::cluster::Members;
use crate::error::{Error, Result};
use crate::health;
use crate::inventory::service::Inventory;
use crate::node::Introspection;
use crate::node::builds::Builds;
use crate::node::rules::Rules;
use crate::tasks::service::Tasks;

pub use cors::Cors;
pub use forwarded::TrustedProxies;
pub use settings::{Healthcheck, MetricsReaders, Settings, Surface};

/// What one worker asks of the daemon. Not `Send`: each worker makes its own.
#[derive(Clone)]
pub struct Services {
    /// What may be asked of the nodes.
    pub nodes: Rc<dyn Introspection>,
    /// What may be asked of the rules.
    pub rules: Rc<dyn Rules>,
    /// What may be asked of all that runs have found.
    pub builds: Rc<dyn Builds>,
    /// What may be asked of the instances.
    pub instances: Rc<dyn Members>,
    /// The operators' record of their hosts.
    pub inventory: Inventory,
    /// What may be asked of tasks.
    pub tasks: Rc<dyn Tasks>,
    /// Whether the daemon can do its work.
    pub health: health::Examine,
}

/// What the handlers of one worker thread share. The services are not `Send`: each worker makes its own.
pub struct Api {
    /// What may be asked of the nodes.
    pub nodes: Rc<dyn Introspection>,
    /// What may be asked of the rules.
    pub rules: Rc<dyn Rules>,
    /// What may be asked of all that runs have found.
    pub builds: Rc<dyn Builds>,
    /// What may be asked of the instances.
    pub instances: Rc<dyn Members>,
    /// The operators' record of their hosts.
    pub inventory: Inventory,
    /// What may be asked of tasks.
    pub tasks: Rc<dyn Tasks>,
    /// Whether the daemon can do its work.
    pub health: health::Examine,
    /// How the interface behaves.
    pub settings: Settings,
    /// Requests under way.
    under_way: Rc<Cell<usize>>,
}

/// One request under way, until it is dropped.
struct UnderWay(Rc<Cell<usize>>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl Api {
    /// The interface of one worker.
    #[must_use]
    pub fn new(services: Services, settings: Settings) -> Self {
        let Services { nodes, rules, builds, instances, inventory, tasks, health } = services;
        let under_way = Rc::default();
        Self { nodes, rules, builds, instances, inventory, tasks, health, settings, under_way }
    }

    /// A place for one more request.
    ///
    /// # Errors
    /// Where there are as many as there may be.
    fn admit(&self) -> Result<UnderWay> {
        if self.under_way.get() >= self.settings.max_requests_per_worker {
            return Err(Error::unavailable("Too many requests are under way, please try again later"));
        }
        self.under_way.set(self.under_way.get().saturating_add(1));
        Ok(UnderWay(Rc::clone(&self.under_way)))
    }
}

/// The whole application: the table of routes inside the envelope that every request goes through.
pub fn app(
    api: Api,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let surface = api.settings.surface;
    App::new()
        .app_data(Data::new(api))
        .configure(move |config| routes::register(config, surface))
        .wrap(from_fn(envelope::envelope))
}
