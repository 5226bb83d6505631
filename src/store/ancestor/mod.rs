//! The database of an ironic-inspector, read and never written.
//!
//! Its values come as texts, so that one odd value costs its row and not the whole. Invariant: no statement holds
//! a lock longer than it reads a page, since the ancestor may still be running.

mod rows;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub use self::rows::{
    AncestorAction, AncestorAttribute, AncestorCondition, AncestorDocument, AncestorNode, AncestorRule,
};
use self::rows::{Count, Revision};
use super::QueryResult;
use crate::config::DatabaseUrl;
use crate::error::{Error, Result};

/// The last revision of its schema.
const REVISION: &str = "b55109d5063a";

/// What means something else than itself in the URI of a file.
const ODD: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'_').remove(b'-');

const NODES: &str = "SELECT uuid, CAST(state AS TEXT) AS state, CAST(started_at AS TEXT) AS started_at, \
                     CAST(finished_at AS TEXT) AS finished_at, error, CAST(manage_boot AS TEXT) AS manage_boot \
                     FROM nodes WHERE uuid > $1 ORDER BY uuid LIMIT $2";
const ATTRIBUTES: &str = "SELECT name, value FROM attributes WHERE node_uuid = $1 ORDER BY name, value";
const OPTIONS: &str = "SELECT name, value FROM options WHERE uuid = $1 ORDER BY name";
const DOCUMENTS: &str =
    "SELECT CAST(processed AS TEXT) AS processed, data FROM introspection_data WHERE uuid = $1";
const RULES: &str = "SELECT uuid, CAST(created_at AS TEXT) AS created_at, description, \
                     CAST(disabled AS TEXT) AS disabled, scope FROM rules ORDER BY rules.created_at, uuid";
const CONDITIONS: &str = "SELECT op, multiple, CAST(invert AS TEXT) AS invert, field, params \
                          FROM rule_conditions WHERE rule = $1 ORDER BY id";
const ACTIONS: &str = "SELECT action, params FROM rule_actions WHERE rule = $1 ORDER BY id";
const ORPHANS: &str =
    "SELECT COUNT(*) AS count FROM introspection_data WHERE uuid NOT IN (SELECT uuid FROM nodes)";

/// A connection to such a database.
pub struct Ancestor {
    link: Link,
}

enum Link {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

/// The same on either connection.
macro_rules! on {
    ($ancestor:ident, $connection:ident => $body:expr) => {
        match &mut $ancestor.link {
            Link::Sqlite($connection) => $body,
            Link::Postgres($connection) => $body,
        }
    };
}

/// The rows of a query on what belongs to one node or rule.
macro_rules! rows_of {
    ($ancestor:ident, $query:ident, $key:ident) => {{
        let query = diesel::sql_query($query).bind::<Text, _>($key);
        on!($ancestor, connection => query.load(connection.as_mut())).map_err(failed)
    }};
}

impl Ancestor {
    /// Opens a database that holds the last revision of the schema. Blocks.
    ///
    /// # Errors
    /// Where it can not be read, is none of an ironic-inspector, or is of another revision.
    pub fn open(url: &DatabaseUrl) -> Result<Self> {
        let refused =
            |cause: ConnectionError| Error::bad_request(format!("{url} can not be opened")).caused_by(cause);
        let link = match url {
            DatabaseUrl::Sqlite(path) => {
                let path = utf8_percent_encode(&path.to_string_lossy(), ODD).to_string();
                let place = format!("file:{path}?mode=ro");
                Link::Sqlite(Box::new(SqliteConnection::establish(&place).map_err(refused)?))
            }
            DatabaseUrl::Postgres(place) => {
                Link::Postgres(Box::new(PgConnection::establish(place).map_err(refused)?))
            }
        };
        let mut ancestor = Self { link };
        ancestor.only_read().map_err(|cause| unreadable(url, &cause))?;
        ancestor.check_revision(url)?;
        Ok(ancestor)
    }

    /// How many nodes there are.
    ///
    /// # Errors
    /// Any error of the database.
    pub fn node_count(&mut self) -> Result<u64> {
        self.count("SELECT COUNT(*) AS count FROM nodes")
    }

