//! What an application credential may be used for, where its owner restricted it.
//!
//! Invariant: a token with rules is good for what one of them names, and for nothing else; a rule that can not be
//! understood names nothing.

use fancy_regex::{Regex, escape};

use crate::openstack::AccessRule;

/// The rules of a token, as far as they are about our service.
#[derive(Debug)]
pub(super) struct AccessRules(Vec<Permitted>);

#[derive(Debug)]
struct Permitted {
    method: String,
    path: Regex,
}

impl AccessRules {
    /// Takes the rules about a service of this type.
    pub(super) fn new(rules: &[AccessRule], service_type: &str) -> Self {
        let ours = rules.iter().filter(|rule| rule.service == service_type);
        let permitted = |rule: &AccessRule| {
            Some(Permitted { method: rule.method.clone(), path: Regex::new(&pattern(&rule.path)).ok()? })
        };
        Self(ours.filter_map(permitted).collect())
    }

    /// Whether one of them names a request.
    pub(super) fn permit(&self, method: &str, path: &str) -> bool {
        self.0.iter().any(|rule| rule.method == method && rule.path.is_match(path).unwrap_or_default())
    }
}

/// `*` and `{name}` stand for one or more characters but slashes, `**` for anything. None of it needs backtracking.
fn pattern(path: &str) -> String {
    const SEGMENT: &str = "[^/]+";
    let mut pattern = String::from("^");
    let mut rest = path;
    while let Some(next) = rest.chars().next() {
        let (written, left) = if let Some(left) = rest.strip_prefix("**") {
            (".*".to_owned(), left)
        } else if let Some(left) = rest.strip_prefix('*') {
            (SEGMENT.to_owned(), left)
        } else if let Some((_, left)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            (SEGMENT.to_owned(), left)
        } else {
            let (literal, left) = rest.split_at(next.len_utf8());
            (escape(literal).into_owned(), left)
        };
        pattern.push_str(&written);
        rest = left;
    }
    pattern.push('$');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(rule: &str, path: &str) -> bool {
        let rule = |service: &str, method: &str| AccessRule {
            service: service.to_owned(),
            method: method.to_owned(),
            path: rule.to_owned(),
        };
        let rules = [rule("baremetal", "GET"), rule("baremetal-introspection", "GET")];
        let rules = AccessRules::new(&rules, "baremetal-introspection");
        assert!(!rules.permit("POST", path));
        assert!(
            !AccessRules::new(&[rule("baremetal", "GET")], "baremetal-introspection").permit("GET", path)
        );
        rules.permit("GET", path)
    }

    #[test]
    fn a_star_is_one_segment_and_two_are_any_number() {
        for (rule, path, wanted) in [
            ("/v1/introspection", "/v1/introspection", true),
            ("/v1/introspection", "/v1/introspection/x", false),
            ("/v1/introspection/*", "/v1/introspection/x", true),
            ("/v1/introspection/{node}", "/v1/introspection/x", true),
            ("/v1/introspection/*", "/v1/introspection/", false),
            ("/v1/introspection/*", "/v1/introspection/x/data", false),
            ("/v1/*/x/data", "/v1/introspection/x/data", true),
            ("/v1/introspection/**", "/v1/introspection/x/data/unprocessed", true),
            ("/v1/introspection/**/data", "/v1/introspection/x/data", true),
            ("**", "/v1", true),
            ("/v1.", "/v1x", false),
            ("/v1/{", "/v1/{", true),
            ("(", "/v1", false),
        ] {
            assert_eq!(permits(rule, path), wanted, "{rule} {path}");
        }
    }

    #[test]
    fn no_rule_takes_long() {
        let began = std::time::Instant::now();
        assert!(!permits(&"**a".repeat(40), &"a".repeat(39)));
        assert!(!permits(&format!("{}b", "**a".repeat(40)), &"a".repeat(5000)));
        assert!(began.elapsed() < std::time::Duration::from_secs(10));
    }
}
