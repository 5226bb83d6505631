//! The content that a reference leads to: read, bounded, remembered for a while.
//!
//! Invariant: only files below the configured folders are read, and only addresses are asked that may be: not those of this
//! machine, of its link or of a cloud's metadata, unless a network is allowed. That holds for the address that is really
//! connected to. Failures are not remembered.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::io::Read as _;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_tls::connect::{Connector as TcpConnector, Resolve, Resolver as NameResolver};
use awc::http::StatusCode;
use awc::{Client, Connector};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use ipnet::IpNet;
use url::{Host, Url};

use super::credentials::Credentials;
use super::reference::Reference;
use crate::error::{Error, Kind, Result};
use crate::openstack::{Failure as NoPass, Pass};

/// Attempts, where the network or the server fails.
const ATTEMPTS: u32 = 3;
/// Before the second one; the next one waits four times as long.
const PAUSE: Duration = Duration::from_millis(500);
/// References that are remembered.
const REMEMBERED: usize = 100;

/// What may be read.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Files below these folders.
    pub folders: Vec<PathBuf>,
    /// Networks that may be asked whatever they are.
    pub networks: Vec<IpNet>,
    /// Bytes of a design.
    pub max_bytes: usize,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long one is remembered.
    pub remember: Duration,
    /// Who we are to servers.
    pub credentials: Credentials,
    /// The design that is taken where none is named.
    pub default: Option<Reference>,
}

/// Reads designs.
pub struct Resolver {
    rules: Rules,
    known: Mutex<HashMap<String, (Instant, Bytes)>>,
}

/// Why nothing came.
enum Failure {
    /// It may be there a moment later.
    Passing(String),
    Final(String),
    /// It does not know us.
    Unauthorized,
}

impl Failure {
    /// Nobody else may be known there.
    fn settled(self) -> Self {
        match self {
            Self::Unauthorized => Self::Final(format!("the server answers {}", StatusCode::UNAUTHORIZED)),
            other => other,
        }
    }
}

fn no_pass(failure: NoPass) -> Failure {
    let why = format!("there is no token: {failure}");
    if failure.is_passing() { Failure::Passing(why) } else { Failure::Final(why) }
}

impl Resolver {
    /// A resolver with an empty memory.
    #[must_use]
    pub fn new(rules: Rules) -> Arc<Self> {
        Arc::new(Self { rules, known: Mutex::default() })
    }

    /// The design that is taken where none is named.
    #[must_use]
    pub fn default(&self) -> Option<&Reference> {
        self.rules.default.as_ref()
    }

    /// How long a design is remembered.
    #[must_use]
    pub fn remembers(&self) -> Duration {
        self.rules.remember
    }

    /// The content of a reference.
    ///
    /// # Errors
    /// Why it can not be read, as a [`Kind::Unprocessable`].
    pub async fn content(&self, reference: &Reference) -> Result<Bytes> {
        let key = reference.shown();
        if let Some(known) = self.remembered(&key) {
            return Ok(known);
        }
        let found = match reference {
            Reference::File(path) => self.file(path.clone()).await,
            Reference::Web(url) | Reference::Service { url, .. } => self.web(reference, url).await,
        };
        let content = found.map_err(|why| {
            Error::new(Kind::Unprocessable, format!("The design {key} can not be read: {why}"))
        })?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, (Instant::now(), content.clone()));
        Ok(content)
    }

    fn remembered(&self, key: &str) -> Option<Bytes> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, content) = known.get(key)?;
        (at.elapsed() < self.rules.remember).then(|| content.clone())
    }

    async fn file(&self, path: PathBuf) -> Result<Bytes, String> {
        let (folders, limit) = (self.rules.folders.clone(), self.rules.max_bytes);
        let read = tokio::task::spawn_blocking(move || read(&path, &folders, limit));
        read.await.map_err(|error| error.to_string())?
    }

    async fn web(&self, reference: &Reference, url: &Url) -> Result<Bytes, String> {
        let mut pause = PAUSE;
        for attempt in 1.. {
            match self.ask_as_known(reference, url).await {
                Ok(content) => return Ok(content),
                Err(Failure::Passing(_)) if attempt < ATTEMPTS => {
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(4);
                }
                Err(Failure::Passing(why) | Failure::Final(why)) => return Err(why),
                Err(Failure::Unauthorized) => return Err("the server does not know us".to_owned()),
            }
        }
        Err("it was never asked for".to_owned())
    }

    /// Asks as who we are. A token that is not taken may have been revoked: then another one is tried, once.
    async fn ask_as_known(&self, reference: &Reference, url: &Url) -> Result<Bytes, Failure> {
        let proof = self.rules.credentials.of(reference).map_err(Failure::Final)?;
        let pass = proof.pass().await.map_err(no_pass)?;
        match self.ask(url, &pass).await {
            Err(Failure::Unauthorized) if proof.reject(&pass) => {
                let pass = proof.pass().await.map_err(no_pass)?;
                self.ask(url, &pass).await.map_err(Failure::settled)
            }
            asked => asked.map_err(Failure::settled),
        }
    }

    async fn ask(&self, url: &Url, pass: &Pass) -> Result<Bytes, Failure> {
        // Names are judged by the resolver below; addresses never get there.
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        if let Some(address) = literal.filter(|address| !may_be_asked(*address, &self.rules.networks)) {
            return Err(Failure::Final(refused(address)));
        }
        let client = self.client();
        let mut request = client.get(url.as_str());
        if let Some(header) = &pass.header {
            request = request.insert_header(header.clone());
        }
        let mut answer = request.send().await.map_err(|error| match chain(&error) {
            why if why.contains(REFUSED) => Failure::Final(why),
            why => Failure::Passing(why),
        })?;
        let status = answer.status();
        if status.is_server_error() {
            return Err(Failure::Passing(format!("the server answers {status}")));
        }
        if status == StatusCode::UNAUTHORIZED {
            return Err(Failure::Unauthorized);
        }
        if !status.is_success() {
            return Err(Failure::Final(format!("the server answers {status}")));
        }
        let limit = self.rules.max_bytes;
        match answer.body().limit(limit.saturating_add(1)).await {
            Ok(body) if body.len() <= limit => Ok(body),
            Ok(_) | Err(awc::error::PayloadError::Overflow) => Err(Failure::Final(too_large(limit))),
            Err(error) => Err(Failure::Passing(error.to_string())),
        }
    }

    fn client(&self) -> Client {
        let names = NameResolver::custom(Guard { networks: self.rules.networks.clone() });
        let connector = Connector::new()
            .connector(TcpConnector::new(names).service())
            .rustls_0_23(self.rules.credentials.tls.client_config())
            .timeout(self.rules.timeout);
        // A redirect would lead past the checks.
        Client::builder()
            .connector(connector)
            .timeout(self.rules.timeout)
            .disable_redirects()
            .add_default_header(("accept-encoding", "identity"))
            .finish()
    }
}

