//! A search as SQL: known columns only, values only as parameters.
//!
//! Invariant: what a client says never becomes part of the statement. Regular expressions are matched here, so that
//! both databases mean the same by them, and reach the statement as a list of keys.

use super::{Found, list_of};
use crate::inventory::model::Type;
use crate::inventory::search::{Bound, Order, Search, Target, Test, Within};
use crate::store::{QueryResult, Session};

/// A statement with its parameters.
#[derive(Clone, Debug, Default)]
pub struct Statement {
    /// The text.
    pub text: String,
    /// The parameters, in order.
    pub values: Vec<Parameter>,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// Text.
    Text(String),
    /// A number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
    /// The family of an address.
    Family(i16),
    /// The bytes of an address.
    Bytes(Vec<u8>),
}

/// A page of systems: host names and keys, in order of the host names.
///
/// # Errors
/// Where the database can not be read.
pub fn page(
    session: &mut dyn Session,
    search: &Search,
    marker: Option<&str>,
    limit: i64,
) -> QueryResult<Vec<Found>> {
    let mut statement = Statement {
        text: "SELECT s.hostname AS key, s.pk FROM systems s WHERE ".to_owned(),
        values: Vec::new(),
    };
    if let Some(marker) = marker {
        statement.text.push_str("s.hostname > ");
        statement.value(Parameter::Text(marker.to_owned()));
        statement.text.push_str(" AND ");
    }
    statement.condition(session, search)?;
    statement.text.push_str(" ORDER BY s.hostname LIMIT ");
    statement.value(Parameter::Int(limit));
    session.inventory_select(&statement)
}

impl Statement {
    fn value(&mut self, value: Parameter) {
        self.values.push(value);
        self.text.push_str(&format!("${}", self.values.len()));
    }

    fn condition(&mut self, session: &mut dyn Session, search: &Search) -> QueryResult<()> {
        match search {
            Search::All => self.text.push_str("1 = 1"),
            Search::And(parts) => self.joined(session, parts, " AND ")?,
            Search::Or(parts) => self.joined(session, parts, " OR ")?,
            Search::Not(part) => {
                self.text.push_str("NOT COALESCE((");
                self.condition(session, part)?;
                self.text.push_str("), FALSE)");
            }
            Search::Is(target, test) => self.test(session, target, test)?,
        }
        Ok(())
    }

