//! Rows of `rules`, `rule_conditions` and `rule_actions`, and the jobs that write them.
//!
//! Invariant: every write raises the generation first. That row is the lock of all writers, whichever instance they
//! belong to, and the number makes the order of creation.

use diesel::deserialize::Result as FromRow;
use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::Session;
use super::schema::{rule_actions, rule_conditions, rules, rules_generation};
use super::writer::{Job, QueryResult};
use crate::clock::Timestamp;
use crate::node_service::Object;
use crate::processing::rules::{Action, Condition, Multiple, Rule, RulePatch};

/// The key of the only row of `rules_generation`.
const GENERATION: i16 = 1;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = rules)]
struct RuleRow {
    uuid: String,
    description: Option<String>,
    scope: Option<String>,
    priority: Option<i64>,
    disabled: bool,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = rule_conditions)]
struct ConditionRow {
    rule: String,
    op: String,
    multiple: String,
    invert: bool,
    field: String,
    params: String,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = rule_actions)]
struct ActionRow {
    rule: String,
    action: String,
    params: String,
}

/// Queries on rules.
pub trait RuleQueries {
    /// Counts the changes of rules.
    fn rules_generation(&mut self) -> QueryResult<i64>;

    /// Raises the generation, and keeps every other writer of rules waiting until the transaction ends.
    fn raise_rules_generation(&mut self) -> QueryResult<i64>;

    /// All rules, in order of their creation.
    fn rules(&mut self) -> QueryResult<Vec<Rule>>;

    /// A rule.
    fn rule(&mut self, uuid: &str) -> QueryResult<Option<Rule>>;

    /// Adds a rule as the `sequence`-th.
    fn insert_rule(&mut self, rule: &Rule, sequence: i64, now: Timestamp) -> QueryResult<()>;

    /// Replaces a rule but for its place in the order.
    fn update_rule(&mut self, rule: &Rule) -> QueryResult<()>;

    /// Removes a rule; answers whether there was one.
    fn delete_rule(&mut self, uuid: &str) -> QueryResult<bool>;

    /// Removes all rules.
    fn delete_rules(&mut self) -> QueryResult<()>;
}

macro_rules! rule_queries {
    ($connection:ty) => {
        impl RuleQueries for $connection {
            fn rules_generation(&mut self) -> QueryResult<i64> {
                rules_generation::table.find(GENERATION).select(rules_generation::generation).get_result(self)
            }

            fn raise_rules_generation(&mut self) -> QueryResult<i64> {
                use rules_generation as t;
                diesel::update(t::table.find(GENERATION))
                    .set(t::generation.eq(t::generation + 1))
                    .returning(t::generation)
                    .get_result(self)
            }

            fn rules(&mut self) -> QueryResult<Vec<Rule>> {
                let rows: Vec<RuleRow> =
                    rules::table.order(rules::sequence.asc()).select(RuleRow::as_select()).load(self)?;
                let conditions: Vec<ConditionRow> = rule_conditions::table
                    .order(rule_conditions::id.asc())
                    .select(ConditionRow::as_select())
                    .load(self)?;
                let actions: Vec<ActionRow> = rule_actions::table
                    .order(rule_actions::id.asc())
                    .select(ActionRow::as_select())
                    .load(self)?;
                assembled(rows, &conditions, &actions)
            }

            fn rule(&mut self, uuid: &str) -> QueryResult<Option<Rule>> {
                let row: Option<RuleRow> =
                    rules::table.find(uuid).select(RuleRow::as_select()).first(self).optional()?;
                let conditions: Vec<ConditionRow> = rule_conditions::table
                    .filter(rule_conditions::rule.eq(uuid))
                    .order(rule_conditions::id.asc())
                    .select(ConditionRow::as_select())
                    .load(self)?;
                let actions: Vec<ActionRow> = rule_actions::table
                    .filter(rule_actions::rule.eq(uuid))
                    .order(rule_actions::id.asc())
                    .select(ActionRow::as_select())
                    .load(self)?;
                Ok(assembled(row.into_iter().collect(), &conditions, &actions)?.pop())
            }

            fn insert_rule(&mut self, rule: &Rule, sequence: i64, now: Timestamp) -> QueryResult<()> {
                let row = (rule_row(rule), rules::created_at.eq(now.0), rules::sequence.eq(sequence));
                diesel::insert_into(rules::table).values(row).execute(self)?;
                for condition in &rule.conditions {
                    let row = condition_row(rule, condition);
                    diesel::insert_into(rule_conditions::table).values(row).execute(self)?;
                }
                for action in &rule.actions {
                    let row = action_row(rule, action);
                    diesel::insert_into(rule_actions::table).values(row).execute(self)?;
                }
                Ok(())
            }

            fn update_rule(&mut self, rule: &Rule) -> QueryResult<()> {
                let place = rules::table
                    .find(&rule.uuid)
                    .select((rules::sequence, rules::created_at))
                    .first::<(i64, i64)>(self)?;
                self.delete_rule(&rule.uuid)?;
                self.insert_rule(rule, place.0, Timestamp(place.1))
            }

            fn delete_rule(&mut self, uuid: &str) -> QueryResult<bool> {
                Ok(diesel::delete(rules::table.find(uuid)).execute(self)? == 1)
            }

            fn delete_rules(&mut self) -> QueryResult<()> {
                diesel::delete(rules::table).execute(self)?;
                Ok(())
            }
        }
    };
}

