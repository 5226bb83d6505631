//! Paths: their normal form before routing, and the names inside them.
//!
//! Invariant: a name that a handler gets is decoded, valid UTF-8, and safe as one segment of another URL.

use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::Uri;
use actix_web::http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;

use crate::error::{Error, Result};

const NOT_FOUND: &str = "404 Not Found: The requested URL was not found on the server. \
     If you entered the URL manually please check your spelling and try again.";

/// Takes a trailing slash away and doubled ones together: `/v1//introspection/` is `/v1/introspection`. Merging
/// instead of redirecting keeps the body of a POST.
pub(super) fn normalise(request: &mut ServiceRequest) {
    let path = request.uri().path();
    if path.len() < 2 || !(path.ends_with('/') || path.contains("//")) {
        return;
    }
    let Some(uri) = with_path(request.uri(), &merged(path)) else { return };
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
}

fn merged(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    format!("/{}", segments.join("/"))
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

/// The answer to a URL that means nothing.
pub(super) fn unknown() -> Error {
    Error::not_found(NOT_FOUND)
}

/// The node that `/v1/introspection/<node>...` or `.../nodes/<node>...` names.
pub(super) fn node(request: &HttpRequest) -> Result<String> {
    below(request, &["introspection", "nodes"])
}

/// The segment after the first one with one of these names.
///
/// # Errors
/// As [`segment`].
pub(super) fn below(request: &HttpRequest, names: &[&str]) -> Result<String> {
    let at = request.uri().path().split('/').position(|segment| names.contains(&segment));
    segment(request, at.ok_or_else(unknown)?.saturating_add(1))
}

/// A segment of the path, decoded; the first is number 1. Read from the URI as it came, since the router's own
/// decoding turns invalid bytes into something else.
///
/// # Errors
/// The unknown URL, for a segment that cannot be a name.
pub(super) fn segment(request: &HttpRequest, number: usize) -> Result<String> {
    let raw = request.uri().path().split('/').nth(number).ok_or_else(unknown)?;
    let name = percent_decode_str(raw).decode_utf8().map_err(|_invalid| unknown())?;
    if is_name(&name) { Ok(name.into_owned()) } else { Err(unknown()) }
}

/// Names go into URLs of the node service: `..` or a slash would lead elsewhere there.
pub(super) fn is_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains(|c: char| c == '/' || c.is_control())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn slashes_are_merged_and_trimmed_and_the_query_stays() {
        for (from, to) in [
            ("/", "/"),
            ("//", "/"),
            ("/v1/", "/v1"),
            ("//v1//introspection///?a=//b/", "/v1/introspection?a=//b/"),
            ("/v1?marker=/", "/v1?marker=/"),
        ] {
            let mut request = TestRequest::with_uri(from).to_srv_request();
            normalise(&mut request);
            assert_eq!(request.uri().to_string(), to, "{from}");
        }
    }

    #[test]
    fn names_are_decoded_and_odd_ones_refused() {
        let named = |raw: &str| {
            let uri = format!("/v1/introspection/{raw}/data");
            node(&TestRequest::with_uri(&uri).to_http_request()).ok()
        };
        assert_eq!(named("rack1-u07").as_deref(), Some("rack1-u07"));
        assert_eq!(named("a%20%C3%BC%2541+").as_deref(), Some("a \u{fc}%41+"));
        for odd in ["a%2Fb", "%2e%2E", ".", "%00", "%0a", "%ff"] {
            assert_eq!(named(odd), None, "{odd}");
        }
    }
}
