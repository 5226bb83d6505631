//! The operator language of hints: an optional operator, then its operands (processing 2.6.7).

use super::HintError;

/// Whether a comparison is of numbers or of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A range; `from` and `to` say whether its bounds belong to it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Range<T> {
    pub from: Comparison,
    pub low: T,
    pub high: T,
    pub to: Comparison,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression<T> {
    /// No operator: equality.
    Plain(T),
    Compare(Kind, Comparison, T),
    /// One of these.
    Or(Vec<T>),
    /// Contains this.
    In(T),
    /// Contains all of these.
    AllIn(Vec<T>),
    Within(Range<T>),
}

/// Longer operators stand before their own beginnings.
const COMPARISONS: [(&str, Kind, Comparison); 13] = [
    ("s==", Kind::Text, Comparison::Equal),
    ("s!=", Kind::Text, Comparison::Unequal),
    ("s<=", Kind::Text, Comparison::LessOrEqual),
    ("s>=", Kind::Text, Comparison::GreaterOrEqual),
    ("s<", Kind::Text, Comparison::Less),
    ("s>", Kind::Text, Comparison::Greater),
    ("==", Kind::Number, Comparison::Equal),
    ("!=", Kind::Number, Comparison::Unequal),
    ("<=", Kind::Number, Comparison::LessOrEqual),
    (">=", Kind::Number, Comparison::GreaterOrEqual),
    ("=", Kind::Number, Comparison::GreaterOrEqual),
    ("<", Kind::Number, Comparison::Less),
    (">", Kind::Number, Comparison::Greater),
];

impl Expression<String> {
    /// Reads the expression of the hint `name`.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, HintError> {
        let text = text.trim().to_lowercase();
        let operand = |rest: &str| match rest.trim() {
            "" => Err(HintError::Empty(name.to_owned())),
            operand => Ok(operand.to_owned()),
        };
        let operands = |found: Vec<String>| match found.is_empty() {
            true => Err(HintError::Empty(name.to_owned())),
            false => Ok(found),
        };
        if text.starts_with("<or>") {
            let found = text.split("<or>").map(str::trim).filter(|part| !part.is_empty());
            return operands(found.map(str::to_owned).collect()).map(Self::Or);
        }
        if let Some(rest) = text.strip_prefix("<in>") {
            return operand(rest).map(Self::In);
        }
        if let Some(rest) = text.strip_prefix("<all-in>") {
            return operands(rest.split_whitespace().map(str::to_owned).collect()).map(Self::AllIn);
        }
        if let Some(rest) = text.strip_prefix("<range-in>") {
            let range = range(rest).ok_or_else(|| HintError::NotARange(name.to_owned(), text.clone()));
            return range.map(Self::Within);
        }
        for (symbol, kind, comparison) in COMPARISONS {
            if let Some(rest) = text.strip_prefix(symbol) {
                return operand(rest).map(|operand| Self::Compare(kind, comparison, operand));
            }
        }
        operand(&text).map(Self::Plain)
    }
}

/// `[ a b ]`, with round brackets where a bound does not belong to the range.
fn range(text: &str) -> Option<Range<String>> {
    let text = text.trim();
    let (from, rest) = match text.strip_prefix('[') {
        Some(rest) => (Comparison::GreaterOrEqual, rest),
        None => (Comparison::Greater, text.strip_prefix('(')?),
    };
    let (to, inner) = match rest.strip_suffix(']') {
        Some(inner) => (Comparison::LessOrEqual, inner),
        None => (Comparison::Less, rest.strip_suffix(')')?),
    };
    let mut bounds = inner.split_whitespace().map(str::to_owned);
    let range = Range { from, low: bounds.next()?, high: bounds.next()?, to };
    bounds.next().is_none().then_some(range)
}

impl<T> Expression<T> {
    /// The same expression with each operand converted.
    pub(super) fn map<U>(
        self,
        mut convert: impl FnMut(T) -> Result<U, HintError>,
    ) -> Result<Expression<U>, HintError> {
        Ok(match self {
            Self::Plain(operand) => Expression::Plain(convert(operand)?),
            Self::Compare(kind, comparison, operand) => {
                Expression::Compare(kind, comparison, convert(operand)?)
            }
            Self::Or(operands) => {
                Expression::Or(operands.into_iter().map(convert).collect::<Result<_, _>>()?)
            }
            Self::In(operand) => Expression::In(convert(operand)?),
            Self::AllIn(operands) => {
                Expression::AllIn(operands.into_iter().map(convert).collect::<Result<_, _>>()?)
            }
            Self::Within(Range { from, low, high, to }) => {
                Expression::Within(Range { from, low: convert(low)?, high: convert(high)?, to })
            }
        })
    }
}
