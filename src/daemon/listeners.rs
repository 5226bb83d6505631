//! Where requests come in: the sockets of the API and of ramdisks, plain or with TLS.
//!
//! Invariant: a certificate that can not be used keeps the daemon from starting, and changes nothing once it runs.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use crate::config::{Config, Ssl};
use crate::error::{Error, Result};
use crate::http::server::Listener;
use crate::http::tls::{Files, Tls};
use crate::http::unix_socket::{self, SocketFile};

/// Connections that may wait to be accepted; the kernel lowers it to its own limit, `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// The sockets of a daemon that is about to start.
pub(super) struct Listeners {
    pub(super) api: Listener,
    /// Where the API is.
    pub(super) place: Place,
    /// The listener for ramdisks, if they have one of their own.
    pub(super) ramdisks: Option<Listener>,
    pub(super) certificates: Certificates,
}

/// The certificates of the listeners.
#[derive(Clone, Debug, Default)]
pub(super) struct Certificates(Vec<Arc<Tls>>);

/// Where requests come in. Dropped, it leaves no file behind.
#[derive(Debug)]
pub enum Place {
    /// At a TCP port.
    Tcp(SocketAddr),
    /// At a Unix socket.
    Unix(SocketFile),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{} port {}", address.ip(), address.port()),
            Self::Unix(file) => write!(f, "{}", file.path().display()),
        }
    }
}

/// Opens what the configuration asks for.
///
/// # Errors
/// The socket or the file that can not be used.
pub(super) async fn open(config: &Config) -> Result<Listeners> {
    let mut certificates = Certificates::default();
    let api_tls = certificates.open(config.api_tls().cloned()).await?;
    let ramdisk_tls = match config.callback.listen_port {
        Some(_) => certificates.open(config.callback_tls()).await?,
        None => None,
    };
    let (api, place) = match &config.listen_unix_socket {
        Some(path) => listen_unix(path, config.unix_socket_mode())?,
        None => listen_tcp(&config.listen_address, config.listen_port, api_tls)?,
    };
    let ramdisks = listen_for_ramdisks(config, ramdisk_tls)?;
    Ok(Listeners { api, place, ramdisks, certificates })
}

impl Certificates {
    async fn open(&mut self, ssl: Option<Ssl>) -> Result<Option<Arc<Tls>>> {
        let Some(Ssl { cert_file: Some(certificate), key_file: Some(key), ca_file }) = ssl else {
            return Ok(None);
        };
        let files = Files { certificate, key, authorities: ca_file };
        let tls = tokio::task::spawn_blocking(|| Tls::open(files)).await.map_err(Error::internal)??;
        let tls = Arc::new(tls);
        self.0.push(Arc::clone(&tls));
        Ok(Some(tls))
    }

    /// Reads all files again. Those that can not be used change nothing.
    pub(super) async fn reload(&self) {
        for tls in &self.0 {
            let (place, tls) = (tls.place().display(), Arc::clone(tls));
            match tokio::task::spawn_blocking(move || tls.reload()).await.map_err(Error::internal) {
                Ok(Ok(())) => log::info!("A certificate was read again file={place}"),
                Ok(Err(error)) | Err(error) => log::error!(
                    "A certificate could not be read again, the one before stays file={place} error={error}"
                ),
            }
        }
        if self.0.is_empty() {
            log::info!("Nothing is to be read again: there is no certificate");
        }
    }
}

fn listen_unix(path: &Path, mode: Option<u32>) -> Result<(Listener, Place)> {
    let (listener, file) = unix_socket::bind(path, mode)
        .map_err(|cause| Error::bad_request(format!("Can not listen on {}: {cause}", path.display())))?;
    Ok((Listener::Unix(listener), Place::Unix(file)))
}

fn listen_tcp(address: &str, port: u16, tls: Option<Arc<Tls>>) -> Result<(Listener, Place)> {
    let socket = TcpListener::bind((address, port))
        .map_err(|cause| Error::bad_request(format!("Can not listen on {address} port {port}: {cause}")))?;
    // The standard library keeps 128 in the backlog; of a rack that boots at once, the others would be turned away.
    rustix::net::listen(&socket, BACKLOG).map_err(Error::internal)?;
    let place = Place::Tcp(socket.local_addr().map_err(Error::internal)?);
    let listener = match tls {
        Some(tls) => Listener::Tls(socket, tls),
        None => Listener::Tcp(socket),
    };
    Ok((listener, place))
}

fn listen_for_ramdisks(config: &Config, tls: Option<Arc<Tls>>) -> Result<Option<Listener>> {
    let Some(port) = config.callback.listen_port else { return Ok(None) };
    let address = config.callback.listen_address.as_ref().unwrap_or(&config.listen_address);
    let (listener, place) = listen_tcp(address, port, tls)?;
    log::info!("Listening for ramdisks place={place}");
    Ok(Some(listener))
}
