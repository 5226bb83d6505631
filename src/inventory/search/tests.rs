//! The grammar, and what is refused.

use super::parser::{Quoted, Text, Tree, parse};
use super::*;

fn word(text: &str) -> Tree {
    Tree::Word(Text { text: text.to_owned(), quoted: Quoted::No })
}

fn directive(name: &str, operator: &str, value: &str) -> Tree {
    let value = Text { text: value.to_owned(), quoted: Quoted::No };
    Tree::Directive { name: name.to_owned(), operator: operator.to_owned(), value }
}

#[test]
fn a_blank_is_and_and_binds_closer_than_or() {
    let wanted = Tree::Or(vec![Tree::And(vec![word("a"), word("b")]), word("c")]);
    assert_eq!(parse("a b OR c").unwrap(), wanted);
    assert_eq!(parse("  a AND b  OR c ").unwrap(), wanted);
    assert_eq!(parse("(a b)OR(c)").unwrap(), wanted);
    let grouped = Tree::And(vec![word("a"), Tree::Or(vec![word("b"), word("c")])]);
    assert_eq!(parse("a (b OR c)").unwrap(), grouped);
}

#[test]
fn a_bang_negates_what_follows() {
    let not = |part| Tree::Not(Box::new(part));
    assert_eq!(parse("!a b").unwrap(), Tree::And(vec![not(word("a")), word("b")]));
    assert_eq!(parse("!(a OR b)").unwrap(), not(Tree::Or(vec![word("a"), word("b")])));
    assert_eq!(parse("!!sys.serial=NULL").unwrap(), not(not(directive("sys.serial", "=", "NULL"))));
}

#[test]
fn directives_have_operators_and_values() {
    for operator in ["=", "=:", "~", "<", "<=", ">", ">="] {
        assert_eq!(parse(&format!("a.b{operator}c")).unwrap(), directive("a.b", operator, "c"));
    }
    assert_eq!(parse("a.b!=c").unwrap(), Tree::Not(Box::new(directive("a.b", "=", "c"))));
    let quoted = Text { text: "a \"b\" (c) OR".to_owned(), quoted: Quoted::Yes };
    let wanted = Tree::Directive { name: "notes".to_owned(), operator: "~".to_owned(), value: quoted };
    assert_eq!(parse("notes~\"a \\\"b\\\" (c) OR\"").unwrap(), wanted);
    assert_eq!(parse("/web(1|2)[a-z]+").unwrap(), Tree::Regex("web(1|2)[a-z]+".to_owned()));
    assert_eq!(parse("(hostname=/a(b)c$)").unwrap(), directive("hostname", "=", "/a(b)c$"));
    assert_eq!(parse("ORACLE ANDROID").unwrap(), Tree::And(vec![word("ORACLE"), word("ANDROID")]));
}

#[test]
fn what_can_not_be_read_is_told_with_its_place() {
    for bad in ["(a", "a)", "a OR", "OR a", "!", "a AND", "x=", "\"a", "()", "a OR OR b", "a = b", "<3"] {
        let text = read(bad).unwrap_err().text;
        assert!(text.starts_with("Invalid q: ") && text.contains("character"), "{bad}: {text}");
    }
    let deep = "(".repeat(10_000);
    assert!(read(&deep).unwrap_err().text.contains("too deep"));
}

#[test]
fn an_unknown_field_is_refused_with_the_list_of_fields() {
    let text = read("colour=red").unwrap_err().text;
    assert!(
        text.contains("no field colour") && text.contains("sys.hostname") && text.contains("ip"),
        "{text}"
    );
    for bad in [
        "ip=300.1.1.1",
        "ip=10.0.0.0/99",
        "purchase_date>soon",
        "mac=1",
        "hw.enable_dhcp=maybe",
        "hostname=/[",
        "link=broken",
        "pk=one",
        "/x{1-9999}",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    for good in [
        "ip=10.0.0.0/8",
        "ip=10.0.0.1..10.0.0.9",
        "mac=5254.0012.3456",
        "kv.dhcp.scope=x",
        "status=production",
        "sys.system_rack__name=r1",
        "type=:SYS",
        "rack_order=1..7.02",
        "/web{08-12}",
        "view=public",
        "link=conflict",
    ] {
        assert!(read(good).is_ok(), "{good}: {:?}", read(good));
    }
}

#[test]
fn numbers_in_braces_are_spelled_out() {
    let Search::Is(_, Test::Matches(regex)) = read("hostname=/^web{08-11}\\.").unwrap() else { panic!() };
    assert!(regex.is_match("WEB08.example.com") && regex.is_match("web11.x") && !regex.is_match("web12.x"));
}
