//! Numbers as Python reads and writes them.

use serde_json::Value;

/// Whether the text of a JSON number is an integer's.
pub(super) fn is_integer(number: &str) -> bool {
    !number.contains(['.', 'e', 'E'])
}

/// Whether the number is not zero. A number too small for a float is zero, as it is in Python.
pub(super) fn is_nonzero(number: &str) -> bool {
    if is_integer(number) {
        number.bytes().any(|digit| matches!(digit, b'1'..=b'9'))
    } else {
        number.parse::<f64>().is_ok_and(|float| float != 0.0)
    }
}

/// The number as Python's `str` writes it.
pub(super) fn number_text(number: &str) -> String {
    match number {
        "-0" => "0".to_owned(),
        integer if is_integer(integer) => integer.to_owned(),
        float => float.parse().map_or_else(|_| float.to_owned(), float_text),
    }
}

/// The shortest text that reads back as the same float; an exponent below 1e-4 and from 1e16 on.
fn float_text(float: f64) -> String {
    if !float.is_finite() {
        return float.to_string().to_lowercase();
    }
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) {
        return format!("{float:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// What `int(value)` gives; `None` where Python raises, or where it needs more than 128 bits.
#[must_use]
pub fn to_integer(value: &Value) -> Option<i128> {
    match value {
        Value::Bool(truth) => Some(i128::from(*truth)),
        Value::Number(number) if is_integer(number.as_str()) => number.as_str().parse().ok(),
        Value::Number(number) => truncated(number.as_str().parse().ok()?),
        Value::String(text) => integer_of_text(text),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn truncated(float: f64) -> Option<i128> {
    if !float.is_finite() {
        return None;
    }
    format!("{:.0}", float.trunc()).parse().ok()
}

/// What `int(text)` gives: blanks around it, a sign and single underscores between digits are allowed.
#[must_use]
pub fn integer_of_text(text: &str) -> Option<i128> {
    let trimmed = text.trim();
    let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    let groups_are_digits =
        digits.split('_').all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit()));
    if groups_are_digits { trimmed.replace('_', "").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn floats_are_written_in_their_shortest_form() {
        let cases = [
            ("2.50", "2.5"),
            ("1e3", "1000.0"),
            ("-0.0", "-0.0"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("1234567890123456.0", "1234567890123456.0"),
            ("1e16", "1e+16"),
            ("1.25e300", "1.25e+300"),
            ("1e400", "inf"),
            ("-1e400", "-inf"),
            ("0.1", "0.1"),
        ];
        for (json, python) in cases {
            assert_eq!(number_text(json), python);
        }
    }

    #[test]
    fn integers_keep_their_digits() {
        assert_eq!(number_text("-12345678901234567890123"), "-12345678901234567890123");
        assert_eq!(number_text("-0"), "0");
    }

    #[test]
    fn int_takes_numbers_and_numeric_text() {
        for (value, wanted) in [
            (json!(80), 80),
            (json!(-3.9), -3),
            (json!(true), 1),
            (json!(" +2_4 "), 24),
            (json!("-7"), -7),
            (json!(1e20), 100_000_000_000_000_000_000),
        ] {
            assert_eq!(to_integer(&value), Some(wanted), "{value}");
        }
    }

    #[test]
    fn int_of_anything_else_is_none() {
        for text in
            ["null", "[]", "{}", "\"many\"", "\"\"", "\"5.5\"", "\"1__2\"", "\"- 3\"", "\"+-3\"", "1e400"]
        {
            assert_eq!(to_integer(&serde_json::from_str(text).unwrap()), None, "{text}");
        }
        let huge = "9".repeat(60);
        assert_eq!(to_integer(&serde_json::from_str(&huge).unwrap()), None);
    }
}
