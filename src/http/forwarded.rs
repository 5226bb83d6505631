//! What a proxy tells of the request that it passed on: scheme, host, port, prefix.
//!
//! One level is believed, the nearest proxy's, and only where the connection comes from a network that the settings
//! name. Each item is taken from its `X-Forwarded-*` header, else from `Forwarded` (RFC 7239). Invariant: what is not
//! plausible in a URL is not believed. It never changes who is taken to be asking.

use actix_web::HttpRequest;
use ipnet::IpNet;

use super::Settings;

/// Whose word on the outer address of the API is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TrustedProxies {
    /// Anybody's.
    #[default]
    Everybody,
    /// That of connections from these networks, and of a Unix socket; nobody's where there are none.
    Networks(Vec<IpNet>),
}

/// What the nearest proxy tells, as far as it is plausible.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Forwarded<'a> {
    pub(super) scheme: Option<&'a str>,
    pub(super) host: Option<&'a str>,
    pub(super) port: Option<&'a str>,
    /// Begins with a slash and does not end in one.
    pub(super) prefix: Option<&'a str>,
}

impl<'a> Forwarded<'a> {
    /// What is to be believed of a request's headers.
    pub(super) fn of(request: &'a HttpRequest, settings: &Settings) -> Self {
        if !settings.trusted_proxies.include(request) {
            return Self::default();
        }
        let standard = all(request, "forwarded").map(last_element).unwrap_or_default();
        let told = |own, name| last(request, own).or_else(|| parameter(standard, name));
        Self {
            scheme: told("x-forwarded-proto", "proto").filter(|proto| matches!(*proto, "http" | "https")),
            host: told("x-forwarded-host", "host").filter(|host| is_host(host)),
            port: last(request, "x-forwarded-port").filter(|port| port.parse::<u16>().is_ok()),
            prefix: last(request, "x-forwarded-prefix")
                .map(|prefix| prefix.trim_end_matches('/'))
                .filter(|prefix| is_path(prefix)),
        }
    }
}

impl TrustedProxies {
    fn include(&self, request: &HttpRequest) -> bool {
        let Self::Networks(networks) = self else { return true };
        match request.peer_addr().map(|peer| peer.ip().to_canonical()) {
            Some(address) => networks.iter().any(|network| network.contains(&address)),
            None => !networks.is_empty(),
        }
    }
}

/// The last of the headers with this name: the nearest proxy's.
fn all<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get_all(name).last()?.to_str().ok()
}

/// The last entry of a header's list.
pub(super) fn last<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    all(request, name)?.rsplit(',').next().map(str::trim).filter(|entry| !entry.is_empty())
}

/// The last element of `Forwarded`. A comma between quotes separates nothing.
fn last_element(list: &str) -> &str {
    let mut quoted = false;
    let mut start = 0;
    for (at, byte) in list.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => start = at.saturating_add(1),
            _ => {}
        }
    }
    list.get(start..).unwrap_or_default()
}

/// The value of a parameter of an element, without its quotes.
fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let value = value.trim();
        let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        key.trim().eq_ignore_ascii_case(name).then_some(bare)
    })
}

/// Whether a text can be host and port of a URL.
pub(super) fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]%".contains(&byte))
}

fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.-_~%".contains(&byte))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn request(headers: &[(&'static str, &'static str)], peer: Option<&str>) -> HttpRequest {
        let request = headers.iter().fold(TestRequest::get(), |request, pair| request.append_header(*pair));
        match peer {
            Some(peer) => request.peer_addr(peer.parse().unwrap()).to_http_request(),
            None => request.to_http_request(),
        }
    }

    fn told(headers: &[(&'static str, &'static str)]) -> (Option<String>, Option<String>) {
        let request = request(headers, None);
        let told = Forwarded::of(&request, &Settings::default());
        (told.scheme.map(str::to_owned), told.host.map(str::to_owned))
    }

    fn pair(scheme: &str, host: &str) -> (Option<String>, Option<String>) {
        (Some(scheme.to_owned()), Some(host.to_owned()))
    }

    #[test]
    fn the_standard_header_is_read_by_its_last_element() {
        let far = "for=192.0.2.1;proto=http;host=evil.example, For=\"[2001:db8::1]\"; HOST=\"bm.example:8443\" ;Proto=https";
        assert_eq!(told(&[("forwarded", far)]), pair("https", "bm.example:8443"));
        let comma = "host=\"a,b\";proto=https";
        assert_eq!(told(&[("forwarded", comma)]), (Some("https".to_owned()), None));
        assert_eq!(
            told(&[("forwarded", "proto=http"), ("forwarded", "proto=https;host=x")]),
            pair("https", "x")
        );
        for nothing in ["", ";;=", "host", "proto=gopher;host=\"a\\\"b\"", "for=1.2.3.4,"] {
            assert_eq!(told(&[("forwarded", nothing)]), (None, None), "{nothing}");
        }
    }

    #[test]
    fn the_older_headers_decide_where_both_are_given() {
        let both =
            [("forwarded", "proto=http;host=a"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "b")];
        assert_eq!(told(&both), pair("https", "b"));
        assert_eq!(told(&both[..2]), pair("https", "a"));
    }

    #[test]
    fn only_the_named_networks_are_believed() {
        let settings = |networks: &[&str]| {
            let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
            Settings { trusted_proxies: TrustedProxies::Networks(networks), ..Settings::default() }
        };
        let scheme = |peer, networks| {
            let request = request(&[("x-forwarded-proto", "https")], peer);
            Forwarded::of(&request, &settings(networks)).scheme.is_some()
        };
        assert!(scheme(Some("192.0.2.9:1"), &["192.0.2.0/24"]));
        assert!(scheme(Some("[::ffff:192.0.2.9]:1"), &["192.0.2.0/24"]));
        assert!(!scheme(Some("192.0.3.9:1"), &["192.0.2.0/24"]));
        assert!(!scheme(Some("192.0.2.9:1"), &[]));
        assert!(scheme(None, &["192.0.2.0/24"]) && !scheme(None, &[]));
    }
}