    fn joined(&mut self, session: &mut dyn Session, parts: &[Search], by: &str) -> QueryResult<()> {
        self.text.push('(');
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                self.text.push_str(by);
            }
            self.condition(session, part)?;
        }
        self.text.push(')');
        Ok(())
    }

    fn test(&mut self, session: &mut dyn Session, target: &Target, test: &Test) -> QueryResult<()> {
        let column = target.column;
        match (&target.within, test) {
            (Within::System, Test::Null) => self.text.push_str(&format!("s.{column} IS NULL")),
            (Within::Lookup(field), Test::Null) => self.text.push_str(&format!("s.{field} IS NULL")),
            (_, Test::Null) => {
                self.text.push_str("NOT ");
                self.within(target, |statement, column| {
                    statement.text.push_str(&format!("{column} IS NOT NULL"))
                });
            }
            (_, Test::Matches(regex)) => {
                let mut all = Self { text: String::new(), values: Vec::new() };
                all.all(target);
                let texts = session.inventory_select(&all)?;
                let found =
                    texts.into_iter().filter(|found| regex.is_match(&found.key)).map(|found| found.pk);
                let list = list_of(&found.collect::<Vec<i64>>());
                self.text.push_str("s.pk IN (INTS");
                self.value(Parameter::Text(list));
                self.text.push_str("SINT)");
            }
            (_, test) => self.within(target, |statement, column| statement.compare(column, target.ty, test)),
        }
        Ok(())
    }

    /// The systems of which a part fulfils a condition.
    fn within(&mut self, target: &Target, condition: impl FnOnce(&mut Self, &str)) {
        let (before, column) = match &target.within {
            Within::System => (String::new(), format!("s.{}", target.column)),
            Within::Lookup(field) => {
                (format!("s.{field} IN (SELECT l.pk FROM lookups l WHERE l.kind = '{field}' AND "), "l.name".to_owned())
            }
            Within::Registration => {
                ("s.pk IN (SELECT r.system FROM registrations r WHERE ".to_owned(), format!("r.{}", target.column))
            }
            Within::Adapter => (
                "s.pk IN (SELECT COALESCE(a.system, r.system) FROM adapters a \
                 LEFT JOIN registrations r ON r.pk = a.registration WHERE "
                    .to_owned(),
                format!("a.{}", target.column),
            ),
            Within::Alias => (
                "s.pk IN (SELECT r.system FROM aliases c JOIN registrations r ON r.pk = c.registration WHERE "
                    .to_owned(),
                format!("c.{}", target.column),
            ),
            Within::Attribute(key) => {
                self.text.push_str("s.pk IN (SELECT t.owner FROM object_attributes t WHERE t.owner_kind = 'system' AND t.key = ");
                self.value(Parameter::Text(key.clone()));
                (" AND ".to_owned(), "t.value".to_owned())
            }
            Within::View => (
                "s.pk IN (SELECT r.system FROM registrations r JOIN object_views v ON v.owner = r.pk \
                 JOIN lookups l ON l.pk = v.view WHERE "
                    .to_owned(),
                "l.name".to_owned(),
            ),
            Within::Link => (
                "s.pk IN (SELECT n.system_pk FROM system_node_links n WHERE ".to_owned(),
                format!("n.{}", target.column),
            ),
        };
        self.text.push_str(&before);
        condition(self, &column);
        if target.within != Within::System {
            self.text.push(')');
        }
    }

    /// All values of a field with the systems that they are of.
    fn all(&mut self, target: &Target) {
        let column = target.column;
        self.text = match &target.within {
            Within::System => format!("SELECT CAST(s.{column} AS TEXT) AS key, s.pk FROM systems s WHERE s.{column} IS NOT NULL"),
            Within::Lookup(field) => {
                format!("SELECT l.name AS key, s.pk FROM systems s JOIN lookups l ON l.pk = s.{field}")
            }
            Within::Registration => format!(
                "SELECT CAST(r.{column} AS TEXT) AS key, r.system AS pk FROM registrations r WHERE r.{column} IS NOT NULL"
            ),
            Within::Adapter => format!(
                "SELECT CAST(a.{column} AS TEXT) AS key, COALESCE(a.system, r.system) AS pk FROM adapters a \
                 LEFT JOIN registrations r ON r.pk = a.registration WHERE a.{column} IS NOT NULL"
            ),
            Within::Alias => format!(
                "SELECT CAST(c.{column} AS TEXT) AS key, r.system AS pk FROM aliases c \
                 JOIN registrations r ON r.pk = c.registration WHERE c.{column} IS NOT NULL"
            ),
            Within::Attribute(_) => {
                "SELECT t.value AS key, t.owner AS pk FROM object_attributes t WHERE t.owner_kind = 'system' AND t.key = "
                    .to_owned()
            }
            Within::View => "SELECT l.name AS key, r.system AS pk FROM registrations r \
                 JOIN object_views v ON v.owner = r.pk JOIN lookups l ON l.pk = v.view"
                .to_owned(),
            Within::Link => format!("SELECT n.{column} AS key, n.system_pk AS pk FROM system_node_links n"),
        };
        if let Within::Attribute(key) = &target.within {
            self.value(Parameter::Text(key.clone()));
        }
    }

    fn compare(&mut self, column: &str, ty: Type, test: &Test) {
        match test {
            Test::Equal(bound) => self.ordered(column, "=", bound),
            Test::Compare(order, bound) => {
                let sign = match order {
                    Order::Less => "<",
                    Order::AtMost => "<=",
                    Order::More => ">",
                    Order::AtLeast => ">=",
                };
                self.ordered(column, sign, bound);
            }
            Test::Between(first, last) => {
                self.text.push('(');
                self.ordered(column, ">=", first);
                self.text.push_str(" AND ");
                self.ordered(column, "<=", last);
                self.text.push(')');
            }
            Test::Begins(text) => {
                self.text.push_str(&format!("({column} >= "));
                self.value(Parameter::Text(text.clone()));
                self.text.push_str(&format!(" AND {column} < "));
                self.value(Parameter::Text(format!("{text}\u{10ffff}")));
                self.text.push(')');
            }
            Test::Like(pattern) => {
                let pattern = escaped(pattern).replace('*', "%").replace('?', "_");
                self.like(column, ty, pattern);
            }
            Test::Contains(text) => self.like(column, ty, format!("%{}%", escaped(text))),
            // Told apart before.
            Test::Null | Test::Matches(_) => self.text.push_str("1 = 0"),
        }
    }

    fn like(&mut self, column: &str, ty: Type, pattern: String) {
        let column = match ty {
            Type::Int(..) | Type::Decimal | Type::Bool => format!("CAST({column} AS TEXT)"),
            _ => column.to_owned(),
        };
        self.text.push_str(&format!("LOWER({column}) LIKE "));
        self.value(Parameter::Text(pattern.to_lowercase()));
        self.text.push_str(" ESCAPE '\\'");
    }

    fn ordered(&mut self, column: &str, sign: &str, bound: &Bound) {
        let value = match bound {
            Bound::Text(text) => Parameter::Text(text.clone()),
            Bound::Int(number) => Parameter::Int(*number),
            Bound::Bool(said) => Parameter::Bool(*said),
            Bound::Address(family, bytes) => {
                let of = column.split('.').next().unwrap_or_default();
                self.text.push_str(&format!("{of}.family = "));
                self.value(Parameter::Family(*family));
                self.text.push_str(&format!(" AND {of}.address {sign} "));
                return self.value(Parameter::Bytes(bytes.clone()));
            }
        };
        self.text.push_str(&format!("{column} {sign} "));
        self.value(value);
    }
}

/// The text with what means something in a pattern made plain.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
