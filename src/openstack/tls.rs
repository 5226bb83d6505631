//! TLS towards servers: whom we believe, and who we are to them.
//!
//! Invariant: without `insecure`, no server is believed that no authority vouches for.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme};

use crate::config;

/// TLS as a section of the configuration has it; cheap to clone.
#[derive(Clone)]
pub struct Tls(Arc<ClientConfig>);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files that the options name. It waits for the disk.
    ///
    /// # Errors
    /// What is wrong, with the name of the option.
    pub fn from_config(options: &config::Auth) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(verifier(options, provider)?);
        let mut client = match &options.certfile {
            None => builder.with_no_client_auth(),
            Some(certfile) => {
                let (chain, key) = identity(certfile, options.keyfile.as_ref().unwrap_or(certfile))?;
                builder.with_client_auth_cert(chain, key).map_err(|error| format!("certfile: {error}"))?
            }
        };
        // One exchange per connection, so that a hanging one delays no other.
        client.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(client)))
    }

    /// What the HTTP client takes.
    pub(crate) fn client_config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }
}

fn verifier(
    options: &config::Auth,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    if options.insecure {
        return Ok(Arc::new(AnyServer(provider)));
    }
    let mut roots = RootCertStore::empty();
    match &options.cafile {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            for authority in certificates("cafile", path)? {
                roots.add(authority).map_err(|error| format!("cafile: {}: {error}", path.display()))?;
            }
        }
    }
    let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    Ok(built.map_err(|error| error.to_string())?)
}

/// The certificates of a PEM file; at least one.
fn certificates(option: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let told = |error: String| format!("{option}: {}: {error}", path.display());
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => Err(told("there is no certificate in it".to_owned())),
        Ok(found) => Ok(found),
        Err(error) => Err(told(error.to_string())),
    }
}

fn identity(
    certfile: &Path,
    keyfile: &Path,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let chain = certificates("certfile", certfile)?;
    let key = PrivateKeyDer::from_pem_file(keyfile)
        .map_err(|error| format!("keyfile: {}: {error}", keyfile.display()))?;
    Ok((chain, key))
}

/// Believes any certificate, as `insecure` asks for; who holds it must still hold its key.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
