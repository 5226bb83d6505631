//! Absolute links: the root of the service as the client sees it.
//!
//! A proxy's word on it is taken as [`super::forwarded`] says. Invariant: what is not plausible in a URL is not echoed.

use actix_web::HttpRequest;
use actix_web::http::uri::Authority;
use serde::Serialize;
use utoipa::ToSchema;

use super::Settings;
use super::forwarded::{self, Forwarded};

/// A link as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Link {
    href: String,
    rel: &'static str,
}

/// The link of a resource to itself, as the list that the API has in its place.
pub(super) fn to_self(root: &str, path: &str) -> [Link; 1] {
    [Link { href: format!("{root}{path}"), rel: "self" }]
}

/// The absolute URL of the service's root, without a slash at the end.
pub(super) fn root(request: &HttpRequest, settings: &Settings) -> String {
    let told = Forwarded::of(request, settings);
    let own = if request.app_config().secure() { "https" } else { "http" };
    let scheme = told.scheme.unwrap_or(own);
    // HTTP/2 has no such header: the authority is a part of the URL.
    let authority_part = request.uri().authority().map(Authority::as_str);
    let given = || {
        authority_part.or_else(|| forwarded::last(request, "host")).filter(|host| forwarded::is_host(host))
    };
    let host = told.host.or_else(given).unwrap_or_else(|| request.app_config().host());
    format!("{scheme}://{}{}", authority(scheme, host, told.port), told.prefix.unwrap_or_default())
}

/// What a proxy has cut off the front of every path; empty or with a slash at its beginning.
pub(super) fn prefix(request: &HttpRequest, settings: &Settings) -> String {
    Forwarded::of(request, settings).prefix.unwrap_or_default().to_owned()
}

/// Host and port; a scheme's own port is not shown.
fn authority(scheme: &str, host: &str, port: Option<&str>) -> String {
    let (name, own_port) = split_port(host);
    let usual = if scheme == "https" { "443" } else { "80" };
    match port.or(own_port).filter(|port| *port != usual) {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    }
}

/// An address in brackets keeps its colons.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::http::TrustedProxies;

    fn root_for(headers: &[(&'static str, &'static str)], trusted: bool) -> String {
        let request = headers.iter().fold(TestRequest::get(), |request, pair| request.append_header(*pair));
        let trusted_proxies =
            if trusted { TrustedProxies::Everybody } else { TrustedProxies::Networks(Vec::new()) };
        root(&request.to_http_request(), &Settings { trusted_proxies, ..Settings::default() })
    }

    #[test]
    fn links_follow_the_host_header() {
        assert_eq!(root_for(&[("host", "bm.example.org:8443")], true), "http://bm.example.org:8443");
        assert_eq!(root_for(&[("host", "bm.example.org:80")], true), "http://bm.example.org");
        assert_eq!(root_for(&[("host", "[::1]:5050")], true), "http://[::1]:5050");
        assert_eq!(root_for(&[("host", "[::1]")], true), "http://[::1]");
    }

    #[test]
    fn links_follow_the_last_forwarded_entries() {
        let headers = [
            ("host", "127.0.0.1:5050"),
            ("x-forwarded-proto", "http, https"),
            ("x-forwarded-host", "evil.example, bm.example.org:99"),
            ("x-forwarded-port", "8443"),
            ("x-forwarded-prefix", "/inspector/"),
        ];
        assert_eq!(root_for(&headers, true), "https://bm.example.org:8443/inspector");
        assert_eq!(root_for(&headers, false), "http://127.0.0.1:5050");
    }

    #[test]
    fn implausible_values_are_not_echoed() {
        let headers = [
            ("host", "a\"<b"),
            ("x-forwarded-proto", "javascript"),
            ("x-forwarded-port", "x"),
            ("x-forwarded-prefix", "//evil?"),
        ];
        assert_eq!(root_for(&headers, true), root_for(&[], false));
    }
}
