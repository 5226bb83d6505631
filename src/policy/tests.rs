//! The language of rules, case by case.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn reader() -> Caller {
    Caller {
        user_id: Some("u1".to_owned()),
        project_id: Some("p1".to_owned()),
        roles: vec!["Reader".to_owned(), "member".to_owned()],
        is_admin_project: true,
        ..Caller::default()
    }
}

/// Rules of which `x` is this text.
fn rules(text: &str) -> Result<Rules, String> {
    let ours = [("admin", "role:admin"), ("all", "@"), ("none", "!"), ("x", text)];
    Rules::new(&ours.map(|(name, check)| Source { name, check: check.to_owned() }), &BTreeMap::new())
}

fn allows(text: &str) -> bool {
    rules(text).unwrap().allow("x", &reader())
}

fn refusal(text: &str) -> String {
    rules(text).unwrap_err()
}

#[test]
fn each_check_by_itself() {
    for text in [
        "",
        "@",
        "role:reader",
        "role:MEMBER",
        "rule:all",
        "user_id:u1",
        "project_id:p1",
        "roles:member",
        "is_admin_project:True",
        "is_public_api:False",
        "not role:admin",
        "not not @",
        "'a':a",
        "1:1",
        "True:True",
    ] {
        assert!(allows(text), "{text}");
    }
    for text in [
        "!",
        "role:admin",
        "rule:none",
        "rule:admin",
        "user_id:u2",
        "user_id:None",
        "domain_id:d",
        "system_scope:all",
        "is_public_api:True",
        "is_admin_project:true",
        "not @",
        "'a':b",
        "None:None2",
        "role:read",
    ] {
        assert!(!allows(text), "{text}");
    }
}

#[test]
fn not_binds_before_and_and_and_before_or() {
    for (text, wanted) in [
        ("@ or ! and !", true),
        ("! and ! or @", true),
        ("(@ or !) and !", false),
        ("! and (! or @)", false),
        ("not ! and !", false),
        ("not (! and !)", true),
        ("not @ or @", true),
        ("( @ )", true),
        ("((@) and (not (!)))", true),
        ("@ AND Not ! oR !", true),
        ("(role:reader and not role:admin) or rule:none", true),
    ] {
        assert_eq!(allows(text), wanted, "{text}");
    }
}

#[test]
fn what_compares_with_a_target_is_satisfied_by_nobody_and_told() {
    for text in
        ["project_id:%(project_id)s", "role:%(role)s", "'Member':%(role.name)s", "None:%(x)s", "roles:%(x)s"]
    {
        let rules = rules(&format!("({text}) or !")).unwrap();
        assert!(!rules.allow("x", &reader()), "{text}");
        assert_eq!(rules.of_target(), ["x"], "{text}");
    }
    assert!(rules("role:a%%b").unwrap().of_target().is_empty());
}

#[test]
fn what_cannot_be_understood_is_refused() {
    for (text, wanted) in [
        (" ", "x: a check is missing at the end"),
        ("role:a role:b", "x: \"and\" or \"or\" is missing before role:b"),
        ("role:a and", "a check is missing at the end"),
        ("and role:a", "a check is missing before and"),
        ("role:a or or role:b", "a check is missing before or"),
        ("(role:a", "a parenthesis is not closed"),
        ("role:a)", "a parenthesis is closed that was never opened"),
        ("()", "a check is missing before )"),
        ("not", "a check is missing at the end"),
        ("admin", "admin is no check"),
        ("\"role:a\"", "is not known of a caller"),
        ("role:", "a check has no value"),
        ("token.user:x", "token.user is not known of a caller; known are role, user_id,"),
        ("http://127.0.0.1/check", "checks by another server are not supported"),
        ("role:%x", "%(NAME)s is needed"),
        ("role:%()s", "%(NAME)s is needed"),
        ("rule:nothing", "x: there is no rule nothing"),
        ("rule:x", "x: it refers to itself"),
    ] {
        assert!(refusal(text).contains(wanted), "{text}: {}", refusal(text));
    }
    assert!(refusal(&"(".repeat(5000)).contains("levels"));
    assert!(refusal(&"not ".repeat(5000)).contains("levels"));
}

#[test]
fn a_file_goes_over_the_defaults_and_may_bring_its_own_names() {
    let ours = [("a", "!"), ("b", "rule:a")].map(|(name, check)| Source { name, check: check.to_owned() });
    let with = |text: &str| Rules::new(&ours, &parse_document(text).unwrap());
    assert!(!with("").unwrap().allow("b", &reader()));
    assert!(with("a: role:reader").unwrap().allow("b", &reader()));
    assert!(with("\"a\": \"rule:own\"\nown: '@'").unwrap().allow("b", &reader()));
    assert!(with("{\"a\": \"@\"}").unwrap().allow("b", &reader()));
    assert_eq!(with("c: '@'").unwrap_err(), "c: there is no such rule, and no other rule refers to it");
    assert_eq!(with("a: rule:own\nown: rule:b").unwrap_err(), "a: it refers to itself");
}

#[test]
fn a_file_is_a_table_of_texts() {
    for nothing in ["", "\n\n", "# all is commented out\n#\"a\": \"@\"\n"] {
        assert_eq!(parse_document(nothing), Ok(BTreeMap::new()), "{nothing:?}");
    }
    for (text, wanted) in [
        ("[]", "is not a table of rules"),
        ("a", "is not a table of rules"),
        ("{\"a\": ", "is not a table of rules"),
        ("a: 5", "a: a text is needed"),
        ("a:", "a: a text is needed"),
        ("a: [[\"role:admin\"]]", "a: a text is needed"),
        ("a: '@'\na: '!'", "is not a table of rules"),
    ] {
        let told = parse_document(text).unwrap_err();
        assert!(told.contains(wanted) && !told.contains('\n'), "{text}: {told}");
    }
}

/// A rule, and whether it is satisfied.
fn any_rule() -> impl Strategy<Value = (String, bool)> {
    let leaf = prop_oneof![
        Just(("@".to_owned(), true)),
        Just(("!".to_owned(), false)),
        Just(("role:reader".to_owned(), true)),
        Just(("rule:admin".to_owned(), false)),
    ];
    leaf.prop_recursive(4, 32, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|(text, is)| (format!("not ({text})"), !is)),
            pair.clone().prop_map(|((a, one), (b, other))| (format!("({a}) and ({b})"), one && other)),
            pair.prop_map(|((a, one), (b, other))| (format!("( {a} or {b} )"), one || other)),
        ]
    })
}

proptest! {
    #[test]
    fn a_rule_means_what_its_parts_mean((text, wanted) in any_rule()) {
        prop_assert_eq!(allows(&text), wanted, "{}", text);
    }

    #[test]
    fn no_text_does_harm(text in "[()!@%: a-z]{0,40}") {
        let _refused_or_not = rules(&text);
    }
}
