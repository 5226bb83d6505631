//! The listener for ramdisks: each connection is accepted at once, and read in its turn.
//!
//! Invariant: apart from the turnstile it is the server of the API, with the same application.

use std::io;
use std::sync::Arc;

use actix_http::{HttpService, TlsAcceptorConfig};
use actix_rt::net::TcpStream;
use actix_service::map_config;
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::{AppConfig, Server, Service, ServiceFactory, fn_factory};
use rustls::ServerConfig;

use super::server::{Listener, SHORTEST_DISCONNECT, ServerSettings};
use super::turnstile::{self, Places, Turnstile};
use super::{Api, Services, Settings};

/// Connections that a worker accepts; more stay in the backlog.
pub const HELD_PER_WORKER: usize = 16_384;

/// Starts to answer ramdisks; otherwise as [`super::server::start`].
///
/// # Errors
/// Where the listener cannot be used.
pub fn start<F>(
    listener: Listener,
    make_services: F,
    settings: &Settings,
    options: &ServerSettings,
) -> io::Result<Server>
where
    F: Fn() -> Services + Send + Clone + 'static,
{
    let workers = options.workers.unwrap_or_else(cores);
    let read = options.max_connections_per_worker.saturating_mul(workers);
    let places = Places::new(read, settings.body_deadline);
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(HELD_PER_WORKER)
        .shutdown_timeout(options.shutdown_timeout_s)
        .disable_signals();
    let (settings, options) = (settings.clone(), options.clone());
    let api = move || Api::new(make_services(), settings.clone());
    let builder = match listener {
        Listener::Tcp(socket) => builder.listen("ramdisks", socket, move || {
            let (api, options) = (api.clone(), options.clone());
            behind(Arc::clone(&places), move || plain(api(), &options))
        }),
        Listener::Tls(socket, tls) => {
            let config = tls.server_config().map_err(io::Error::other)?;
            builder.listen("ramdisks", socket, move || {
                let (api, options, config) = (api.clone(), options.clone(), config.clone());
                behind(Arc::clone(&places), move || secure(api(), &options, config.clone()))
            })
        }
        Listener::Unix(_) => Err(io::Error::other("ramdisks do not come by a Unix socket")),
    };
    Ok(builder?.run())
}

/// The services that `make` makes, each behind the turnstile.
fn behind<F>(
    places: Arc<Places>,
    make: impl Fn() -> F,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = F::Error, InitError = F::InitError>
where
    F: ServiceFactory<TcpStream, Config = (), Response = ()>,
    F::Service: 'static,
    F::Future: 'static,
{
    fn_factory(move || {
        let (places, service) = (Arc::clone(&places), make().new_service(()));
        async move { service.await.map(|service| Turnstile::new(service, places)) }
    })
}

/// Sets what both kinds of connections have in common; the types differ with the kind.
macro_rules! tuned {
    ($builder:expr, $options:expr) => {
        $builder
            .keep_alive($options.keep_alive)
            .client_request_timeout($options.client_request_timeout)
            .client_disconnect_timeout($options.client_disconnect_timeout.max(SHORTEST_DISCONNECT))
    };
}

fn plain(
    api: Api,
    options: &ServerSettings,
) -> impl ServiceFactory<
    TcpStream,
    Config = (),
    Response = (),
    Error = impl std::fmt::Debug + use<>,
    InitError = (),
    Service: Service<TcpStream> + 'static,
    Future: 'static,
> + use<> {
    let app = map_config(actix_service::IntoServiceFactory::into_factory(super::app(api)), |()| {
        AppConfig::default()
    });
    tuned!(HttpService::build(), options).on_connect_ext(turnstile::hand_on).finish(app).tcp()
}

fn secure(
    api: Api,
    options: &ServerSettings,
    config: ServerConfig,
) -> impl ServiceFactory<
    TcpStream,
    Config = (),
    Response = (),
    Error = impl std::fmt::Debug + use<>,
    InitError = (),
    Service: Service<TcpStream> + 'static,
    Future: 'static,
> + use<> {
    let app = map_config(actix_service::IntoServiceFactory::into_factory(super::app(api)), |()| {
        AppConfig::default()
    });
    let handshake = TlsAcceptorConfig::default().handshake_timeout(options.client_request_timeout);
    tuned!(HttpService::build(), options)
        .on_connect_ext(|connection: &TlsStream<TcpStream>, data| {
            turnstile::hand_on(connection.get_ref().0, data)
        })
        .finish(app)
        .rustls_0_23_with_config(config, handshake)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}