rule_queries!(diesel::SqliteConnection);
rule_queries!(diesel::PgConnection);

fn rule_row(rule: &Rule) -> RuleRow {
    RuleRow {
        uuid: rule.uuid.clone(),
        description: rule.description.clone(),
        scope: rule.scope.clone(),
        priority: rule.priority,
        disabled: rule.disabled,
    }
}

fn condition_row(rule: &Rule, condition: &Condition) -> ConditionRow {
    ConditionRow {
        rule: rule.uuid.clone(),
        op: condition.op.clone(),
        multiple: condition.multiple.name().to_owned(),
        invert: condition.invert,
        field: condition.field.clone(),
        params: text(&condition.params),
    }
}

fn action_row(rule: &Rule, action: &Action) -> ActionRow {
    ActionRow { rule: rule.uuid.clone(), action: action.action.clone(), params: text(&action.params) }
}

fn text(params: &Object) -> String {
    serde_json::Value::Object(params.clone()).to_string()
}

fn assembled(
    rows: Vec<RuleRow>,
    conditions: &[ConditionRow],
    actions: &[ActionRow],
) -> QueryResult<Vec<Rule>> {
    let assemble = |row: RuleRow| -> FromRow<Rule> {
        let conditions = conditions.iter().filter(|condition| condition.rule == row.uuid);
        let actions = actions.iter().filter(|action| action.rule == row.uuid);
        Ok(Rule {
            conditions: conditions.map(condition).collect::<FromRow<_>>()?,
            actions: actions.map(action).collect::<FromRow<_>>()?,
            uuid: row.uuid,
            description: row.description,
            scope: row.scope,
            priority: row.priority,
            disabled: row.disabled,
        })
    };
    rows.into_iter().map(assemble).collect::<FromRow<_>>().map_err(DieselError::DeserializationError)
}

fn condition(row: &ConditionRow) -> FromRow<Condition> {
    Ok(Condition {
        op: row.op.clone(),
        field: row.field.clone(),
        multiple: Multiple::from_name(&row.multiple).ok_or("an unknown value of multiple")?,
        invert: row.invert,
        params: serde_json::from_str(&row.params)?,
    })
}

fn action(row: &ActionRow) -> FromRow<Action> {
    Ok(Action { action: row.action.clone(), params: serde_json::from_str(&row.params)? })
}

/// Adds a rule; answers false where its UUID is taken.
#[derive(Clone, Debug)]
pub struct CreateRule {
    /// The rule.
    pub rule: Rule,
    /// The time of its creation.
    pub at: Timestamp,
}

impl Job for CreateRule {
    type Output = bool;

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        let sequence = session.raise_rules_generation()?;
        if session.rule(&self.rule.uuid)?.is_some() {
            return Ok(false);
        }
        session.insert_rule(&self.rule, sequence, self.at)?;
        Ok(true)
    }
}

/// Changes a rule; answers it as it is then, if there is one.
#[derive(Clone, Debug)]
pub struct PatchRule {
    /// The rule.
    pub uuid: String,
    /// What changes.
    pub patch: RulePatch,
}

impl Job for PatchRule {
    type Output = Option<Rule>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<Option<Rule>> {
        session.raise_rules_generation()?;
        let Some(rule) = session.rule(&self.uuid)? else { return Ok(None) };
        let rule = self.patch.applied_to(rule);
        session.update_rule(&rule)?;
        Ok(Some(rule))
    }
}

