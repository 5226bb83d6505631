//! Python's format specifications: `[[fill]align][sign][#][0][width][grouping][.precision][type]`.
//!
//! Invariant: total; a width or precision that would only fill memory is an error.

use serde_json::Value;

use crate::processing::python::{to_integer, to_text, type_name};

/// The largest width and precision.
const MAX_SIZE: usize = 1000;

/// A specification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spec {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

impl Spec {
    /// Reads a specification.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut spec = Self::default();
        let mut chars: Vec<char> = text.chars().rev().collect();
        match (chars.pop(), chars.last().copied()) {
            (Some(fill), Some(align)) if is_align(align) => {
                chars.pop();
                (spec.fill, spec.align) = (Some(fill), Some(align));
            }
            (Some(align), _) if is_align(align) => spec.align = Some(align),
            (Some(other), _) => chars.push(other),
            (None, _) => return Ok(spec),
        }
        let mut take = |wanted: &[char]| chars.pop_if(|c| wanted.contains(c));
        spec.sign = take(&['+', '-', ' ']);
        spec.alternate = take(&['#']).is_some();
        if take(&['0']).is_some() {
            spec.fill = spec.fill.or(Some('0'));
            spec.align = spec.align.or(Some('='));
        }
        spec.width = size(&mut chars)?.unwrap_or(0);
        spec.grouping = chars.pop_if(|c| matches!(c, ',' | '_'));
        if chars.pop_if(|c| *c == '.').is_some() {
            spec.precision = Some(size(&mut chars)?.ok_or("Format specifier missing precision")?);
        }
        spec.kind = chars.pop();
        if chars.is_empty() { Ok(spec) } else { Err("Invalid format specifier".to_owned()) }
    }

    /// A value by its type.
    pub(super) fn value(&self, value: &Value) -> Result<String, String> {
        if *self == Self::default() {
            return Ok(to_text(value));
        }
        match type_name(value) {
            "str" => self.text(&to_text(value)),
            "float" => {
                let float = value.as_f64().ok_or("the number is out of range")?;
                self.float(float, &to_text(value))
            }
            "int" | "bool" => self.integer(to_integer(value).ok_or("the number is out of range")?),
            other => Err(format!("unsupported format string passed to {other}.__format__")),
        }
    }

    /// A text.
    pub(super) fn text(&self, text: &str) -> Result<String, String> {
        let odd = self.sign.is_some() || self.alternate || self.grouping.is_some();
        let explicit_equal = self.align == Some('=') && self.fill != Some('0');
        if odd || explicit_equal || !matches!(self.kind, None | Some('s')) {
            return Err(self.unknown("str"));
        }
        let shown: String = text.chars().take(self.precision.unwrap_or(usize::MAX)).collect();
        let align = self.align.filter(|align| *align != '=').unwrap_or('<');
        Ok(self.padded(align, "", &shown))
    }

    fn integer(&self, value: i128) -> Result<String, String> {
        let magnitude = value.unsigned_abs();
        let (prefix, digits, group) = match self.kind {
            None | Some('d' | 'n') => ("", magnitude.to_string(), 3),
            Some('b') => ("0b", format!("{magnitude:b}"), 4),
            Some('o') => ("0o", format!("{magnitude:o}"), 4),
            Some('x') => ("0x", format!("{magnitude:x}"), 4),
            Some('X') => ("0X", format!("{magnitude:X}"), 4),
            Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') => {
                let float = value.to_string().parse().map_err(|_invalid| "the number is out of range")?;
                return self.float(float, "");
            }
            Some(_) => return Err(self.unknown("int")),
        };
        if self.precision.is_some() {
            return Err("Precision not allowed in integer format specifier".to_owned());
        }
        let prefix = if self.alternate { prefix } else { "" };
        let sign = format!("{}{prefix}", self.sign_of(value < 0));
        Ok(self.padded(self.align.unwrap_or('>'), &sign, &self.grouped(&digits, group)))
    }

    /// `plain` is the float's own text, for specifications without type and precision.
    fn float(&self, value: f64, plain: &str) -> Result<String, String> {
        let magnitude = value.abs();
        let precision = self.precision.unwrap_or(6);
        let shown = match self.kind {
            None if self.precision.is_none() => plain.trim_start_matches('-').to_owned(),
            Some('f' | 'F') => format!("{magnitude:.precision$}"),
            Some('%') => format!("{:.precision$}%", magnitude * 100.0),
            Some('e') => scientific(magnitude, precision),
            Some('E') => scientific(magnitude, precision).to_uppercase(),
            None | Some('g' | 'n') => general(magnitude, precision),
            Some('G') => general(magnitude, precision).to_uppercase(),
            Some(_) => return Err(self.unknown("float")),
        };
        let (whole, rest) = shown.split_at(shown.find(|c: char| !c.is_ascii_digit()).unwrap_or(shown.len()));
        let shown = format!("{}{rest}", self.grouped(whole, 3));
        Ok(self.padded(self.align.unwrap_or('>'), self.sign_of(value.is_sign_negative()), &shown))
    }

    fn sign_of(&self, negative: bool) -> &'static str {
        match (negative, self.sign) {
            (true, _) => "-",
            (false, Some('+')) => "+",
            (false, Some(' ')) => " ",
            (false, _) => "",
        }
    }

    fn grouped(&self, digits: &str, size: usize) -> String {
        let Some(separator) = self.grouping else { return digits.to_owned() };
        let mut out = String::new();
        for (index, digit) in digits.chars().enumerate() {
            let left = digits.len().saturating_sub(index);
            if index > 0 && left.is_multiple_of(size) {
                out.push(separator);
            }
            out.push(digit);
        }
        out
    }

    fn padded(&self, align: char, sign: &str, body: &str) -> String {
        let missing = self.width.saturating_sub(sign.len().saturating_add(body.chars().count()));
        let fill = |count: usize| self.fill.unwrap_or(' ').to_string().repeat(count);
        match align {
            '<' => format!("{sign}{body}{}", fill(missing)),
            '=' => format!("{sign}{}{body}", fill(missing)),
            '^' => {
                let left = missing / 2;
                format!("{}{sign}{body}{}", fill(left), fill(missing.saturating_sub(left)))
            }
            _ => format!("{}{sign}{body}", fill(missing)),
        }
    }

    fn unknown(&self, of: &str) -> String {
        match self.kind {
            Some(kind) => format!("Unknown format code '{kind}' for object of type '{of}'"),
            None => format!("Invalid format specifier for object of type '{of}'"),
        }
    }
}

