//! The words of a path.

use std::iter::Peekable;
use std::str::Chars;

/// The longest path, in words.
const MAX_TOKENS: usize = 1000;

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A character with a meaning of its own.
    Sign(char),
    DoubleDot,
    Where,
    Number(i64),
    /// A name, quoted or not.
    Name(String),
    /// A name in backquotes.
    Named(String),
}

/// Splits a path into words.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut chars = text.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(first) = chars.next() {
        if first.is_ascii_whitespace() {
            continue;
        }
        if tokens.len() >= MAX_TOKENS {
            return Err(format!("more than {MAX_TOKENS} words"));
        }
        tokens.push(token(first, &mut chars)?);
    }
    Ok(tokens)
}

fn token(first: char, chars: &mut Peekable<Chars<'_>>) -> Result<Token, String> {
    match first {
        '.' if chars.next_if_eq(&'.').is_some() => Ok(Token::DoubleDot),
        '*' | '.' | '[' | ']' | '(' | ')' | '$' | ',' | ':' | '|' | '&' => Ok(Token::Sign(first)),
        '\'' | '"' => quoted(first, chars).map(Token::Name),
        '`' => quoted(first, chars).map(Token::Named),
        c if c == '-' || c.is_ascii_digit() => number(c, chars),
        c if is_name_start(c) => Ok(name(c, chars)),
        other => Err(format!("unexpected character {other:?}")),
    }
}

/// The text up to the closing quote; a backslash takes the next character as it is.
fn quoted(quote: char, chars: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match chars.next() {
            Some('\\') => text.extend(chars.next()),
            Some(c) if c == quote => return Ok(text),
            Some(c) => text.push(c),
            None => return Err(format!("no closing {quote}")),
        }
    }
}

fn number(first: char, chars: &mut Peekable<Chars<'_>>) -> Result<Token, String> {
    let mut digits = String::from(first);
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    digits.parse().map(Token::Number).map_err(|_invalid| format!("{digits} is no index"))
}

fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c == '@'
}

fn name(first: char, chars: &mut Peekable<Chars<'_>>) -> Token {
    let mut text = String::from(first);
    while let Some(c) = chars.next_if(|c| is_name_start(*c) || c.is_ascii_digit() || *c == '-') {
        text.push(c);
    }
    if text == "where" { Token::Where } else { Token::Name(text) }
}
