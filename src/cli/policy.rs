//! `rollcall config policy`: every rule with the requests that it is about and what it says by default.
//!
//! Invariant: as it stands the text is a file of rules that changes nothing.

use crate::http::policy::{Roles, defaults};
use crate::http::routes::ROUTES;
use crate::tasks::model::Action;

/// A complete file in which every rule is commented out.
#[must_use]
pub fn sample(roles: Roles) -> String {
    let mut out = String::from(
        "# Who may do what, with auth_strategy \"keystone\"; a file for [oslo_policy]policy_file.\n\
         # Every rule is shown with its default; remove the # to change it.\n",
    );
    for source in defaults(roles) {
        let requests = ROUTES.iter().filter(|endpoint| endpoint.policy.name() == source.name);
        let action = source.name.strip_prefix("tasks:").and_then(|name| name.parse::<Action>().ok());
        if let Some(action) = action {
            out.push_str(&format!("\n# Tasks with action {action}, beside tasks:create"));
        }
        let lines: String =
            requests.map(|it| format!("# {} {}  ({})\n", it.method, it.path, it.name)).collect();
        out.push_str(&format!("\n{lines}#\"{}\": \"{}\"\n", source.name, source.check));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::policy::Policy;
    use crate::policy::{Rules, parse_document};

    #[test]
    fn the_sample_changes_nothing_whether_commented_out_or_not() {
        for roles in [Roles::New, Roles::NewAndOld] {
            let ours = defaults(roles);
            let without = Rules::new(&ours, &parse_document(&sample(roles)).unwrap());
            let set = parse_document(&sample(roles).replace("#\"", "\"")).unwrap();
            assert_eq!(set.len(), Policy::ALL.len() + 4);
            assert_eq!(Rules::new(&ours, &set), without);
        }
    }

    #[test]
    fn every_request_is_named() {
        let sample = sample(Roles::New);
        for endpoint in ROUTES.iter() {
            assert!(sample.contains(&format!("# {} {}  (", endpoint.method, endpoint.path)), "{endpoint:?}");
        }
    }
}
