//! The server: sockets, workers and the time limits of connections around the application.
//!
//! It takes no signals: whoever starts it also stops it.

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::Server;

use super::tls::Tls;
use super::{Api, Services, Settings};

/// Where requests come from.
#[derive(Debug)]
pub enum Listener {
    /// A TCP socket.
    Tcp(TcpListener),
    /// A TCP socket on which TLS is spoken.
    Tls(TcpListener, Arc<Tls>),
    /// A Unix socket.
    Unix(UnixListener),
}

/// How connections are handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Threads that answer requests; `None` is one for each processor.
    pub workers: Option<usize>,
    /// Open connections for each worker; more wait in the backlog.
    pub max_connections_per_worker: usize,
    /// How long a client may take to send a request's head. Long, since the answer is 408, which a ramdisk does
    /// not try again.
    pub client_request_timeout: Duration,
    /// How long an idle connection stays open; zero closes each after its answer.
    pub keep_alive: Duration,
    /// How long a client may go on sending a body that was refused, so that it can read why; a second at least.
    pub client_disconnect_timeout: Duration,
    /// How long requests under way may take to end when the server stops, in seconds.
    pub shutdown_timeout_s: u64,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            workers: None,
            max_connections_per_worker: 10_000,
            client_request_timeout: Duration::from_secs(30),
            keep_alive: Duration::from_secs(75),
            client_disconnect_timeout: Duration::from_secs(5),
            shutdown_timeout_s: 30,
        }
    }
}

/// The framework's clock moves in steps of half a second, and a deadline that has passed already never fires.
pub(super) const SHORTEST_DISCONNECT: Duration = Duration::from_secs(1);

/// Starts to answer on the listeners. Each worker makes its own services; the server runs while it is awaited (or
/// spawned), and stops by its handle.
///
/// # Errors
/// Where a listener cannot be used.
pub fn start<F>(
    listeners: Vec<Listener>,
    make_services: F,
    settings: &Settings,
    options: &ServerSettings,
) -> io::Result<Server>
where
    F: Fn() -> Services + Send + Clone + 'static,
{
    let api_settings = settings.clone();
    let server = HttpServer::new(move || super::app(Api::new(make_services(), api_settings.clone())))
        .max_connections(options.max_connections_per_worker)
        .client_request_timeout(options.client_request_timeout)
        .tls_handshake_timeout(options.client_request_timeout)
        .client_disconnect_timeout(options.client_disconnect_timeout.max(SHORTEST_DISCONNECT))
        .keep_alive(options.keep_alive)
        .shutdown_timeout(options.shutdown_timeout_s)
        .disable_signals();
    let server = match options.workers {
        Some(workers) => server.workers(workers),
        None => server,
    };
    let server = listeners.into_iter().try_fold(server, |server, listener| match listener {
        Listener::Tcp(socket) => server.listen(socket),
        Listener::Tls(socket, tls) => {
            server.listen_rustls_0_23(socket, tls.server_config().map_err(io::Error::other)?)
        }
        Listener::Unix(socket) => server.listen_uds(socket),
    })?;
    Ok(server.run())
}
