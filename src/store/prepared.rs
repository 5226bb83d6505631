//! Statements that the connection keeps prepared.
//!
//! diesel prepares every UPDATE and every upsert anew, as their text might be another each time. Those of the writer are
//! the same each time, and there are some dozens for each run. Invariant: what is wrapped has one text, or a few,
//! whatever its values are, else the connection's memory grows; and it returns something: diesel asks the wrapping only
//! where rows are read, so that `execute` prepares anew all the same.

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::{QueryResult, RunQueryDsl};

/// A statement that returns rows, and is kept prepared.
pub(super) struct Prepared<Q>(Q);

/// Keeps the statement prepared, by its text.
pub(super) fn prepared<Q>(statement: Q) -> Prepared<Q> {
    Prepared(statement)
}

impl<Q, DB> QueryFragment<DB> for Prepared<Q>
where
    DB: Backend,
    Q: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

/// It is known by its text.
impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, C> RunQueryDsl<C> for Prepared<Q> {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use diesel::connection::{Instrumentation, InstrumentationEvent};
    use diesel::prelude::*;

    use super::super::schema::rules_generation as t;
    use super::prepared;

    /// Counts the statements that are taken into the connection's memory.
    struct Kept(Arc<AtomicUsize>);

    impl Instrumentation for Kept {
        fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
            if let InstrumentationEvent::CacheQuery { .. } = event {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn a_statement_is_prepared_once_and_does_what_it_says_each_time() {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        let table = "CREATE TABLE rules_generation (id INTEGER PRIMARY KEY, generation BIGINT NOT NULL)";
        diesel::sql_query(table).execute(&mut connection).unwrap();
        diesel::sql_query("INSERT INTO rules_generation VALUES (1, 0)").execute(&mut connection).unwrap();
        let kept = Arc::new(AtomicUsize::new(0));
        connection.set_instrumentation(Kept(Arc::clone(&kept)));
        for generation in 1..=3 {
            let put = || diesel::update(t::table.find(1)).set(t::generation.eq(generation));
            put().execute(&mut connection).unwrap();
            assert_eq!(
                kept.load(Ordering::Relaxed),
                usize::from(generation > 1),
                "diesel keeps it by itself now"
            );
            let told: i64 = prepared(put().returning(t::generation)).get_result(&mut connection).unwrap();
            assert_eq!((told, kept.load(Ordering::Relaxed)), (generation, 1));
        }
    }
}