    /// How many documents belong to no node.
    ///
    /// # Errors
    /// Any error of the database.
    pub fn orphan_count(&mut self) -> Result<u64> {
        self.count(ORPHANS)
    }

    /// Nodes in order of their UUIDs, those after `marker`.
    ///
    /// # Errors
    /// Any error of the database.
    pub fn nodes(&mut self, marker: &str, limit: i64) -> Result<Vec<AncestorNode>> {
        let read = on!(self, connection => diesel::sql_query(NODES)
            .bind::<Text, _>(marker)
            .bind::<BigInt, _>(limit)
            .load(connection.as_mut()));
        read.map_err(failed)
    }

    /// What a callback is matched by.
    ///
    /// # Errors
    /// Any error of the database.
    pub fn attributes(&mut self, node: &str) -> Result<Vec<AncestorAttribute>> {
        rows_of!(self, ATTRIBUTES, node)
    }

    /// Options of plug-ins.
    ///
    /// # Errors
    /// Any error of the database.
    pub fn options(&mut self, node: &str) -> Result<Vec<AncestorAttribute>> {
        rows_of!(self, OPTIONS, node)
    }

    /// The documents of a node, two at most.
    ///
    /// # Errors
    /// Any error of the database.
    pub fn documents(&mut self, node: &str) -> Result<Vec<AncestorDocument>> {
        rows_of!(self, DOCUMENTS, node)
    }

    /// All rules in the order in which they are applied.
    ///
    /// # Errors
    /// Any error of the database.
    pub fn rules(&mut self) -> Result<Vec<AncestorRule>> {
        let read = on!(self, connection => diesel::sql_query(RULES).load(connection.as_mut()));
        read.map_err(failed)
    }

    /// The conditions of a rule.
    ///
    /// # Errors
    /// Any error of the database.
    pub fn conditions(&mut self, rule: &str) -> Result<Vec<AncestorCondition>> {
        rows_of!(self, CONDITIONS, rule)
    }

    /// The actions of a rule.
    ///
    /// # Errors
    /// Any error of the database.
    pub fn actions(&mut self, rule: &str) -> Result<Vec<AncestorAction>> {
        rows_of!(self, ACTIONS, rule)
    }

    fn only_read(&mut self) -> QueryResult<()> {
        match &mut self.link {
            Link::Sqlite(connection) => {
                connection.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;")
            }
            Link::Postgres(connection) => connection.batch_execute(
                "SET default_transaction_read_only = on; SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; \
                 SET client_min_messages = warning",
            ),
        }
    }

    fn check_revision(&mut self, url: &DatabaseUrl) -> Result<()> {
        let query = "SELECT version_num FROM alembic_version";
        let read: QueryResult<Vec<Revision>> =
            on!(self, connection => diesel::sql_query(query).load(connection.as_mut()));
        let rows = read.map_err(|cause| unreadable(url, &cause))?;
        match rows.as_slice() {
            [row] if row.version_num == REVISION => Ok(()),
            rows => {
                let found = rows.first().map_or("none", |row| row.version_num.as_str());
                Err(Error::bad_request(format!(
                    "{url} has revision {found} of its schema and {REVISION} is needed: bring it up to date with \
                     `ironic-inspector-dbsync upgrade` of release 10.1 or newer"
                )))
            }
        }
    }

    fn count(&mut self, query: &str) -> Result<u64> {
        let read: QueryResult<Count> =
            on!(self, connection => diesel::sql_query(query).get_result(connection.as_mut()));
        read.map(|row| u64::try_from(row.count).unwrap_or(0)).map_err(failed)
    }
}

#[cfg(test)]
pub(crate) mod tests;

fn failed(cause: diesel::result::Error) -> Error {
    Error::unavailable("The database of ironic-inspector can not be read").caused_by(cause)
}

fn unreadable(url: &DatabaseUrl, cause: &diesel::result::Error) -> Error {
    Error::bad_request(format!("{url} is no database of an ironic-inspector, or can not be read"))
        .caused_by(cause)
}
