//! Documents as objects of Swift, named and placed as the ancestor does it.
//!
//! Invariant: Swift is told the MD5 of what it gets and compares, so that what it accepts is what was sent. The
//! container is made when Swift says that it is not there, and not asked for otherwise. A token that is refused is
//! replaced once. Texts are those that clients know; neither password nor token is in them.

#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use awc::http::Method;
use awc::http::header::{ETAG, HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use md5::{Digest, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{DataStore, Failure, Key, Passing, StoreResult};
use crate::config;
use crate::error::{Error, Result};
use crate::openstack::{self, Answer, Lookup, Manner, Proof, Request, Tls, Transport};

const DELETE_AFTER: HeaderName = HeaderName::from_static("x-delete-after");
/// How large a document may be; callbacks are smaller.
const BODY_LIMIT: usize = 256 * 1024 * 1024;
/// How much of a foreign text is kept.
const TEXT_LIMIT: usize = 300;
/// What needs no encoding in a path: the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One container of an account.
#[derive(Debug)]
pub struct Swift {
    proof: Proof,
    /// The account, where it is not for the token to tell.
    account: Option<String>,
    service_type: String,
    container: String,
    delete_after: Option<HeaderValue>,
    transport: Transport,
}

/// A request before it is known where the account is.
struct Asked<'a> {
    method: Method,
    /// From the account on, encoded.
    path: &'a str,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Bytes>,
}

impl Swift {
    /// As the section has it. It waits for the disk.
    ///
    /// # Errors
    /// What can not be used of the options.
    pub fn from_config(options: &config::Swift) -> Result<Self> {
        if let Some(problem) = options.problems().into_iter().next() {
            return Err(Error::bad_request(problem));
        }
        let told = |wrong| Error::bad_request(format!("[swift]{wrong}"));
        let tls = Tls::from_config(&options.auth).map_err(told)?;
        let (timeout, connections) = (Duration::from_secs(options.timeout), options.max_concurrency);
        let proof = Proof::from_config(&options.auth, Lookup::from_config(&options.adapter), &tls, timeout)?;
        let manner = Manner { service: "Swift", tls, timeout, connections, body_limit: BODY_LIMIT };
        Ok(Self {
            proof,
            account: options.endpoint_override.as_ref().map(|url| url.trim_end_matches('/').to_owned()),
            service_type: options.service_type.clone(),
            container: options.container.clone(),
            delete_after: (options.delete_after > 0).then(|| HeaderValue::from(options.delete_after)),
            transport: Transport::start(manner)?,
        })
    }

    async fn account(&self) -> std::result::Result<String, openstack::Failure> {
        match &self.account {
            Some(account) => Ok(account.clone()),
            None => {
                let found = self.proof.endpoint(&self.service_type).await?;
                Ok(found.trim_end_matches('/').to_owned())
            }
        }
    }

    fn container_path(&self) -> String {
        format!("/{}", utf8_percent_encode(&self.container, RESERVED))
    }

    fn object_path(&self, key: &Key) -> String {
        // The name of an object needs no encoding.
        format!("{}/{}", self.container_path(), key.object())
    }

    /// Sends a request; where Swift does not accept our token, with another one, once.
    async fn ask(&self, asked: Asked<'_>) -> std::result::Result<Answer, Trouble> {
        let again = Asked {
            method: asked.method.clone(),
            headers: asked.headers.clone(),
            body: asked.body.clone(),
            ..asked
        };
        let (answer, pass) = self.ask_once(asked).await?;
        if answer.status != 401 || !self.proof.reject(&pass) {
            return Ok(answer);
        }
        log::info!("Swift does not accept our token: another one is asked for");
        Ok(self.ask_once(again).await?.0)
    }

    async fn ask_once(&self, asked: Asked<'_>) -> std::result::Result<(Answer, openstack::Pass), Trouble> {
        let pass = self.proof.pass().await.map_err(Trouble::Door)?;
        let account = self.account().await.map_err(Trouble::Door)?;
        let headers = asked.headers.into_iter().chain(pass.header.clone()).collect();
        let url = format!("{account}{}", asked.path);
        let request = Request { method: asked.method, url, headers, body: asked.body };
        let answer = self.transport.send(request).await.map_err(Trouble::Way)?;
        Ok((answer, pass))
    }

    async fn put(&self, key: &Key, document: &Bytes, md5: &str) -> std::result::Result<Answer, Trouble> {
        let etag = HeaderValue::from_str(md5).ok().map(|md5| (ETAG, md5));
        let expiry = self.delete_after.clone().map(|seconds| (DELETE_AFTER, seconds));
        let path = self.object_path(key);
        let headers = etag.into_iter().chain(expiry).collect();
        self.ask(Asked { method: Method::PUT, path: &path, headers, body: Some(document.clone()) }).await
    }

    async fn make_container(&self) -> StoreResult<()> {
        let path = self.container_path();
        let asked = Asked { method: Method::PUT, path: &path, headers: Vec::new(), body: Some(Bytes::new()) };
        let what = || format!("Swift failed to create container {}", self.container);
        let answer = self.ask(asked).await.map_err(|trouble| trouble.told(what()))?;
        succeeded(&answer).map_err(|trouble| trouble.told(what()))
    }

    fn told(&self, what: &str, key: &Key, trouble: Trouble) -> Failure {
        trouble.told(format!(
            "Swift failed to {what} object {} in container {}",
            key.object(),
            self.container
        ))
    }

    async fn read(&self, method: Method, key: &Key) -> StoreResult<Option<Answer>> {
        let path = self.object_path(key);
        let asked = self.ask(Asked { method, path: &path, headers: Vec::new(), body: None }).await;
        let told = |trouble| self.told("get", key, trouble);
        let answer = asked.map_err(told)?;
        if answer.status == 404 {
            return Ok(None);
        }
        succeeded(&answer).map_err(told)?;
        Ok(Some(answer))
    }
}

#[async_trait]
impl DataStore for Swift {
    async fn save(&self, key: &Key, document: Bytes) -> StoreResult<()> {
        let told = |trouble| self.told("create", key, trouble);
        let md5 = md5_of(&document);
        let mut answer = self.put(key, &document, &md5).await.map_err(told)?;
        if answer.status == 404 {
            self.make_container().await?;
            answer = self.put(key, &document, &md5).await.map_err(told)?;
        }
        succeeded(&answer).map_err(told)
    }

    async fn get(&self, key: &Key) -> StoreResult<Option<Bytes>> {
        let Some(answer) = self.read(Method::GET, key).await? else { return Ok(None) };
        match etag(&answer.headers) {
            Some(etag) if etag != md5_of(&answer.body) => {
                let cut = Trouble::Damaged("what came is not what Swift says that it has".to_owned());
                Err(self.told("get", key, cut))
            }
            _ => Ok(Some(answer.body)),
        }
    }

    async fn holds(&self, key: &Key, document: &Bytes) -> StoreResult<bool> {
        let Some(answer) = self.read(Method::HEAD, key).await? else { return Ok(false) };
        Ok(etag(&answer.headers).is_some_and(|etag| etag == md5_of(document)))
    }

    async fn remove(&self, key: &Key) -> StoreResult<()> {
        let path = self.object_path(key);
        let asked = self.ask(Asked { method: Method::DELETE, path: &path, headers: Vec::new(), body: None });
        let told = |trouble| self.told("delete", key, trouble);
        let answer = asked.await.map_err(told)?;
        if answer.status == 404 { Ok(()) } else { succeeded(&answer).map_err(told) }
    }
}

/// What came in the way of a request.
enum Trouble {
    /// There is no token, or nothing that tells where Swift is.
    Door(openstack::Failure),
    /// No answer came.
    Way(openstack::Failure),
    /// An answer that is no success.
    Answer(u16, String),
    /// An answer that can not be right.
    Damaged(String),
}

impl Trouble {
    fn told(self, what: String) -> Failure {
        let (passing, why) = match self {
            Self::Door(failure) => {
                let passing = if failure.is_passing() { Passing::Yes } else { Passing::No };
                let text = format!("Could not connect to the object storage service: {failure}");
                return Failure { passing, text };
            }
            Self::Way(failure) => (Passing::Yes, failure.text),
            // Swift answers 422 where what arrived is not what was sent.
            Self::Answer(status @ (408 | 422 | 429 | 500..=599), why) => {
                (Passing::Yes, format!("{status} {why}"))
            }
            Self::Answer(status, why) => (Passing::No, format!("{status} {why}")),
            Self::Damaged(why) => (Passing::Yes, why),
        };
        Failure { passing, text: format!("{what}. Error was: {why}") }
    }
}

fn succeeded(answer: &Answer) -> std::result::Result<(), Trouble> {
    if (200..300).contains(&answer.status) {
        Ok(())
    } else {
        Err(Trouble::Answer(answer.status, words(&answer.body)))
    }
}

/// Swift's own words, out of a small page of HTML.
fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut inside = false;
    let plain: String = text
        .chars()
        .map(|letter| {
            inside = letter == '<' || (inside && letter != '>');
            if inside || letter == '>' { ' ' } else { letter }
        })
        .collect();
    let line: Vec<&str> = plain.split_whitespace().collect();
    line.join(" ").chars().take(TEXT_LIMIT).collect()
}

fn etag(headers: &HeaderMap) -> Option<&str> {
    headers.get(ETAG)?.to_str().ok().map(|text| text.trim_matches('"'))
}

/// The MD5 that Swift goes by, hexadecimal. It guards against accidents only.
fn md5_of(document: &[u8]) -> String {
    Md5::digest(document).iter().map(|byte| format!("{byte:02x}")).collect()
}
