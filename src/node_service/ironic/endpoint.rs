//! Where Ironic's API lies, and how the URLs of its resources are built.
//!
//! Invariant: a text from outside (a node's name, a marker) is one segment or one value of a query, whatever
//! characters it has; it never changes which resource is meant. It knows nothing of requests.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Url, form_urlencoded};

/// What needs no encoding in a path: the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The base of all URLs: without `/v1` and without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// Reads a URL, which may come with or without `/v1` and a slash at the end.
    ///
    /// # Errors
    /// What is wrong with it, without showing it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|e| format!("is not a URL: {e}"))?;
        let wrong = if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            Some("must begin with http:// or https:// and name a host")
        } else if !url.username().is_empty() || url.password().is_some() {
            Some("must not hold a user or password; use auth_type = \"http_basic\" instead")
        } else if url.query().is_some() || url.fragment().is_some() {
            Some("must not hold a query or a fragment")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            return Err(wrong.to_owned());
        }
        let path = url.path().trim_end_matches('/');
        let path = path.strip_suffix("/v1").unwrap_or(path).trim_end_matches('/');
        Ok(Self(format!("{}{path}", url.origin().ascii_serialization())))
    }

    /// The URL of a resource. `path` begins with a slash and is encoded already, the query is not.
    #[must_use]
    pub fn url(&self, path: &str, query: &[(&'static str, String)]) -> String {
        let base = &self.0;
        if query.is_empty() {
            return format!("{base}{path}");
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        format!("{base}{path}?{query}")
    }
}

/// A text as one segment of a path.
#[must_use]
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Whether the text can stand for a node in a path at all. Servers decode `%2F` and resolve dots before they
/// look at the path, so that encoding alone does not keep such a text in its place.
#[must_use]
pub fn can_name_a_node(ident: &str) -> bool {
    !matches!(ident, "" | "." | "..") && !ident.contains(['/', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_may_end_in_v1_or_a_slash() {
        for text in ["http://h:6385", "http://h:6385/", "http://h:6385/v1", "HTTP://H:6385/v1/"] {
            assert_eq!(Endpoint::parse(text).unwrap().0, "http://h:6385", "{text}");
        }
        assert_eq!(Endpoint::parse("https://h/baremetal/v1").unwrap().0, "https://h/baremetal");
        assert_eq!(Endpoint::parse("http://[::1]:6385").unwrap().0, "http://[::1]:6385");
    }

    #[test]
    fn what_is_no_usable_url_is_refused_without_showing_it() {
        for text in
            ["", "h:6385", "ftp://h", "http://", "http://u:secret@h", "http://h?a=secret", "http://h#a"]
        {
            let error = Endpoint::parse(text).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_query_is_encoded() {
        let endpoint = Endpoint::parse("http://h").unwrap();
        assert_eq!(endpoint.url("/v1/nodes", &[]), "http://h/v1/nodes");
        assert_eq!(
            endpoint.url("/v1/nodes", &[("marker", "a&b".to_owned())]),
            "http://h/v1/nodes?marker=a%26b"
        );
    }

    #[test]
    fn a_name_stays_one_segment() {
        assert_eq!(segment("a/b?c#d%e ü"), "a%2Fb%3Fc%23d%25e%20%C3%BC");
        assert_eq!(segment("rack-1_node.2~"), "rack-1_node.2~");
        assert!(can_name_a_node("rack-1.node") && can_name_a_node("...") && can_name_a_node("ü ?"));
        for bad in ["", ".", "..", "a/b", "../ports", "a\\b"] {
            assert!(!can_name_a_node(bad), "{bad}");
        }
    }
}