/// Removes one rule or all; answers whether there was what was to be removed.
#[derive(Clone, Debug)]
pub enum DeleteRules {
    /// The rule with this UUID.
    One(String),
    /// All of them, if there are any.
    All,
}

impl Job for DeleteRules {
    type Output = bool;

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        session.raise_rules_generation()?;
        match self {
            Self::One(uuid) => session.delete_rule(uuid),
            Self::All => session.delete_rules().map(|()| true),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::store::Store;
    use crate::store::tests::on_each;

    fn rule(body: Value) -> Rule {
        Rule::from_object(body.as_object().unwrap()).unwrap()
    }

    fn full(uuid: &str) -> Rule {
        rule(json!({
            "uuid": uuid, "description": "d", "scope": "s", "priority": 7, "disabled": true,
            "conditions": [
                {"op": "eq", "field": "a", "value": {"b": [1, 2.50, null]}, "invert": true},
                {"op": "is-empty", "field": "node://x", "multiple": "first"},
            ],
            "actions": [
                {"action": "set-attribute", "path": "/extra/x", "value": null},
                {"action": "fail", "message": "m"},
            ],
        }))
    }

    fn uuid(number: u128) -> String {
        uuid::Uuid::from_u128(number).to_string()
    }

    fn create(store: &Store, rule: Rule) -> bool {
        store.write_blocking(CreateRule { rule, at: Timestamp(5) }).unwrap()
    }

    fn order(store: &Store) -> Vec<String> {
        store.read_blocking(|session| session.rules()).unwrap().into_iter().map(|rule| rule.uuid).collect()
    }

    fn generation(store: &Store) -> i64 {
        store.read_blocking(|session| session.rules_generation()).unwrap()
    }

    #[test]
    fn a_rule_comes_back_as_it_was_written() {
        on_each(|store, _| {
            let wanted = full(&uuid(1));
            assert!(create(store, wanted.clone()));
            let name = wanted.uuid.clone();
            assert_eq!(store.read_blocking(|session| session.rule(&name)).unwrap(), Some(wanted.clone()));
            assert_eq!(store.read_blocking(|session| session.rules()).unwrap(), [wanted]);
            assert_eq!(store.read_blocking(|session| session.rule("other")).unwrap(), None);
        });
    }

    #[test]
    fn a_uuid_is_taken_once_but_any_notation_is_another() {
        on_each(|store, _| {
            assert!(create(store, full(&uuid(1))));
            assert!(!create(store, full(&uuid(1))));
            assert!(create(store, full(&uuid(1).replace('-', ""))));
            assert_eq!(order(store).len(), 2);
        });
    }

    #[test]
    fn rules_stay_in_order_of_creation_when_they_are_changed() {
        on_each(|store, _| {
            for number in [3, 1, 2] {
                assert!(create(store, full(&uuid(number))));
            }
            let patch = RulePatch { actions: Some(vec![]), scope: Some(None), ..RulePatch::default() };
            let job = PatchRule { uuid: uuid(3), patch };
            let changed = store.write_blocking(job.clone()).unwrap().unwrap();
            assert_eq!(changed, Rule { actions: vec![], scope: None, ..full(&uuid(3)) });
            assert_eq!(store.read_blocking(|session| session.rule(&uuid(3))).unwrap(), Some(changed));
            assert_eq!(order(store), [uuid(3), uuid(1), uuid(2)]);
            assert_eq!(store.write_blocking(PatchRule { uuid: uuid(9), ..job }).unwrap(), None);
        });
    }

    #[test]
    fn every_change_is_a_new_generation() {
        on_each(|store, _| {
            assert_eq!(generation(store), 0);
            assert!(create(store, full(&uuid(1))) && create(store, full(&uuid(2))));
            assert!(store.write_blocking(DeleteRules::One(uuid(1))).unwrap());
            assert!(!store.write_blocking(DeleteRules::One(uuid(1))).unwrap());
            assert_eq!(order(store), [uuid(2)]);
            assert!(store.write_blocking(DeleteRules::All).unwrap());
            assert!(store.write_blocking(DeleteRules::All).unwrap(), "none is all, too");
            assert_eq!((order(store).len(), generation(store)), (0, 6));
        });
    }
}
