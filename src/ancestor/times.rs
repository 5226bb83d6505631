//! Times and flags as the ancestor's databases write them.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::clock::Timestamp;

/// The moment that a text names; without a zone it is UTC.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim().replacen('T', " ", 1);
    let with_zone = ["%Y-%m-%d %H:%M:%S%.f%#z"].iter();
    let without = ["%Y-%m-%d %H:%M:%S%.f"].iter();
    let zoned = with_zone.filter_map(|form| DateTime::parse_from_str(&text, form).ok());
    let plain = without.filter_map(|form| NaiveDateTime::parse_from_str(&text, form).ok());
    let mut moments = zoned.map(|time| time.with_timezone(&Utc)).chain(plain.map(|time| time.and_utc()));
    moments.next().map(|time| Timestamp(time.timestamp_micros()))
}

/// The flag that a text stands for; nothing for null and for what is no flag.
pub(super) fn flag(text: Option<&str>) -> Option<bool> {
    match text?.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" => Some(true),
        "0" | "f" | "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_database_writes_times_in_its_own_way() {
        let whole = time("2026-01-01 01:59:00");
        assert_eq!(whole, Some(Timestamp(1_767_232_740_000_000)));
        for same in ["2026-01-01 01:59:00.000000", "2026-01-01 01:59:00+00", "2026-01-01T01:59:00.0"] {
            assert_eq!(time(same), whole, "{same}");
        }
        assert_eq!(time("2026-01-01 03:59:00.00007+02"), Some(Timestamp(1_767_232_740_000_070)));
        for odd in ["", "yesterday", "2026-13-01 00:00:00", "1767232740"] {
            assert_eq!(time(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_flag_is_a_number_or_a_word() {
        assert_eq!([flag(Some("1")), flag(Some("true"))], [Some(true); 2]);
        assert_eq!([flag(Some("0")), flag(Some("false"))], [Some(false); 2]);
        assert_eq!([flag(None), flag(Some(""))], [None; 2]);
    }
}
