//! From the text of a rule to what it means.
//!
//! `not` binds before `and`, `and` before `or`; the three words count without case. Parentheses stand at the beginning
//! or end of a word, so that those of `%(name)s` are part of theirs.

use super::caller::ATTRIBUTES;
use super::check::Check;

/// How deep parentheses may go.
const DEEPEST: usize = 50;

/// What a rule is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    And,
    Or,
    Not,
    Word(&'a str),
}

/// Understands a rule.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(text: &str) -> Result<Check, String> {
    if text.is_empty() {
        return Ok(Check::Always);
    }
    let tokens: Vec<Token<'_>> = text.split_whitespace().flat_map(tokens).collect();
    let mut parser = Parser { rest: &tokens, depth: 0 };
    let check = parser.any()?;
    match parser.take() {
        None => Ok(check),
        Some(Token::Close) => Err("a parenthesis is closed that was never opened".to_owned()),
        Some(token) => Err(format!("\"and\" or \"or\" is missing before {}", shown(token))),
    }
}

fn tokens(word: &str) -> Vec<Token<'_>> {
    let inner = word.trim_start_matches('(');
    let opened = word.len().saturating_sub(inner.len());
    let core = inner.trim_end_matches(')');
    let closed = inner.len().saturating_sub(core.len());
    let mut tokens = vec![Token::Open; opened];
    tokens.extend((!core.is_empty()).then(|| token(core)));
    tokens.extend(vec![Token::Close; closed]);
    tokens
}

fn token(word: &str) -> Token<'_> {
    match word.to_ascii_lowercase().as_str() {
        "and" => Token::And,
        "or" => Token::Or,
        "not" => Token::Not,
        _ => Token::Word(word),
    }
}

fn shown(token: Token<'_>) -> &str {
    match token {
        Token::Open => "(",
        Token::Close => ")",
        Token::And => "and",
        Token::Or => "or",
        Token::Not => "not",
        Token::Word(word) => word,
    }
}

struct Parser<'a, 'b> {
    rest: &'b [Token<'a>],
    depth: usize,
}

impl<'a> Parser<'a, '_> {
    fn take(&mut self) -> Option<Token<'a>> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn takes(&mut self, wanted: Token<'_>) -> bool {
        let found = self.rest.first() == Some(&wanted);
        if found {
            self.take();
        }
        found
    }

    fn any(&mut self) -> Result<Check, String> {
        let mut checks = vec![self.all()?];
        while self.takes(Token::Or) {
            checks.push(self.all()?);
        }
        Ok(joined(checks, Check::Any))
    }

    fn all(&mut self) -> Result<Check, String> {
        let mut checks = vec![self.one()?];
        while self.takes(Token::And) {
            checks.push(self.one()?);
        }
        Ok(joined(checks, Check::All))
    }

    fn one(&mut self) -> Result<Check, String> {
        match self.take() {
            Some(Token::Not) => self.deeper(|parser| parser.one().map(|check| Check::Not(Box::new(check)))),
            Some(Token::Open) => {
                let check = self.deeper(Self::any)?;
                if self.takes(Token::Close) {
                    Ok(check)
                } else {
                    Err("a parenthesis is not closed".to_owned())
                }
            }
            Some(Token::Word(word)) => comparison(word),
            Some(token) => Err(format!("a check is missing before {}", shown(token))),
            None => Err("a check is missing at the end".to_owned()),
        }
    }

    fn deeper(&mut self, parse: impl FnOnce(&mut Self) -> Result<Check, String>) -> Result<Check, String> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEEPEST {
            return Err(format!("more than {DEEPEST} levels"));
        }
        let check = parse(self);
        self.depth = self.depth.saturating_sub(1);
        check
    }
}

fn joined(mut checks: Vec<Check>, join: fn(Vec<Check>) -> Check) -> Check {
    match checks.pop() {
        Some(only) if checks.is_empty() => only,
        last => {
            checks.extend(last);
            join(checks)
        }
    }
}

/// One comparison, `KIND:VALUE`, or one of the two signs.
fn comparison(word: &str) -> Result<Check, String> {
    let (kind, value) = match word {
        "@" => return Ok(Check::Always),
        "!" => return Ok(Check::Never),
        _ => word.split_once(':').ok_or_else(|| format!("{word} is no check: KIND:VALUE is needed"))?,
    };
    match kind {
        "rule" => Ok(Check::Rule(value.to_owned())),
        "role" => Ok(fixed(value)?.map_or(Check::OfTarget, Check::Role)),
        "http" | "https" => Err(format!("{word}: checks by another server are not supported")),
        _ => match literal(kind) {
            Some(literal) => Ok(match fixed(value)? {
                None => Check::OfTarget,
                Some(value) if value == literal => Check::Always,
                Some(_) => Check::Never,
            }),
            None => attribute(kind, value),
        },
    }
}

fn attribute(kind: &str, value: &str) -> Result<Check, String> {
    // Each role is compared, as with any list.
    if kind == "roles" {
        return Ok(fixed(value)?.map_or(Check::OfTarget, Check::Role));
    }
    let found = ATTRIBUTES.iter().find(|(name, _)| *name == kind);
    let Some((_, attribute)) = found else {
        let names: Vec<&str> = ATTRIBUTES.iter().map(|(name, _)| *name).collect();
        return Err(format!("{kind} is not known of a caller; known are role, {}", names.join(", ")));
    };
    Ok(fixed(value)?.map_or(Check::OfTarget, |value| Check::Is(*attribute, value)))
}

/// What stands on the left instead of an attribute: a text in quotes, a number, or one of three names.
fn literal(kind: &str) -> Option<&str> {
    let quoted = |quote: char| kind.strip_prefix(quote)?.strip_suffix(quote);
    let plain = || (matches!(kind, "True" | "False" | "None") || kind.parse::<i64>().is_ok()).then_some(kind);
    quoted('\'').or_else(|| quoted('"')).or_else(plain)
}

/// The value, where it needs nothing of a target (`%(name)s`).
fn fixed(value: &str) -> Result<Option<String>, String> {
    let plain = value.replace("%%", "");
    let mut parts = plain.split('%');
    parts.next();
    let mut needs_target = false;
    for part in parts {
        let name = part.strip_prefix('(').and_then(|part| part.split_once(")s")).map(|(name, _)| name);
        if name.is_none_or(str::is_empty) {
            return Err(format!("{value}: %(NAME)s is needed where a percent sign stands"));
        }
        needs_target = true;
    }
    if needs_target {
        return Ok(None);
    }
    if value.is_empty() {
        return Err("a check has no value behind its colon".to_owned());
    }
    Ok(Some(value.replace("%%", "%")))
}
