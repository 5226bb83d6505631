//! The `Authorization` header: user and password as a client sends them.
//!
//! Invariant: no text made here holds any of the password.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Refusal;

/// Bytes of a scheme that are worth repeating.
const SCHEME_SHOWN: usize = 32;

/// User and password as sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

/// The credentials of a request; nothing where there is no header.
pub(super) fn credential(headers: &HeaderMap) -> Result<Option<Credential>, Refusal> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let text = value.to_str().map_err(|_| malformed("Could not parse Authorization header"))?;
    let (scheme, token) = text
        .trim()
        .split_once(char::is_whitespace)
        .ok_or_else(|| malformed("Could not parse Authorization header"))?;
    if !scheme.eq_ignore_ascii_case("basic") {
        let shown: String = scheme.chars().take(SCHEME_SHOWN).collect();
        return Err(malformed(&format!("Unsupported authorization type \"{shown}\"")));
    }
    decode(token.trim()).map(Some).ok_or_else(|| malformed("Could not decode authorization token"))
}

fn decode(token: &str) -> Option<Credential> {
    let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some(Credential { user: user.to_owned(), password: password.to_owned() })
}

fn malformed(text: &str) -> Refusal {
    Refusal::Malformed(text.to_owned())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn read(value: &str) -> Result<Option<(String, String)>, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        let found = credential(&headers)?;
        Ok(found.map(|Credential { user, password }| (user, password)))
    }

    #[test]
    fn a_password_may_hold_colons_and_a_scheme_capitals() {
        let wanted = Ok(Some(("admin".to_owned(), "a:b".to_owned())));
        let token = STANDARD.encode("admin:a:b");
        assert_eq!(read(&format!("Basic {token}")), wanted);
        assert_eq!(read(&format!("bASIC  {token} ")), wanted);
        assert!(credential(&HeaderMap::new()).is_ok_and(|found| found.is_none()));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for (value, text) in [
            ("", "Could not parse Authorization header"),
            ("Basic", "Could not parse Authorization header"),
            ("Basic ", "Could not parse Authorization header"),
            ("Bearer abc", "Unsupported authorization type \"Bearer\""),
            ("Basic !!!", "Could not decode authorization token"),
            ("Basic YWRtaW4", "Could not decode authorization token"),
            ("Basic YWRtaW4=", "Could not decode authorization token"),
            ("Basic /zpi", "Could not decode authorization token"),
        ] {
            assert_eq!(read(value), Err(malformed(text)), "{value}");
        }
    }
}
