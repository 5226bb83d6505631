//! CORS: what web pages of other origins may do, told to their browsers.
//!
//! Decorates answers and decides nothing else: a request that is not allowed is answered all the same, only without
//! the headers that would let the page see it. Off until an origin is named. Invariant: nothing is allowed to an
//! origin that is not listed, and credentials never to all.

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue,
    ORIGIN, VARY,
};

/// Every origin.
const ANY: &str = "*";
/// Headers that a page may always send.
const SIMPLE_HEADERS: [&str; 8] = [
    "Accept",
    "Accept-Language",
    "Content-Type",
    "Cache-Control",
    "Content-Language",
    "Expires",
    "Last-Modified",
    "Pragma",
];

/// What pages of other origins may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// Origins as browsers write them, or `*`; CORS is off where there are none.
    pub origins: Vec<String>,
    /// Whether pages may send the credentials that the browser has.
    pub credentials: bool,
    /// Headers of answers that pages may read.
    pub expose: Vec<String>,
    /// Seconds that a browser may remember an answer; 0 says nothing of it.
    pub max_age_s: u32,
    /// Methods that pages may use.
    pub methods: Vec<String>,
    /// Headers that pages may send, beside the simple ones.
    pub headers: Vec<String>,
}

/// What a browser asks on behalf of a page.
pub(super) struct Asked {
    origin: HeaderValue,
    question: Question,
}

enum Question {
    /// The request itself.
    Real,
    /// Whether a request with this method and these headers would be allowed.
    Preflight { method: HeaderValue, headers: Option<HeaderValue> },
}

impl Cors {
    fn is_on(&self) -> bool {
        !self.origins.is_empty()
    }

    /// What is asked by a page whose origin is allowed; nothing where no such page is behind the request.
    pub(super) fn asked(&self, request: &ServiceRequest) -> Option<Asked> {
        let headers = request.headers();
        let given = headers.get(ORIGIN).filter(|_| self.is_on())?;
        let listed = given.to_str().is_ok_and(|given| self.origins.iter().any(|origin| origin == given));
        let origin = match listed {
            true => given.clone(),
            false if self.origins.iter().any(|origin| origin == ANY) => HeaderValue::from_static(ANY),
            false => return None,
        };
        let question = match headers.get(ACCESS_CONTROL_REQUEST_METHOD) {
            Some(method) if request.method() == Method::OPTIONS => Question::Preflight {
                method: method.clone(),
                headers: headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned(),
            },
            _ => Question::Real,
        };
        Some(Asked { origin, question })
    }

    /// Tells the browser what is allowed. A preflight that the application refuses becomes an empty success: browsers
    /// look at its headers, and at no others.
    pub(super) fn answer(
        &self,
        asked: Option<Asked>,
        mut response: ServiceResponse<BoxBody>,
    ) -> ServiceResponse<BoxBody> {
        if !self.is_on() {
            return response;
        }
        if let Some(Asked { origin, question }) = asked {
            if matches!(question, Question::Preflight { .. }) && !response.status().is_success() {
                response = response.into_response(HttpResponse::Ok().finish());
            }
            self.decorate(response.headers_mut(), origin, question);
        }
        // What is cached for one origin must not be shown to another.
        response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
        response
    }

    fn decorate(&self, told: &mut HeaderMap, origin: HeaderValue, question: Question) {
        match question {
            Question::Real => put(told, ACCESS_CONTROL_EXPOSE_HEADERS, &self.expose.join(",")),
            Question::Preflight { method, headers } => {
                if !self.allows(&method, headers.as_ref()) {
                    return;
                }
                told.insert(ACCESS_CONTROL_ALLOW_METHODS, method);
                if let Some(headers) = headers {
                    told.insert(ACCESS_CONTROL_ALLOW_HEADERS, headers);
                }
                if self.max_age_s > 0 {
                    put(told, ACCESS_CONTROL_MAX_AGE, &self.max_age_s.to_string());
                }
            }
        }
        if self.credentials && origin != ANY {
            told.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        told.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }

    fn allows(&self, method: &HeaderValue, headers: Option<&HeaderValue>) -> bool {
        let is_known = |name: &str| {
            let listed = self.headers.iter().map(String::as_str).chain(SIMPLE_HEADERS);
            listed.into_iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        let mut names = match headers.map(HeaderValue::to_str) {
            None => "".split(','),
            Some(Ok(text)) => text.split(','),
            Some(Err(_)) => return false,
        };
        self.methods.iter().any(|known| *method == known.as_str())
            && names.all(|name| name.trim().is_empty() || is_known(name.trim()))
    }
}

/// Sets a header, unless there is nothing to say.
fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    match HeaderValue::from_str(text) {
        Ok(value) if !text.is_empty() => drop(headers.insert(name, value)),
        _ => {}
    }
}
