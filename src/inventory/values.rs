//! Values: from what a document says to the canonical form, and back.
//!
//! Invariant: the canonical form is equal exactly where the meaning is, so that a round trip changes nothing. A
//! refusal says which forms are taken.

use std::net::IpAddr;

use chrono::{NaiveDate, NaiveDateTime};
use serde_json::Value;
use uuid::Uuid;

use super::model::{Type, Val};
use super::problem::Code;

/// Why a value is refused: its code and what is wanted.
pub type Refusal = (Code, String);

fn refuse<T>(code: Code, text: impl Into<String>) -> Result<T, Refusal> {
    Err((code, text.into()))
}

/// Reads a value of a type that stands for itself. Relations and views are read elsewhere.
///
/// # Errors
/// Where it is of another type, too long, or of no known form.
pub fn read(ty: Type, value: &Value) -> Result<Val, Refusal> {
    match ty {
        Type::Bool => match value {
            Value::Bool(said) => Ok(Val::Bool(*said)),
            _ => refuse(Code::Type, "true or false is expected"),
        },
        Type::Int(least, most) => match value.as_i64() {
            Some(number) if (least..=most).contains(&number) => Ok(Val::Int(number)),
            Some(_) => refuse(Code::Limit, format!("a number from {least} to {most} is expected")),
            None => refuse(Code::Type, "a whole number is expected"),
        },
        Type::Decimal => match value {
            Value::Number(number) => decimal(&number.to_string()),
            Value::String(text) => decimal(text),
            _ => refuse(Code::Type, "a number with at most two decimals is expected"),
        },
        _ => match value {
            Value::String(text) => from_text(ty, text),
            // Ancestor's clients send numbers where text is meant.
            Value::Number(number) if matches!(ty, Type::Text(_)) => from_text(ty, &number.to_string()),
            _ => refuse(Code::Type, "text is expected"),
        },
    }
}

/// Reads text of a type that is written as text.
///
/// # Errors
/// As [`read`].
pub fn from_text(ty: Type, text: &str) -> Result<Val, Refusal> {
    if text.contains('\0') {
        return refuse(Code::Syntax, "text without NUL characters is expected");
    }
    match ty {
        Type::Text(most) if text.chars().count() > most => {
            refuse(Code::TooLong, format!("at most {most} characters are expected"))
        }
        Type::Text(_) => Ok(Val::Text(text.to_owned())),
        Type::Name(most) => name(text, most),
        Type::Numbered(prefixes) => {
            if is_numbered(prefixes, text) {
                return Ok(Val::Text(text.to_owned()));
            }
            refuse(Code::Syntax, format!("{} and digits are expected", prefixes.join(" or ")))
        }
        Type::Mac => mac(text),
        Type::Address => match text.parse::<IpAddr>() {
            Ok(address) => Ok(Val::Text(address.to_string())),
            Err(_) => refuse(Code::Syntax, "an IPv4 or IPv6 address is expected"),
        },
        Type::Uuid | Type::Node => match Uuid::try_parse(text) {
            Ok(uuid) => Ok(Val::Text(uuid.hyphenated().to_string())),
            Err(_) => refuse(Code::Syntax, "a UUID is expected"),
        },
        Type::Date => match day(text) {
            Some(date) => Ok(Val::Text(date.format("%Y-%m-%d").to_string())),
            None => refuse(Code::Syntax, "a day like 2026-01-31 is expected"),
        },
        Type::DateTime => moment(text),
        Type::Decimal => decimal(text),
        Type::Bool => match text {
            "true" => Ok(Val::Bool(true)),
            "false" => Ok(Val::Bool(false)),
            _ => refuse(Code::Type, "true or false is expected"),
        },
        Type::Int(..) => match text.parse::<i64>() {
            Ok(number) => read(ty, &Value::from(number)),
            Err(_) => refuse(Code::Type, "a whole number is expected"),
        },
        Type::Relation(_) | Type::Views => refuse(Code::Type, "a name or a key is expected"),
    }
}

