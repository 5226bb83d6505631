//! Absolute links: the root of the service as the client sees it.
//!
//! One level of `X-Forwarded-Proto`, `-Host`, `-Port` and `-Prefix` is believed where the settings say so (the
//! last entry of a list, which is the nearest proxy's). Invariant: what is not plausible in a URL is not echoed.

use actix_web::HttpRequest;
use serde::Serialize;

use super::Settings;

/// A link as the API shows it.
#[derive(Debug, Serialize)]
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
    let forwarded = |name| if settings.trust_forwarded { last(request, name) } else { None };
    let own = if request.app_config().secure() { "https" } else { "http" };
    let scheme =
        forwarded("x-forwarded-proto").filter(|proto| matches!(*proto, "http" | "https")).unwrap_or(own);
    let host = forwarded("x-forwarded-host")
        .or_else(|| last(request, "host"))
        .filter(|host| is_host(host))
        .unwrap_or_else(|| request.app_config().host());
    let port = forwarded("x-forwarded-port").filter(|port| port.parse::<u16>().is_ok());
    format!("{scheme}://{}{}", authority(scheme, host, port), prefix(request, settings))
}

/// What a proxy has cut off the front of every path; empty or with a slash at its beginning.
pub(super) fn prefix(request: &HttpRequest, settings: &Settings) -> String {
    let forwarded = if settings.trust_forwarded { last(request, "x-forwarded-prefix") } else { None };
    let prefix = forwarded.map(|prefix| prefix.trim_end_matches('/')).filter(|prefix| is_path(prefix));
    prefix.unwrap_or_default().to_owned()
}

/// The last entry of a header's list.
fn last<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let value = request.headers().get_all(name).last()?.to_str().ok()?;
    value.rsplit(',').next().map(str::trim).filter(|entry| !entry.is_empty())
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

fn is_host(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]%".contains(&byte))
}

fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.-_~%".contains(&byte))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn root_for(headers: &[(&'static str, &'static str)], trust_forwarded: bool) -> String {
        let request = headers.iter().fold(TestRequest::get(), |request, pair| request.append_header(*pair));
        root(&request.to_http_request(), &Settings { trust_forwarded, ..Settings::default() })
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
