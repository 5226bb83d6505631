//! The language by examples, and anything at all.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn document() -> Value {
    json!({
        "a": {"b": 1, "c": 2, "d": {"b": 3}, "9": "nine", "x y": "blank"},
        "list": [{"b": 10, "on": true}, {"b": 20}, {"b": 30, "on": false}],
        "numbers": [0, 1, 2, 3, 4],
        "text": "uefi", "int": 7, "float": 1.5, "null": null, "yes": true, "empty": {}
    })
}

fn found(path: &str) -> Result<Vec<Value>, Surprise> {
    let document = document();
    let found = Path::parse(path).unwrap_or_else(|error| panic!("{path}: {error}")).find(&document)?;
    Ok(found.into_iter().map(Cow::into_owned).collect())
}

#[test]
fn paths_lead_where_the_language_says() {
    let cases = [
        ("a.b", json!([1])),
        ("$.a.b", json!([1])),
        ("a.nothing", json!([])),
        ("text.b", json!([])),
        ("a..b", json!([1, 3])),
        ("$..b", json!([1, 3, 10, 20, 30])),
        ("list..b", json!([10, 20, 30])),
        ("a.'9'", json!(["nine"])),
        ("a.\"x y\"", json!(["blank"])),
        ("a['x y']", json!(["blank"])),
        ("a[b,c]", json!([1, 2])),
        ("a.b,c", json!([1, 2])),
        ("a.d.*", json!([3])),
        ("numbers.*", json!([])),
        ("numbers[0]", json!([0])),
        ("numbers[-1]", json!([4])),
        ("numbers[9]", json!([])),
        ("numbers[-9]", json!([])),
        ("numbers[1:3]", json!([1, 2])),
        ("numbers[:2]", json!([0, 1])),
        ("numbers[-2:]", json!([3, 4])),
        ("numbers[3:1]", json!([])),
        ("numbers[*]", json!([0, 1, 2, 3, 4])),
        ("numbers", json!([[0, 1, 2, 3, 4]])),
        ("list[*].b", json!([10, 20, 30])),
        ("list[*].(b|on)", json!([10, true, 20, 30, false])),
        ("a.b|c", json!([1, 2])),
        ("(list[*] where on).b", json!([10, 30])),
        ("list[0].b.`parent`.on", json!([true])),
        ("a.d.`this`.b", json!([3])),
        ("a.$.int", json!([7])),
        ("`parent`", json!([])),
        ("text[0]", json!(["u"])),
        ("text[-1]", json!(["i"])),
        ("text[*]", json!(["uefi"])),
        ("int[*]", json!([7])),
        ("yes[*]", json!([true])),
        ("empty[*]", json!([{}])),
        ("empty[0]", json!([])),
        ("numbers..[0]", json!([0])),
    ];
    for (path, wanted) in cases {
        assert_eq!(Value::Array(found(path).unwrap()), wanted, "{path}");
    }
}

#[test]
fn shapes_without_elements_are_surprises() {
    for path in ["null[0]", "null[*]", "float[*]", "int[0]", "a[0]", "yes[0]", "a & list"] {
        assert!(found(path).is_err(), "{path}");
    }
}

#[test]
fn what_is_no_path_is_refused() {
    let parentheses = "(".repeat(40) + "a" + &")".repeat(40);
    for path in [
        "",
        " ",
        "a..[",
        "a.",
        ".a",
        "a b",
        "9a",
        "a[",
        "a[]",
        "a[1:2:3]",
        "a[?(b)]",
        "a > 1",
        "'a",
        "`x`",
        "a[-]",
        "a,",
        "(a",
        "a)",
        "a[99999999999999999999]",
        "\u{fc}",
        &"a.".repeat(600),
        &parentheses,
    ] {
        assert!(Path::parse(path).is_err(), "{path}");
    }
}

#[test]
fn a_search_that_multiplies_is_given_up() {
    let document = (0..100).fold(json!({}), |inner, _| json!({ "a": inner }));
    let path = Path::parse("$..a..a..a..a..a..a").unwrap();
    assert!(path.find(&document).unwrap_err().0.contains("given up"));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = Path::parse(&text);
    }

    #[test]
    fn every_path_of_the_languages_words_ends(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "a", "b", "list", ".", ".", "..", "*", "[", "]", "0", "-1", ":", "(", ")", "$", "|", "&", " where ",
                ",", "`parent`", "`this`", "'text'", "[*]", "[0]",
            ]),
            0..25,
        )
    ) {
        if let Ok(path) = Path::parse(&words.concat()) {
            let _ = path.find(&document());
        }
    }
}