fn is_align(c: char) -> bool {
    matches!(c, '<' | '>' | '=' | '^')
}

/// A width or precision; `chars` are in reverse.
fn size(chars: &mut Vec<char>) -> Result<Option<usize>, String> {
    let mut digits = String::new();
    while let Some(digit) = chars.pop_if(|c| c.is_ascii_digit()) {
        digits.push(digit);
    }
    if digits.is_empty() {
        return Ok(None);
    }
    let size = digits.parse().ok().filter(|size| *size <= MAX_SIZE);
    size.map(Some).ok_or_else(|| format!("width and precision may be {MAX_SIZE} at most"))
}

/// `1.5e+03`
fn scientific(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// The shorter of both forms, without zeros at the end.
fn general(value: f64, precision: usize) -> String {
    let precision = precision.max(1);
    let rounded = scientific(value, precision.saturating_sub(1));
    let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let trimmed = |digits: &str| match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => digits.to_owned(),
    };
    let exponent_number: i64 = exponent.parse().unwrap_or(0);
    let digits = i64::try_from(precision).unwrap_or(i64::MAX);
    if (-4..digits).contains(&exponent_number) {
        let decimals = digits.saturating_sub(1).saturating_sub(exponent_number);
        let decimals = usize::try_from(decimals).unwrap_or(0);
        trimmed(&format!("{value:.decimals$}"))
    } else {
        format!("{}e{exponent}", trimmed(mantissa))
    }
}
