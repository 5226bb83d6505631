//! The compiled set follows the database.

use serde_json::json;

use super::RuleBook;
use crate::clock::Timestamp;
use crate::processing::rules::Rule;
use crate::store::Store;
use crate::store::rules::{CreateRule, DeleteRules};
use crate::store::tests::databases;

fn rule() -> Rule {
    let body = json!({"actions": [{"action": "example"}]});
    Rule::from_object(body.as_object().unwrap()).unwrap()
}

#[test]
fn rules_are_compiled_anew_only_when_they_have_changed() {
    for database in databases() {
        let store = Store::open(&database.url, 2).unwrap();
        let book = RuleBook::default();
        let current = || book.current(&store).unwrap();
        assert!(current().is_empty());
        assert!(store.write_blocking(CreateRule { rule: rule(), at: Timestamp(1) }).unwrap());
        let first = current();
        assert!(!first.is_empty());
        assert!(std::sync::Arc::ptr_eq(&first, &current()));
        store.write_blocking(DeleteRules::All).unwrap();
        assert!(current().is_empty());
        store.close();
    }
}