fn too_large(limit: usize) -> String {
    format!("it is larger than {limit} bytes")
}

/// A file below one of the folders, also where links lead elsewhere.
fn read(path: &Path, folders: &[PathBuf], limit: usize) -> Result<Bytes, String> {
    // Whether a file outside is there is nobody's business.
    let outside = || "it is not below one of [design]folders".to_owned();
    let below = |path: &Path| {
        folders.iter().filter_map(|folder| folder.canonicalize().ok()).any(|folder| path.starts_with(folder))
    };
    let real = match path.canonicalize() {
        Ok(real) if below(&real) => real,
        Ok(_) => return Err(outside()),
        Err(error) => {
            let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
            return Err(if parent.is_some_and(|parent| below(&parent)) {
                error.to_string()
            } else {
                outside()
            });
        }
    };
    if !real.is_file() {
        return Err("it is no file".to_owned());
    }
    let file = std::fs::File::open(&real).map_err(|error| error.to_string())?;
    let mut content = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut content).map_err(|error| error.to_string())?;
    if content.len() > limit { Err(too_large(limit)) } else { Ok(content.into()) }
}

/// What begins the text of a refusal.
const REFUSED: &str = "may not be asked";

fn refused(address: IpAddr) -> String {
    format!("the address {address} {REFUSED}: [design]allowed_networks does not have it")
}

/// Whether an address may be asked: not one of this machine, of its link, or of many.
fn may_be_asked(address: IpAddr, networks: &[IpNet]) -> bool {
    let plain = match address {
        IpAddr::V6(address) => address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    if networks.iter().any(|network| network.contains(&plain)) {
        return true;
    }
    match plain {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            // 100.100.0.0/16 holds the metadata of some clouds.
            !(address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_broadcast()
                || first == 0
                || (first, second) == (100, 100))
        }
        IpAddr::V6(address) => {
            let [first, ..] = address.segments();
            !(address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || first & 0xffc0 == 0xfe80
                // An IPv4 address in the clothes of another one.
                || address.to_ipv4().is_some()
                || first == 0x2002
                || (first == 0x0064 && address.segments()[1] == 0xff9b)
                || address == METADATA)
        }
    }
}

/// Where a cloud keeps its metadata in IPv6.
const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);

/// Resolves names, and gives only the addresses that may be asked.
struct Guard {
    networks: Vec<IpNet>,
}

impl Resolve for Guard {
    fn lookup<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> LocalBoxFuture<'a, Result<Vec<SocketAddr>, Box<dyn StdError>>> {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
            let first = found.first().map(SocketAddr::ip);
            let good: Vec<SocketAddr> =
                found.into_iter().filter(|place| may_be_asked(place.ip(), &self.networks)).collect();
            match (good.is_empty(), first) {
                (true, Some(address)) => Err(refused(address).into()),
                _ => Ok(good),
            }
        })
    }
}

/// An error with what lies behind it.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests;
