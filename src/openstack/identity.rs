//! The two calls of the Identity API (v3) that there is need of: getting a token, and asking what one stands for.
//!
//! Invariant: a token goes out in a header only, and into no text.

use awc::http::Method;
use awc::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::credentials::Credentials;
use super::document::Document;
use super::failure::Sort;
use super::transport::{Answer, Request, Transport};
use super::{Failure, Token};
use crate::context;

const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");
/// Says that we look at the access rules of a token; without it, tokens that have some are kept from us.
const ACCESS_RULES: HeaderName = HeaderName::from_static("openstack-identity-access-rules");
/// By which Keystone's log can be searched for the request that led to ours.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");
/// How much of a foreign text is kept.
const TEXT_LIMIT: usize = 300;

/// The Identity API at one place.
#[derive(Clone, Debug)]
pub struct Identity {
    tokens: String,
    transport: Transport,
}

impl Identity {
    /// `auth_url` may come with or without `/v3` and a slash at the end.
    pub(super) fn new(auth_url: &str, transport: Transport) -> Self {
        let base = auth_url.trim_end_matches('/');
        let base = base.strip_suffix("/v3").unwrap_or(base);
        Self { tokens: format!("{base}/v3/auth/tokens"), transport }
    }

    /// Gets a token: the text, and what it stands for.
    pub(super) async fn issue(&self, credentials: &Credentials) -> Result<(HeaderValue, Document), Failure> {
        let answer = self.ask(Method::POST, "", Vec::new(), Some(credentials)).await?;
        if answer.status != 201 {
            return Err(refused("Keystone gives us no token", &answer));
        }
        let document = read(&answer)?;
        let mut text = answer
            .headers
            .get(SUBJECT_TOKEN)
            .cloned()
            .ok_or_else(|| Failure::unreachable("Keystone gave a token without saying which"))?;
        text.set_sensitive(true);
        Ok((text, document))
    }

    /// What a token of somebody stands for; nothing where it is good for nothing (any more). `own` proves that we may
    /// ask.
    ///
    /// # Errors
    /// Where Keystone does not tell. The status is 401 where it does not accept `own`.
    pub async fn examine(&self, own: &Token, subject: &str) -> Result<Option<Document>, Failure> {
        let Ok(mut subject) = HeaderValue::from_str(subject) else { return Ok(None) };
        subject.set_sensitive(true);
        let headers = vec![
            (AUTH_TOKEN, own.header()),
            (SUBJECT_TOKEN, subject),
            (ACCESS_RULES, HeaderValue::from_static("1.0")),
        ];
        let answer = self.ask(Method::GET, "?nocatalog", headers, None).await?;
        match answer.status {
            200 => read(&answer).map(Some),
            404 => Ok(None),
            _ => Err(refused("Keystone does not tell what a token stands for", &answer)),
        }
    }

    async fn ask(
        &self,
        method: Method,
        query: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        credentials: Option<&Credentials>,
    ) -> Result<Answer, Failure> {
        let url = format!("{}{query}", self.tokens);
        let body = credentials.map(Credentials::body);
        let asker = context::request_id().and_then(|id| HeaderValue::from_str(&id).ok());
        let kind = body.is_some().then(|| (CONTENT_TYPE, HeaderValue::from_static("application/json")));
        let headers = headers.into_iter().chain(kind).chain(asker.map(|id| (REQUEST_ID, id))).collect();
        self.transport.send(Request { method, url, headers, body }).await
    }
}

fn read(answer: &Answer) -> Result<Document, Failure> {
    Document::parse(&answer.body)
        .map_err(|error| Failure::unreachable(format!("The answer of Keystone is not understood: {error}")))
}

fn refused(what: &str, answer: &Answer) -> Failure {
    let status = answer.status;
    let id = request_id(&answer.headers).map(|id| format!(" keystone_request_id={id}")).unwrap_or_default();
    let words = words(&answer.body).map(|words| format!(": {words}")).unwrap_or_default();
    Failure { sort: Sort::Status(status), text: format!("{what}: status {status}{words}{id}") }
}

fn request_id(headers: &HeaderMap) -> Option<&str> {
    headers.get(REQUEST_ID)?.to_str().ok()
}

/// Keystone's own words; they repeat neither password nor token.
fn words(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = body.get("error")?.get("message")?.as_str()?;
    let line: Vec<&str> = text.split_whitespace().collect();
    Some(line.join(" ").chars().take(TEXT_LIMIT).collect())
}
