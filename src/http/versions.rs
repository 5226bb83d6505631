//! Microversions: which one a request asks for, and the range that every answer states.
//!
//! Two request headers count, the ancestor's own and the standard one of all OpenStack services; the ancestor's
//! decides where both are given.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{Error, Kind, Result};

const LEGACY: HeaderName = HeaderName::from_static("x-openstack-ironic-inspector-api-version");
const STANDARD: HeaderName = HeaderName::from_static("openstack-api-version");
const MINIMUM: HeaderName = HeaderName::from_static("x-openstack-ironic-inspector-api-minimum-version");
const MAXIMUM: HeaderName = HeaderName::from_static("x-openstack-ironic-inspector-api-maximum-version");

/// Our name in the standard header.
const SERVICE_TYPE: &str = "baremetal-introspection";
const MAJOR: i64 = 1;
const MAX_MINOR: i64 = 18;
/// The lowest version, as text.
const MIN_TEXT: &str = "1.0";
/// The highest version, as text; also the id of the only entry of `GET /`.
pub(super) const MAX_TEXT: &str = "1.18";

/// The version that applies to a request: `1.<minor>`. Kept in the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// The part after the dot.
    pub minor: i64,
}

/// The version that the headers ask for; the highest where they ask for none.
///
/// # Errors
/// A malformed version (400), or one that is not offered (406).
pub fn negotiate(headers: &HeaderMap) -> Result<Version> {
    let legacy = headers.get(&LEGACY).map(|value| value.to_str().unwrap_or_default());
    match legacy.or_else(|| standard(headers)) {
        Some(wanted) => parse(wanted.trim()),
        None => Ok(Version { minor: MAX_MINOR }),
    }
}

/// The entry for this service; entries for others, and unreadable headers, are none of ours.
fn standard(headers: &HeaderMap) -> Option<&str> {
    let entries = headers.get_all(&STANDARD).filter_map(|value| value.to_str().ok());
    entries.flat_map(|value| value.split(',')).find_map(|entry| {
        let entry = entry.trim();
        let (service, version) = entry.split_once(char::is_whitespace).unwrap_or((entry, ""));
        service.eq_ignore_ascii_case(SERVICE_TYPE).then_some(version)
    })
}

fn parse(text: &str) -> Result<Version> {
    if text.eq_ignore_ascii_case("latest") {
        return Ok(Version { minor: MAX_MINOR });
    }
    let numbers = text.split_once('.').and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
    match numbers {
        None => Err(Error::bad_request("Malformed API version: expected string in form of X.Y or latest")),
        Some((MAJOR, minor)) if (0..=MAX_MINOR).contains(&minor) => Ok(Version { minor }),
        Some(_) => Err(Error::new(
            Kind::NotAcceptable,
            format!("Unsupported API version {text}, supported range is {MIN_TEXT} to {MAX_TEXT}"),
        )),
    }
}

/// A decimal integer. One beyond the machine's integers is still a number, only out of every range.
fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(i64::MAX))
}

/// States the range of versions.
pub(super) fn add_range(headers: &mut HeaderMap) {
    headers.insert(MINIMUM, HeaderValue::from_static(MIN_TEXT));
    headers.insert(MAXIMUM, HeaderValue::from_static(MAX_TEXT));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&HeaderName, &str)]) -> Result<i64> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append((*name).clone(), HeaderValue::from_str(value).unwrap());
        }
        negotiate(&headers).map(|version| version.minor)
    }

    #[test]
    fn no_header_means_the_highest() {
        assert_eq!(asked(&[]), Ok(18));
    }

    #[test]
    fn versions_in_the_range_are_taken() {
        for (text, minor) in
            [("1.0", 0), ("1.5", 5), (" 1.05 ", 5), ("1. 18", 18), ("latest", 18), ("LATEST", 18)]
        {
            assert_eq!(asked(&[(&LEGACY, text)]), Ok(minor), "{text}");
        }
    }

    #[test]
    fn versions_out_of_the_range_are_not_acceptable() {
        for text in ["0.9", "1.19", "1.180", "2.0", "-1.5", "99.99", "1.99999999999999999999999"] {
            let error = asked(&[(&LEGACY, text)]).unwrap_err();
            assert_eq!(error.kind, Kind::NotAcceptable);
            assert_eq!(error.text, format!("Unsupported API version {text}, supported range is 1.0 to 1.18"));
        }
    }

    #[test]
    fn malformed_versions_are_bad_requests() {
        for text in ["", "abc", "1", "1.2.3", "1.x", "v1.2", ".", "1.", ".5", "\u{e9}.1", "1.-"] {
            let error = asked(&[(&LEGACY, text)]).unwrap_err();
            assert_eq!(error.kind, Kind::BadRequest, "{text}");
            assert_eq!(error.text, "Malformed API version: expected string in form of X.Y or latest");
        }
    }

    #[test]
    fn the_standard_header_counts_for_this_service_only() {
        assert_eq!(asked(&[(&STANDARD, "baremetal-introspection 1.5")]), Ok(5));
        assert_eq!(asked(&[(&STANDARD, "compute 2.1, baremetal-introspection 1.6")]), Ok(6));
        assert_eq!(asked(&[(&STANDARD, "compute 2.1"), (&STANDARD, "baremetal-introspection 1.7")]), Ok(7));
        assert_eq!(asked(&[(&STANDARD, "baremetal 99.99")]), Ok(18));
        assert_eq!(asked(&[(&STANDARD, "\u{e9}")]), Ok(18));
        let error = asked(&[(&STANDARD, "baremetal-introspection 99.99")]).unwrap_err();
        assert_eq!(error.kind, Kind::NotAcceptable);
        let error = asked(&[(&STANDARD, "baremetal-introspection")]).unwrap_err();
        assert_eq!(error.kind, Kind::BadRequest);
    }

    #[test]
    fn the_ancestors_header_decides_where_both_are_given() {
        assert_eq!(asked(&[(&STANDARD, "baremetal-introspection 99.99"), (&LEGACY, "1.3")]), Ok(3));
    }
}
