//! The grammar: words, regular expressions, directives, `!`, AND, OR, parentheses.

use winnow::combinator::{alt, cut_err, delimited, eof, not, opt, preceded, repeat, separated, terminated};
use winnow::error::{ContextError, StrContext, StrContextValue};
use winnow::prelude::*;
use winnow::token::{any, none_of, one_of, take, take_while};

use super::{Search, fields};

/// An expression as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Not(Box<Tree>),
    Word(Text),
    Regex(String),
    Directive { name: String, operator: String, value: Text },
}

/// A value, and whether it stood in quotes: then nothing in it means anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) quoted: Quoted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoted {
    Yes,
    No,
}

impl Tree {
    /// The same with known fields and typed values.
    pub(super) fn resolved(self) -> Result<Search, String> {
        let all =
            |parts: Vec<Self>| parts.into_iter().map(Self::resolved).collect::<Result<Vec<Search>, String>>();
        Ok(match self {
            Self::And(parts) => Search::And(all(parts)?),
            Self::Or(parts) => Search::Or(all(parts)?),
            Self::Not(part) => Search::Not(Box::new(part.resolved()?)),
            Self::Word(text) => fields::word(&text),
            Self::Regex(text) => fields::regex_anywhere(&text)?,
            Self::Directive { name, operator, value } => fields::directive(&name, &operator, &value)?,
        })
    }
}

/// Reads a whole expression.
pub(super) fn parse(text: &str) -> Result<Tree, String> {
    terminated(delimited(blank, either, blank), eof).parse(text).map_err(|error| {
        let place = text.get(..error.offset()).map_or(0, |before| before.chars().count()).saturating_add(1);
        let wanted = error.inner().to_string().replace('\n', ", ");
        let wanted = if wanted.is_empty() { "the expression can not be read".to_owned() } else { wanted };
        format!("{wanted} at character {place}")
    })
}

type Input<'a> = &'a str;

fn blank(input: &mut Input<'_>) -> ModalResult<()> {
    take_while(0.., char::is_whitespace).void().parse_next(input)
}

fn one(mut parts: Vec<Tree>, many: fn(Vec<Tree>) -> Tree) -> Tree {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            many(parts)
        }
    }
}

fn either(input: &mut Input<'_>) -> ModalResult<Tree> {
    let or = delimited(blank, keyword("OR"), blank);
    separated(1.., both, or).map(|parts: Vec<Tree>| one(parts, Tree::Or)).parse_next(input)
}

/// A keyword stands alone.
fn keyword<'a>(word: &'static str) -> impl ModalParser<Input<'a>, (), ContextError> {
    terminated(word, not(none_of([' ', '\t', '\n', '\r', '(', ')', '!']))).void()
}

fn both(input: &mut Input<'_>) -> ModalResult<Tree> {
    let and = (blank, opt((keyword("AND"), blank)));
    let more = repeat(0.., preceded(and, part));
    (part, more)
        .map(|(first, more): (Tree, Vec<Tree>)| one(std::iter::once(first).chain(more).collect(), Tree::And))
        .parse_next(input)
}

fn part(input: &mut Input<'_>) -> ModalResult<Tree> {
    alt((
        preceded(('!', blank), cut_err(part)).map(|part| Tree::Not(Box::new(part))),
        delimited(
            ('(', blank),
            cut_err(either),
            (blank, cut_err(')').context(wanted("a closing parenthesis"))),
        ),
        preceded('/', regex_text).map(Tree::Regex),
        directive,
        preceded(not(one_of(['=', '~', '<', '>'])), value).map(Tree::Word),
    ))
    .context(wanted("a word, a directive or a parenthesis"))
    .parse_next(input)
}

fn wanted(what: &'static str) -> StrContext {
    StrContext::Expected(StrContextValue::Description(what))
}

fn directive(input: &mut Input<'_>) -> ModalResult<Tree> {
    let name = take_while(1.., |char: char| char.is_ascii_alphanumeric() || "_.-:".contains(char));
    let name = name.verify(|name: &str| !name.ends_with(':'));
    let operator = alt(("=:", "=", "!=", "~", "<=", "<", ">=", ">"));
    (name, operator, cut_err(directed).context(wanted("a value")))
        .map(|(name, operator, value): (&str, &str, Text)| {
            let (operator, is_negated) = if operator == "!=" { ("=", true) } else { (operator, false) };
            let asked = Tree::Directive { name: name.to_owned(), operator: operator.to_owned(), value };
            if is_negated { Tree::Not(Box::new(asked)) } else { asked }
        })
        .parse_next(input)
}

fn directed(input: &mut Input<'_>) -> ModalResult<Text> {
    alt((preceded('/', regex_text).map(|text| Text { text: format!("/{text}"), quoted: Quoted::No }), value))
        .parse_next(input)
}

fn value(input: &mut Input<'_>) -> ModalResult<Text> {
    not(alt((keyword("AND"), keyword("OR")))).parse_next(input)?;
    alt((quoted('"'), quoted('\''), bare)).parse_next(input)
}

fn quoted<'a>(mark: char) -> impl ModalParser<Input<'a>, Text, ContextError> {
    let escaped = alt((preceded('\\', any), none_of(['\\', mark])));
    let text = repeat(0.., escaped).fold(String::new, |mut text, char| {
        text.push(char);
        text
    });
    delimited(mark, text, cut_err(mark).context(wanted("a closing quote")))
        .map(|text| Text { text, quoted: Quoted::Yes })
}

fn bare(input: &mut Input<'_>) -> ModalResult<Text> {
    take_while(1.., |char: char| !char.is_whitespace() && !"()!\"'".contains(char))
        .map(|text: &str| Text { text: text.to_owned(), quoted: Quoted::No })
        .parse_next(input)
}

/// Up to a blank, or a parenthesis that was not opened in it.
fn regex_text(input: &mut Input<'_>) -> ModalResult<String> {
    let length = regex_length(input);
    cut_err(take(length).verify(|text: &str| !text.is_empty()).context(wanted("a regular expression")))
        .map(|text: &str| text.to_owned())
        .parse_next(input)
}

/// How many bytes of the text belong to a regular expression.
fn regex_length(text: &str) -> usize {
    let mut depth: usize = 0;
    let mut escaped = false;
    for (at, char) in text.char_indices() {
        let was_escaped = std::mem::take(&mut escaped);
        match char {
            _ if char.is_whitespace() => return at,
            _ if was_escaped => {}
            '\\' => escaped = true,
            '(' => depth = depth.saturating_add(1),
            ')' if depth == 0 => return at,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    text.len()
}
