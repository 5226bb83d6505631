//! TLS of a listener: certificate, key and authorities from files, read again when asked to.
//!
//! Invariant: a connection is offered what was last read whole; files that can not be used change nothing, and no
//! connection ends because of new ones. It must not know where the files are named, and never shows what is in them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme};

use crate::error::{Error, Result};

/// The files, PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate, followed by those that link it to an authority.
    pub certificate: PathBuf,
    /// Its private key, not encrypted.
    pub key: PathBuf,
    /// Authorities of clients: where they are given, every client has to show a certificate of one of them.
    pub authorities: Option<PathBuf>,
}

/// TLS of one listener.
#[derive(Debug)]
pub struct Tls {
    files: Files,
    identity: Arc<Identity>,
    clients: Option<Arc<Clients>>,
}

/// What was read of the files.
struct Material {
    identity: Arc<CertifiedKey>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
}

impl Tls {
    /// Reads the files. Blocks.
    ///
    /// # Errors
    /// Which file can not be used, and why.
    pub fn open(files: Files) -> Result<Self> {
        let Material { identity, clients } = Material::read(&files)?;
        Ok(Self {
            files,
            identity: Arc::new(Identity(RwLock::new(identity))),
            clients: clients.map(|clients| Arc::new(Clients(RwLock::new(clients)))),
        })
    }

    /// Reads the files again: all that comes from now on gets what they hold. Blocks.
    ///
    /// # Errors
    /// As [`Self::open`]; then nothing has changed.
    pub fn reload(&self) -> Result<()> {
        let Material { identity, clients } = Material::read(&self.files)?;
        put(&self.identity.0, identity);
        if let (Some(now), Some(clients)) = (&self.clients, clients) {
            put(&now.0, clients);
        }
        Ok(())
    }

    /// The file of the certificate.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.files.certificate
    }

    /// What the server's library goes by.
    ///
    /// # Errors
    /// Where the library has no version of TLS to offer.
    pub fn server_config(&self) -> Result<ServerConfig> {
        let versions = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(Error::internal)?;
        let identity: Arc<dyn ResolvesServerCert> = self.identity.clone();
        Ok(match &self.clients {
            None => versions.with_no_client_auth().with_cert_resolver(identity),
            Some(clients) => {
                let verifier: Arc<dyn ClientCertVerifier> = clients.clone();
                let mut config = versions.with_client_cert_verifier(verifier).with_cert_resolver(identity);
                // A resumed session would not be held against authorities that were read since.
                config.session_storage = Arc::new(NoServerSessionStorage {});
                config
            }
        })
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn get<T: Clone>(shared: &RwLock<T>) -> T {
    shared.read().unwrap_or_else(PoisonError::into_inner).clone()
}

fn put<T>(shared: &RwLock<T>, value: T) {
    *shared.write().unwrap_or_else(PoisonError::into_inner) = value;
}

impl Material {
    fn read(files: &Files) -> Result<Self> {
        let chain = certificates(&files.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|cause| unusable(&files.key, cause))?;
        let identity = CertifiedKey::from_der(chain, key, &provider()).map_err(|cause| {
            unusable(&files.key, format_args!("it does not fit {}: {cause}", files.certificate.display()))
        })?;
        let clients = files.authorities.as_deref().map(verifier).transpose()?;
        Ok(Self { identity: Arc::new(identity), clients })
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(chain) if chain.is_empty() => Err(unusable(path, "no certificate is in it")),
        other => other.map_err(|cause| unusable(path, cause)),
    }
}

fn verifier(path: &Path) -> Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(path)? {
        roots.add(authority).map_err(|cause| unusable(path, cause))?;
    }
    let built = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    built.map_err(|cause| unusable(path, cause))
}

fn unusable(path: &Path, cause: impl fmt::Display) -> Error {
    Error::bad_request(format!("{} can not be used for TLS: {cause}", path.display()))
}

/// The certificate that is offered at the moment.
#[derive(Debug)]
struct Identity(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Identity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(get(&self.0))
    }
}

/// Who judges the certificates of clients at the moment.
#[derive(Debug)]
struct Clients(RwLock<Arc<dyn ClientCertVerifier>>);

impl ClientCertVerifier for Clients {
    /// None: clients are not told which authorities count, as these may change.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        get(&self.0).verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        get(&self.0).verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        get(&self.0).verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        get(&self.0).supported_verify_schemes()
    }
}