/// Whether the text is one of the prefixes with digits behind it.
#[must_use]
pub fn is_numbered(prefixes: &[&str], text: &str) -> bool {
    let digits =
        |rest: &str| !rest.is_empty() && rest.len() <= 14 && rest.bytes().all(|byte| byte.is_ascii_digit());
    prefixes.iter().any(|prefix| text.strip_prefix(prefix).is_some_and(digits))
}

/// A DNS name, in lower case: labels of letters, digits, `-` and `_`, a leading `*` label.
fn name(text: &str, most: usize) -> Result<Val, Refusal> {
    if text.len() > most {
        return refuse(Code::TooLong, format!("at most {most} characters are expected"));
    }
    let labels = text.strip_prefix("*.").unwrap_or(text);
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let good = |label: &str| {
        let bytes = label.as_bytes();
        let first = bytes.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let last = bytes.last().is_some_and(u8::is_ascii_alphanumeric);
        first && last && label.len() <= 63 && bytes.iter().all(|byte| inner(*byte))
    };
    if labels.split('.').all(good) {
        return Ok(Val::Text(text.to_ascii_lowercase()));
    }
    refuse(Code::Syntax, "a DNS name is expected: labels of letters, digits, - and _, joined by dots")
}

/// A MAC address in any of its spellings, in lower case with colons.
fn mac(text: &str) -> Result<Val, Refusal> {
    let wanted = "six pairs of hexadecimal digits are expected: 52:54:00:12:34:56, 52-54-00-12-34-56, \
                  5254.0012.3456 or 525400123456";
    let shape: String = text.chars().map(|char| if char.is_ascii_hexdigit() { 'h' } else { char }).collect();
    let known = ["hh:hh:hh:hh:hh:hh", "hh-hh-hh-hh-hh-hh", "hhhh.hhhh.hhhh", "hhhhhhhhhhhh"];
    if !known.contains(&shape.as_str()) {
        return refuse(Code::Syntax, wanted);
    }
    let mut joined = String::with_capacity(17);
    for (place, digit) in text.chars().filter(char::is_ascii_hexdigit).enumerate() {
        if place > 0 && place.is_multiple_of(2) {
            joined.push(':');
        }
        joined.push(digit.to_ascii_lowercase());
    }
    Ok(Val::Text(joined))
}

fn day(text: &str) -> Option<NaiveDate> {
    let shape = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    shape.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten()
}

fn moment(text: &str) -> Result<Val, Refusal> {
    let plain = text.replacen('T', " ", 1);
    for pattern in ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"] {
        if let Ok(moment) = NaiveDateTime::parse_from_str(&plain, pattern)
            && plain.len() <= 19
            && day(plain.get(..10).unwrap_or_default()).is_some()
        {
            return Ok(Val::Text(moment.format("%Y-%m-%d %H:%M:%S").to_string()));
        }
    }
    refuse(Code::Syntax, "a moment like 2026-01-31 12:00 is expected")
}

/// Hundredths; at most six digits in all.
fn decimal(text: &str) -> Result<Val, Refusal> {
    let wanted =
        || (Code::Syntax, "a number with at most four digits and two decimals is expected".to_owned());
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(part) || whole.len() > 4 {
        return Err(wanted());
    }
    let part = part.trim_end_matches('0');
    if part.len() > 2 {
        return Err(wanted());
    }
    let number = |text: &str| text.parse::<i64>().map_err(|_| wanted());
    let (whole, part) = (number(whole)?, number(&format!("{part:0<2}"))?);
    Ok(Val::Int((whole.saturating_mul(100).saturating_add(part)).saturating_mul(sign)))
}

/// Hundredths as they are shown.
#[must_use]
pub fn show_decimal(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let size = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", size.div_euclid(100), size.rem_euclid(100))
}

