//! The fields that can be asked for, and what may be asked of each.

use regex::{Regex, RegexBuilder};

use super::parser::{Quoted, Text};
use super::{Bound, Order, Search, Test};
use crate::inventory::model::{Kind, Type, Val};
use crate::inventory::values;

/// Where a field is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Of which part of a system.
    pub within: Within,
    /// The column.
    pub column: &'static str,
    /// What it holds.
    pub ty: Type,
}

/// Part of a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Within {
    /// The system itself.
    System,
    /// A name that it refers to.
    Lookup(&'static str),
    /// Any of its registrations.
    Registration,
    /// Any of its adapters.
    Adapter,
    /// Any alias of its registrations.
    Alias,
    /// Its pair of this key.
    Attribute(String),
    /// A view of any of its registrations.
    View,
    /// What is known of its node.
    Link,
}

/// The key of a system.
const KEY: &str = "sys.pk";
/// The states of a link.
const STATES: [&str; 4] = ["linked", "suggested", "conflict", "history"];
/// Short names.
const ALIASES: [(&str, &str); 16] = [
    ("pk", KEY),
    ("status", "sys.system_status"),
    ("type", "sys.system_type"),
    ("rack", "sys.system_rack"),
    ("model", "sys.server_model"),
    ("os", "sys.operating_system"),
    ("name", "sys.hostname"),
    ("ip", "sreg.ip_str"),
    ("range", "sreg.ip_str"),
    ("network", "sreg.ip_str"),
    ("fqdn", "sreg.fqdn"),
    ("mac", "hw.mac"),
    ("cname", "cname.fqdn"),
    ("view", "view.name"),
    ("link", "link.state"),
    ("node", "link.node_uuid"),
];
/// Prefixes and the kinds that they mean.
const PREFIXES: [(&str, Kind); 8] = [
    ("sys.", Kind::System),
    ("system.", Kind::System),
    ("sreg.", Kind::Registration),
    ("registration.", Kind::Registration),
    ("hw.", Kind::Adapter),
    ("adapter.", Kind::Adapter),
    ("cname.", Kind::Alias),
    ("alias.", Kind::Alias),
];
/// Prefixes of pairs.
const PAIRS: [&str; 2] = ["kv.", "attribute."];
/// What a plain word is looked for in.
const WORDS: [&str; 6] =
    ["sys.hostname", "sys.serial", "sys.notes", "sys.asset_tag", "sys.oob_ip", "sys.system_rack"];

/// All that can be asked for.
fn names() -> String {
    let own = Kind::System.fields().iter().map(|field| format!("sys.{}", field.name));
    let others = [(Kind::Registration, "sreg."), (Kind::Adapter, "hw."), (Kind::Alias, "cname.")];
    let others = others.iter().flat_map(|(kind, prefix)| {
        kind.fields()
            .iter()
            .filter(|field| field.ty != Type::Views)
            .map(move |field| format!("{prefix}{}", field.name))
    });
    let short = ALIASES.iter().map(|(name, _)| (*name).to_owned());
    let all: Vec<String> =
        own.chain(others).chain([KEY.to_owned(), "kv.<key>".to_owned()]).chain(short).collect();
    all.join(", ")
}

fn target(name: &str) -> Result<Target, String> {
    let full = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, full)| full);
    let text = Type::Text(255);
    match full {
        KEY => return Ok(Target { within: Within::System, column: "pk", ty: Type::Int(0, i64::MAX) }),
        "view.name" => return Ok(Target { within: Within::View, column: "name", ty: text }),
        "link.state" => return Ok(Target { within: Within::Link, column: "state", ty: text }),
        "link.node_uuid" => return Ok(Target { within: Within::Link, column: "node_uuid", ty: Type::Node }),
        _ => {}
    }
    if let Some(key) = PAIRS.iter().find_map(|prefix| full.strip_prefix(prefix)).filter(|key| !key.is_empty())
    {
        return Ok(Target { within: Within::Attribute(key.to_owned()), column: "value", ty: text });
    }
    let prefixed = PREFIXES.iter().find_map(|(prefix, kind)| Some((*kind, full.strip_prefix(prefix)?)));
    let (kind, member) = prefixed.unwrap_or((Kind::System, full));
    // The ancestor's way to the name of a relation.
    let member = member.strip_suffix("__name").unwrap_or(member);
    let field = kind.field(member).map(|(_, field)| field).filter(|field| field.ty != Type::Views);
    let field = field.ok_or_else(|| format!("There is no field {name}; there are: {}", names()))?;
    let within = match (kind, field.ty) {
        (_, Type::Relation(_)) => Within::Lookup(field.name),
        (Kind::System, _) => Within::System,
        (Kind::Registration, _) => Within::Registration,
        (Kind::Adapter, _) => Within::Adapter,
        (Kind::Alias | Kind::Attribute, _) => Within::Alias,
    };
    Ok(Target { within, column: field.name, ty: field.ty })
}

/// What a plain word asks for.
pub(super) fn word(text: &Text) -> Search {
    let test = || match has_wildcard(text) {
        true => Test::Like(text.text.clone()),
        false => Test::Contains(text.text.clone()),
    };
    let fields = WORDS.iter().filter_map(|name| target(name).ok());
    Search::Or(fields.map(|target| Search::Is(target, test())).collect())
}

/// What a regular expression alone asks for.
pub(super) fn regex_anywhere(text: &str) -> Result<Search, String> {
    let regex = regex(text)?;
    let fields = WORDS.iter().filter_map(|name| target(name).ok());
    Ok(Search::Or(fields.map(|target| Search::Is(target, Test::Matches(regex.clone()))).collect()))
}

