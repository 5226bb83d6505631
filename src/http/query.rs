//! Query parameters: of a repeated one the first counts, unknown ones are ignored.

use actix_web::HttpRequest;
use url::form_urlencoded;

/// The first value of a parameter; empty text where it is given without one.
pub(super) fn first(request: &HttpRequest, name: &str) -> Option<String> {
    form_urlencoded::parse(request.query_string().as_bytes())
        .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_first_of_a_repeated_parameter_counts() {
        let request = TestRequest::with_uri("/?a=1&b&a=2&c=%20x+%ff").to_http_request();
        assert_eq!(first(&request, "a").as_deref(), Some("1"));
        assert_eq!(first(&request, "b").as_deref(), Some(""));
        assert_eq!(first(&request, "c").as_deref(), Some(" x \u{fffd}"));
        assert_eq!(first(&request, "d"), None);
    }
}
