//! No URL and no header makes the application fail.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::test::TestRequest;
use proptest::prelude::*;

use super::super::fake::Fake;
use super::{Settings, send};

const HEADERS: [&str; 9] = [
    "x-openstack-ironic-inspector-api-version",
    "openstack-api-version",
    "x-openstack-request-id",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "accept",
    "host",
];

/// Pieces that paths are made of, sane and otherwise.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "/",
            "//",
            "v1",
            "introspection",
            "data",
            "unprocessed",
            "abort",
            "continue",
            "%2F",
            "%2f",
            "%",
            "%zz",
            "%00",
            "%ff",
            "%25",
            "..",
            ".",
            "?",
            "limit=",
            "marker=",
            "state=",
            "manage_boot=",
            "&",
            "=",
            ";",
            "{",
            "+",
            "*",
            "\u{e9}",
            "healthcheck",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,6}",
    ]
}

fn header() -> impl Strategy<Value = (HeaderName, HeaderValue)> {
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..24),
        "[a-z0-9.,: -]{0,24}".prop_map(String::into_bytes),
        Just(b"baremetal-introspection 1.".to_vec()),
    ];
    (prop::sample::select(HEADERS.to_vec()), value).prop_filter_map("no header value", |(name, value)| {
        Some((HeaderName::from_static(name), HeaderValue::from_bytes(&value).ok()?))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_request_is_a_server_error(
        method in prop::sample::select(vec!["GET", "HEAD", "POST", "PUT", "OPTIONS", "BREW"]),
        pieces in prop::collection::vec(piece(), 0..8),
        headers in prop::collection::vec(header(), 0..4),
        body in prop::collection::vec(any::<u8>(), 0..16),
    ) {
        let Ok(uri) = format!("/{}", pieces.concat()).parse::<Uri>() else { return Ok(()) };
        let mut asking = TestRequest::default().method(method.parse::<Method>().unwrap()).set_payload(body);
        asking = asking.uri(&uri.to_string());
        for (name, value) in headers {
            asking = asking.append_header((name, value));
        }
        let settings = Settings { max_body_bytes: 12, ..Settings::default() };
        let answer = actix_web::rt::System::new().block_on(send(&Fake::new(), &settings, asking));
        prop_assert!(!answer.status.is_server_error(), "{uri} answers {}", answer.status);
        if answer.status.is_client_error() {
            answer.error();
        }
    }
}