/// Whether an address belongs to networks that nobody outside can reach; one of IPv4 in the form of IPv6 is what it maps.
#[must_use]
pub fn is_private(text: &str) -> bool {
    match text.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(four)) => four.is_private() || four.is_loopback() || four.is_link_local(),
        Ok(IpAddr::V6(six)) => six.is_loopback() || six.is_unique_local() || six.is_unicast_link_local(),
        Err(_) => false,
    }
}

/// The family and the 16 bytes of an address, as it is compared in the database.
#[must_use]
pub fn bytes_of(text: &str) -> Option<(i16, Vec<u8>)> {
    match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(four) => {
            let mut bytes = vec![0; 12];
            bytes.extend(four.octets());
            Some((4, bytes))
        }
        IpAddr::V6(six) => Some((6, six.octets().to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(ty: Type, given: &str) -> Option<String> {
        match from_text(ty, given) {
            Ok(Val::Text(text)) => Some(text),
            Ok(Val::Int(number)) => Some(number.to_string()),
            _ => None,
        }
    }

    #[test]
    fn a_mac_is_taken_in_four_spellings_and_kept_in_one() {
        for spelling in ["52:54:00:AB:cd:01", "52-54-00-ab-CD-01", "5254.00ab.cd01", "525400ABCD01"] {
            assert_eq!(text(Type::Mac, spelling).as_deref(), Some("52:54:00:ab:cd:01"));
        }
        for bad in ["", "52:54:00:ab:cd", "52:54-00:ab:cd:01", "52540.0abcd01", "52:54:00:ab:cd:0g"] {
            let (code, message) = from_text(Type::Mac, bad).unwrap_err();
            assert_eq!(code, Code::Syntax);
            assert!(message.contains("5254.0012.3456") && message.contains("52-54-00-12-34-56"));
        }
    }

    #[test]
    fn decimals_are_compared_by_value() {
        for (given, kept) in [
            ("7.02", "702"),
            ("7.2", "720"),
            ("7", "700"),
            ("-0.5", "-50"),
            ("9999.99", "999999"),
            ("0007.000", "700"),
        ] {
            assert_eq!(text(Type::Decimal, given).as_deref(), Some(kept));
        }
        assert_eq!(show_decimal(702), "7.02");
        assert_eq!(show_decimal(-50), "-0.50");
        for bad in ["", ".", "1.234", "10000", "1e3", "x", "--1", "1.-2", "7.", "00007.5"] {
            assert!(from_text(Type::Decimal, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_follow_the_rules_of_dns() {
        for good in ["a", "web1.example.com", "*.example.com", "_sip.example.com", "A-b.c_d.e"] {
            assert_eq!(text(Type::Name(255), good), Some(good.to_lowercase()));
        }
        for bad in ["", ".", "a.", ".a", "a..b", "-a", "a-", "a b", "\u{fc}.example.com", "a.*.b"] {
            assert!(from_text(Type::Name(255), bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn days_and_moments_have_one_form() {
        assert_eq!(text(Type::Date, "2026-02-28").as_deref(), Some("2026-02-28"));
        assert_eq!(text(Type::DateTime, "2026-02-28 10:00").as_deref(), Some("2026-02-28 10:00:00"));
        assert_eq!(text(Type::DateTime, "2026-02-28T10:00:07").as_deref(), Some("2026-02-28 10:00:07"));
        for bad in ["2026-02-30", "26-02-01", "2026-2-1", "+2026-02-1", ""] {
            assert!(from_text(Type::Date, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn private_networks_are_known() {
        for address in
            ["10.1.2.3", "192.168.0.1", "172.20.0.1", "fd00::1", "fe80::1", "127.0.0.1", "::ffff:10.1.2.3"]
        {
            assert!(is_private(address), "{address}");
        }
        assert!(!is_private("192.0.2.1") && !is_private("2001:db8::1") && !is_private("::ffff:192.0.2.1"));
    }
}