fn has_wildcard(text: &Text) -> bool {
    text.quoted == Quoted::No && text.text.contains(['*', '?'])
}

/// What a directive asks for.
pub(super) fn directive(name: &str, operator: &str, value: &Text) -> Result<Search, String> {
    if name == "type" && value.text.trim_start_matches(':') == "SYS" {
        return Ok(Search::All);
    }
    let target = target(name)?;
    let test = test(&target, operator, value).map_err(|wanted| format!("{name}: {wanted}"))?;
    if let (Within::Link, "state", Test::Equal(Bound::Text(state))) = (&target.within, target.column, &test)
        && !STATES.contains(&state.as_str())
    {
        return Err(format!("{name}: one of {} is expected", STATES.join(", ")));
    }
    Ok(Search::Is(target, test))
}

fn test(target: &Target, operator: &str, value: &Text) -> Result<Test, String> {
    let text = value.text.as_str();
    let plain = value.quoted == Quoted::No;
    if plain && text == "NULL" && matches!(operator, "=" | "=:") {
        return Ok(Test::Null);
    }
    if let (true, Some(expression)) = (plain, text.strip_prefix('/')) {
        return match operator {
            "=" | "=:" | "~" => Ok(Test::Matches(regex(expression)?)),
            _ => Err(format!("{operator} takes no regular expression")),
        };
    }
    match operator {
        "~" if has_wildcard(value) => Ok(Test::Like(format!("*{text}*"))),
        "~" => Ok(Test::Contains(text.to_owned())),
        "<" => Ok(Test::Compare(Order::Less, bound(target.ty, text)?)),
        "<=" => Ok(Test::Compare(Order::AtMost, bound(target.ty, text)?)),
        ">" => Ok(Test::Compare(Order::More, bound(target.ty, text)?)),
        ">=" => Ok(Test::Compare(Order::AtLeast, bound(target.ty, text)?)),
        _ => equal(target.ty, value),
    }
}

fn equal(ty: Type, value: &Text) -> Result<Test, String> {
    let text = value.text.as_str();
    if ty == Type::Address
        && let Some((first, last)) = network(text)?
    {
        return Ok(Test::Between(first, last));
    }
    let ranged = !matches!(ty, Type::Text(_) | Type::Relation(_)) && value.quoted == Quoted::No;
    if let (true, Some((first, last))) = (ranged, text.split_once("..")) {
        return Ok(Test::Between(bound(ty, first)?, bound(ty, last)?));
    }
    if has_wildcard(value) {
        let begins = text.strip_suffix('*').filter(|rest| !rest.is_empty() && !rest.contains(['*', '?']));
        return Ok(match (begins, ty) {
            // Kept in lower case, so that the index serves.
            (Some(rest), Type::Name(_) | Type::Mac | Type::Uuid | Type::Node) => {
                Test::Begins(rest.to_lowercase())
            }
            _ => Test::Like(text.to_owned()),
        });
    }
    bound(ty, text).map(Test::Equal)
}

fn network(text: &str) -> Result<Option<(Bound, Bound)>, String> {
    if !text.contains('/') {
        return Ok(None);
    }
    let network: ipnet::IpNet =
        text.parse().map_err(|_| "an address, a network or a range is expected".to_owned())?;
    let bound = |address: std::net::IpAddr| {
        values::bytes_of(&address.to_string()).map(|(family, bytes)| Bound::Address(family, bytes))
    };
    Ok(bound(network.network()).zip(bound(network.broadcast())))
}

fn bound(ty: Type, text: &str) -> Result<Bound, String> {
    match ty {
        Type::Text(_) | Type::Relation(_) | Type::Numbered(_) => return Ok(Bound::Text(text.to_owned())),
        Type::Address => {
            let address = values::bytes_of(text).map(|(family, bytes)| Bound::Address(family, bytes));
            return address.ok_or_else(|| "an address, a network or a range is expected".to_owned());
        }
        _ => {}
    }
    match values::from_text(ty, text).map_err(|(_, wanted)| wanted)? {
        Val::Text(text) => Ok(Bound::Text(text)),
        Val::Int(number) => Ok(Bound::Int(number)),
        Val::Bool(said) => Ok(Bound::Bool(said)),
        Val::Null | Val::Set(_) => Err("a value is expected".to_owned()),
    }
}

/// A regular expression; `{31-40}` stands for each of these numbers, with as many digits.
fn regex(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(&expanded(text)?)
        .case_insensitive(true)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| format!("the regular expression is wrong: {}", error.to_string().replace('\n', " ")))
}

fn expanded(text: &str) -> Result<String, String> {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        whole.push_str(before);
        let (inside, behind) = after.split_once('}').unwrap_or((after, ""));
        let digits = |text: &&str| {
            !text.is_empty() && text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let numbers = inside.split_once('-').filter(|(first, last)| digits(first) && digits(last));
        match numbers
            .and_then(|(first, last)| Some((first, first.parse::<u32>().ok()?, last.parse::<u32>().ok()?)))
        {
            Some((shown, first, last)) if first <= last && last.saturating_sub(first) <= 1000 => {
                let width = shown.len();
                let all: Vec<String> = (first..=last).map(|number| format!("{number:0width$}")).collect();
                whole.push_str(&format!("({})", all.join("|")));
                rest = behind;
            }
            Some(_) => return Err(format!("{{{inside}}} is no range of at most 1000 numbers")),
            None => {
                whole.push('{');
                rest = after;
            }
        }
    }
    whole.push_str(rest);
    Ok(whole)
}
