//! Query parameters: of a repeated one the first counts, unknown ones are ignored where nobody asks for all.

use actix_web::HttpRequest;
use url::form_urlencoded;

use crate::error::{Error, Result};

/// The first value of a parameter; empty text where it is given without one.
pub(super) fn first(request: &HttpRequest, name: &str) -> Option<String> {
    form_urlencoded::parse(request.query_string().as_bytes())
        .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}

/// All parameters, as they stand there.
pub(super) fn all(request: &HttpRequest) -> impl Iterator<Item = (String, String)> {
    let pairs = form_urlencoded::parse(request.query_string().as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned()))
}

/// What a parameter says, in any spelling of yes and no.
///
/// # Errors
/// Where it says something else.
pub(super) fn boolean(request: &HttpRequest, name: &str) -> Result<Option<bool>> {
    let Some(text) = first(request, name) else { return Ok(None) };
    let said = match text.trim().to_lowercase().as_str() {
        "1" | "t" | "true" | "on" | "y" | "yes" => true,
        "0" | "f" | "false" | "off" | "n" | "no" => false,
        _ => return Err(Error::bad_request(format!("Invalid boolean value for {name}: {text}"))),
    };
    Ok(Some(said))
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

    #[test]
    fn every_spelling_of_a_boolean_is_understood() {
        let said = |text: &str| {
            let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
            boolean(&TestRequest::with_uri(&format!("/?a={encoded}")).to_http_request(), "a")
        };
        for text in ["1", "t", "true", "on", "y", "yes", " YES ", "True"] {
            assert_eq!(said(text), Ok(Some(true)), "{text}");
        }
        for text in ["0", "f", "false", "off", "n", "no", "\tNo", "FALSE"] {
            assert_eq!(said(text), Ok(Some(false)), "{text}");
        }
        for text in ["", "maybe", "2", "truee", "-1", "none"] {
            let refused = said(text).unwrap_err();
            assert_eq!(refused.text, format!("Invalid boolean value for a: {text}"));
        }
        assert_eq!(boolean(&TestRequest::with_uri("/").to_http_request(), "a"), Ok(None));
    }
}
