//! TLS over real sockets: what is offered, to whom, and what becomes of it when the files change.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::http::Version;
use awc::{Client, ClientBuilder, Connector};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

use super::super::server::Listener;
use super::super::tls::{Files, Tls};
use super::Settings;
use super::wire::serve;

/// Somebody who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, PEM.
struct Signed {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn sign(&self, name: &str) -> Signed {
        let key = KeyPair::generate().unwrap();
        let issuer: &Issuer<'_, _> = &self.0;
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, issuer).unwrap();
        Signed { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// The files of a listener.
struct Folder(TempDir);

impl Folder {
    fn with(signed: &Signed) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.put(signed);
        folder
    }

    fn put(&self, signed: &Signed) {
        fs::write(self.at("cert"), &signed.certificate).unwrap();
        fs::write(self.at("key"), &signed.key).unwrap();
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn open(&self, authorities: Option<PathBuf>) -> crate::error::Result<Tls> {
        Tls::open(Files { certificate: self.at("cert"), key: self.at("key"), authorities })
    }
}

/// A client that believes one authority and may show a certificate.
fn client(authority: &Authority, shown: Option<&Signed>) -> Client {
    speaking(b"http/1.1", authority, shown)
}

/// The same in a version of HTTP.
fn speaking(version: &[u8], authority: &Authority, shown: Option<&Signed>) -> Client {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match shown {
        None => config.with_no_client_auth(),
        Some(signed) => {
            let chain = vec![CertificateDer::from_pem_slice(signed.certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(signed.key.as_bytes()).unwrap();
            config.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = vec![version.to_vec()];
    ClientBuilder::new().connector(Connector::new().rustls_0_23(Arc::new(config))).finish()
}

fn listen(tls: &Arc<Tls>) -> (SocketAddr, ServerHandle) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    (address, serve(Listener::Tls(socket, Arc::clone(tls)), &Settings::default()))
}

/// What `GET /` says, or why there is no answer.
async fn ask(client: &Client, address: SocketAddr) -> Result<String, String> {
    let url = format!("https://localhost:{}/", address.port());
    let mut response = client.get(url).send().await.map_err(|error| error.to_string())?;
    let body = response.body().await.map_err(|error| error.to_string())?;
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

#[actix_web::test]
async fn a_listener_speaks_tls_and_its_links_say_so() {
    let authority = Authority::new();
    let folder = Folder::with(&authority.sign("localhost"));
    let (address, server) = listen(&Arc::new(folder.open(None).unwrap()));
    let answer = ask(&client(&authority, None), address).await.unwrap();
    assert!(answer.contains(&format!("https://localhost:{}/v1", address.port())), "{answer}");
    assert!(ask(&client(&Authority::new(), None), address).await.is_err());
    server.stop(false).await;
}

#[actix_web::test]
async fn new_files_are_for_new_connections_and_bad_ones_for_none() {
    let (old, new) = (Authority::new(), Authority::new());
    let folder = Folder::with(&old.sign("localhost"));
    let tls = Arc::new(folder.open(None).unwrap());
    let (address, server) = listen(&tls);
    let early = client(&old, None);
    ask(&early, address).await.unwrap();

    let next = new.sign("localhost");
    for (certificate, key) in [
        ("", next.key.as_str()),
        (next.certificate.as_str(), "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n"),
        (next.certificate.as_str(), new.sign("localhost").key.as_str()),
    ] {
        fs::write(folder.at("cert"), certificate).unwrap();
        fs::write(folder.at("key"), key).unwrap();
        let error = tls.reload().unwrap_err();
        assert!(error.text.contains("can not be used for TLS") && !error.text.contains("bm90"), "{error}");
        ask(&client(&old, None), address).await.unwrap();
    }
    folder.put(&next);
    tls.reload().unwrap();
    ask(&client(&new, None), address).await.unwrap();
    assert!(ask(&client(&old, None), address).await.is_err());
    // The connection from before goes on: a new one would not be believed.
    ask(&early, address).await.unwrap();
    server.stop(false).await;
}

#[actix_web::test]
async fn clients_show_a_certificate_where_authorities_are_named() {
    let (ours, theirs, later) = (Authority::new(), Authority::new(), Authority::new());
    let folder = Folder::with(&ours.sign("localhost"));
    fs::write(folder.at("ca"), theirs.pem()).unwrap();
    let tls = Arc::new(folder.open(Some(folder.at("ca"))).unwrap());
    let (address, server) = listen(&tls);
    let known = client(&ours, Some(&theirs.sign("operator")));
    ask(&known, address).await.unwrap();
    assert!(ask(&client(&ours, None), address).await.is_err());
    assert!(ask(&client(&ours, Some(&later.sign("operator"))), address).await.is_err());

    fs::write(folder.at("ca"), later.pem()).unwrap();
    tls.reload().unwrap();
    ask(&client(&ours, Some(&later.sign("operator"))), address).await.unwrap();
    assert!(ask(&client(&ours, Some(&theirs.sign("operator"))), address).await.is_err());
    server.stop(false).await;
}

#[actix_web::test]
async fn a_client_of_http_2_that_sends_too_much_can_read_why() {
    let authority = Authority::new();
    let folder = Folder::with(&authority.sign("localhost"));
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/v1/continue", socket.local_addr().unwrap().port());
    let listener = Listener::Tls(socket, Arc::new(folder.open(None).unwrap()));
    let server = serve(listener, &Settings { max_body_bytes: 1000, ..Settings::default() });
    for version in ["", "9.9"] {
        let asking = speaking(b"h2", &authority, None).post(&url);
        let asking = match version {
            "" => asking,
            version => asking.insert_header(("X-OpenStack-Ironic-Inspector-API-Version", version)),
        };
        let mut answer = asking.send_body(vec![b' '; 3_000_000]).await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        assert_eq!(answer.status(), if version.is_empty() { 413 } else { 406 });
        assert!(answer.body().await.unwrap().starts_with(b"{\"error\""));
    }
    server.stop(false).await;
}

#[test]
fn files_that_can_not_be_used_are_named() {
    let authority = Authority::new();
    let folder = Folder::with(&authority.sign("localhost"));
    let error = folder.open(Some(folder.at("none"))).unwrap_err();
    assert!(error.text.contains("none can not be used for TLS"), "{error}");
    fs::write(folder.at("empty"), "no certificate").unwrap();
    assert!(folder.open(Some(folder.at("empty"))).unwrap_err().text.contains("no certificate is in it"));
    fs::remove_file(folder.at("key")).unwrap();
    assert!(folder.open(None).unwrap_err().text.contains("key can not be used for TLS"));
}
