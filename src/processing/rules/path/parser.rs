//! From words to an expression.
//!
//! Two expressions are joined by `..`, `.`, `|`, `&` or `where`, loosest first, all from the left; brackets belong
//! to what stands right before them. Invariant: only parentheses make the parser recurse, and those are counted.

use super::lexer::Token;
use super::{Link, Node};

/// How many parentheses may be open at once.
const MAX_DEPTH: usize = 32;

/// Reads a whole path.
pub(super) fn parse(tokens: &[Token]) -> Result<Node, String> {
    let mut parser = Parser { tokens, depth: 0 };
    let node = parser.expression(Link::Descendants)?;
    match parser.tokens.first() {
        None => Ok(node),
        Some(token) => Err(unexpected(token)),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    depth: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Result<Token, String> {
        let (first, rest) = self.tokens.split_first().ok_or("unexpected end")?;
        self.tokens = rest;
        Ok(first.clone())
    }

    fn take(&mut self, wanted: &Token) -> bool {
        let found = self.tokens.first() == Some(wanted);
        if found {
            self.tokens = self.tokens.get(1..).unwrap_or_default();
        }
        found
    }

    fn expect(&mut self, sign: char) -> Result<(), String> {
        match self.next()? {
            Token::Sign(found) if found == sign => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Operands joined by links of at least this tightness.
    fn expression(&mut self, loosest: Link) -> Result<Node, String> {
        let mut left = self.operand()?;
        while let Some(link) = self.tokens.first().and_then(link).filter(|link| *link >= loosest) {
            self.next()?;
            let right = match tighter(link) {
                Some(next) => self.expression(next)?,
                None => self.operand()?,
            };
            left = Node::Pair(link, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Node, String> {
        let mut node = self.atom()?;
        while self.take(&Token::Sign('[')) {
            node = Node::Pair(Link::Child, Box::new(node), Box::new(self.in_brackets()?));
        }
        Ok(node)
    }

    fn atom(&mut self) -> Result<Node, String> {
        match self.next()? {
            Token::Sign('$') => Ok(Node::Root),
            Token::Sign('*') => Ok(Node::AnyField),
            Token::Sign('[') => self.in_brackets(),
            Token::Sign('(') => self.in_parentheses(),
            Token::Name(name) => self.fields(name),
            Token::Named(name) => named(&name),
            other => Err(unexpected(&other)),
        }
    }

    fn in_parentheses(&mut self) -> Result<Node, String> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} parentheses inside one another"));
        }
        let node = self.expression(Link::Descendants)?;
        self.expect(')')?;
        self.depth = self.depth.saturating_sub(1);
        Ok(node)
    }

    fn fields(&mut self, first: String) -> Result<Node, String> {
        let mut names = vec![first];
        while self.take(&Token::Sign(',')) {
            match self.next()? {
                Token::Name(name) => names.push(name),
                other => return Err(unexpected(&other)),
            }
        }
        Ok(Node::Fields(names))
    }

    /// An index, a slice or names, after the opening bracket.
    fn in_brackets(&mut self) -> Result<Node, String> {
        let node = match self.next()? {
            Token::Sign('*') => Node::Slice(None, None),
            Token::Sign(':') => Node::Slice(None, self.optional_number()),
            Token::Number(number) if self.take(&Token::Sign(':')) => {
                Node::Slice(Some(number), self.optional_number())
            }
            Token::Number(number) => Node::Index(number),
            Token::Name(name) => self.fields(name)?,
            other => return Err(unexpected(&other)),
        };
        self.expect(']')?;
        Ok(node)
    }

    fn optional_number(&mut self) -> Option<i64> {
        let Some(Token::Number(number)) = self.tokens.first() else { return None };
        let number = *number;
        self.tokens = self.tokens.get(1..).unwrap_or_default();
        Some(number)
    }
}

fn named(name: &str) -> Result<Node, String> {
    match name {
        "this" => Ok(Node::This),
        "parent" => Ok(Node::Parent),
        other => Err(format!("unknown name in backquotes: {other}")),
    }
}

fn link(token: &Token) -> Option<Link> {
    match token {
        Token::DoubleDot => Some(Link::Descendants),
        Token::Sign('.') => Some(Link::Child),
        Token::Sign('|') => Some(Link::Union),
        Token::Sign('&') => Some(Link::Intersection),
        Token::Where => Some(Link::Where),
        _ => None,
    }
}

/// The next tighter link; none is tighter than `where`.
fn tighter(link: Link) -> Option<Link> {
    match link {
        Link::Descendants => Some(Link::Child),
        Link::Child => Some(Link::Union),
        Link::Union => Some(Link::Intersection),
        Link::Intersection => Some(Link::Where),
        Link::Where => None,
    }
}

fn unexpected(token: &Token) -> String {
    match token {
        Token::Sign(sign) => format!("unexpected {sign:?}"),
        Token::DoubleDot => "unexpected \"..\"".to_owned(),
        Token::Where => "unexpected \"where\"".to_owned(),
        Token::Number(number) => format!("unexpected number {number}"),
        Token::Name(name) | Token::Named(name) => format!("unexpected name {name:?}"),
    }
}
