//! Databases like those of an ironic-inspector, and that they are read alike whichever they are.

use diesel::connection::SimpleConnection;

use super::*;
use crate::store::tests::{TestDatabase, databases};

/// The schema of the last revision, as its contract describes it. What differs: the enumeration and the texts.
const SCHEMA: &str = "
    CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
    INSERT INTO alembic_version VALUES ('b55109d5063a');
    CREATE TABLE nodes (uuid VARCHAR(36) NOT NULL PRIMARY KEY, version_id VARCHAR(36) DEFAULT '',
        state STATE NOT NULL DEFAULT 'finished', started_at DATETIME, finished_at DATETIME, error TEXT,
        manage_boot BOOLEAN);
    CREATE TABLE attributes (uuid VARCHAR(36) NOT NULL PRIMARY KEY,
        node_uuid VARCHAR(36) CONSTRAINT fk_node_attribute REFERENCES nodes (uuid), name VARCHAR(255) NOT NULL,
        value VARCHAR(255));
    CREATE TABLE options (uuid VARCHAR(36) NOT NULL REFERENCES nodes (uuid), name VARCHAR(255) NOT NULL,
        value TEXT, PRIMARY KEY (uuid, name));
    CREATE TABLE introspection_data (uuid VARCHAR(36) NOT NULL REFERENCES nodes (uuid), processed BOOLEAN NOT NULL,
        data TEXT, PRIMARY KEY (uuid, processed));
    CREATE TABLE rules (uuid VARCHAR(36) NOT NULL PRIMARY KEY, created_at DATETIME NOT NULL, description TEXT,
        disabled BOOLEAN DEFAULT FALSE, scope VARCHAR(255));
    CREATE TABLE rule_conditions (id INTEGER NOT NULL PRIMARY KEY,
        rule VARCHAR(36) NOT NULL REFERENCES rules (uuid), op VARCHAR(255) NOT NULL,
        multiple VARCHAR(255) NOT NULL, invert BOOLEAN DEFAULT FALSE, field TEXT, params TEXT);
    CREATE TABLE rule_actions (id INTEGER NOT NULL PRIMARY KEY,
        rule VARCHAR(36) NOT NULL REFERENCES rules (uuid), action VARCHAR(255) NOT NULL, params TEXT);";

const STATES: &str = "CREATE TYPE states AS ENUM ('enrolling', 'starting', 'waiting', 'processing', 'reapplying', \
                      'aborting', 'finished', 'error');";

/// A database of the last revision with these rows, of each kind that is to be had.
pub(crate) fn ancestors(rows: &str) -> Vec<TestDatabase> {
    let all = databases();
    for database in &all {
        change(&database.url, "");
        change(&database.url, rows);
    }
    all
}

/// Runs statements on it; without any, the schema is made.
pub(crate) fn change(url: &DatabaseUrl, statements: &str) {
    match url {
        DatabaseUrl::Sqlite(path) => {
            let schema = SCHEMA.replace("STATE NOT NULL", "VARCHAR(10) NOT NULL");
            let text = if statements.is_empty() { &schema } else { statements };
            let mut connection = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
            connection.batch_execute(text).unwrap();
        }
        DatabaseUrl::Postgres(place) => {
            let schema = SCHEMA.replace("STATE NOT NULL", "states NOT NULL").replace("DATETIME", "TIMESTAMP");
            let schema = format!("{STATES}{schema}");
            let text = if statements.is_empty() { &schema } else { statements };
            PgConnection::establish(place).unwrap().batch_execute(text).unwrap();
        }
    }
}

const NODE: &str = "11111111-1111-4111-8111-111111111111";

#[test]
fn every_table_is_read_alike_whichever_the_database() {
    let rows = format!(
        "INSERT INTO nodes VALUES ('{NODE}', '', 'error', '2026-01-02 03:04:05.000006', \
         '2026-01-02 03:05:00.000000', 'why', false), ('22222222', NULL, 'waiting', NULL, NULL, NULL, NULL);
         INSERT INTO attributes VALUES ('a', '{NODE}', 'mac', '52:54:00:00:00:01'), ('b', '{NODE}', 'bmc_address', NULL);
         INSERT INTO options VALUES ('{NODE}', 'o', '{{}}');
         INSERT INTO introspection_data VALUES ('{NODE}', true, '{{\"a\": 1}}');
         INSERT INTO rules VALUES ('r2', '2026-01-02 00:00:00', NULL, NULL, NULL), \
         ('r1', '2026-01-03 00:00:00', 'd', true, 's');
         INSERT INTO rule_conditions VALUES (2, 'r1', 'eq', 'any', true, 'b', '{{}}'), \
         (1, 'r1', 'ne', 'all', false, 'a', NULL);
         INSERT INTO rule_actions VALUES (1, 'r1', 'fail', '{{\"message\": \"m\"}}');"
    );
    for database in ancestors(&rows) {
        let mut ancestor = Ancestor::open(&database.url).unwrap();
        assert_eq!((ancestor.node_count().unwrap(), ancestor.orphan_count().unwrap()), (2, 0));
        let nodes = ancestor.nodes("", 1).unwrap();
        assert_eq!(nodes[0].uuid, NODE);
        assert_eq!(nodes[0].state.as_deref(), Some("error"));
        assert!(nodes[0].started_at.as_deref().unwrap().starts_with("2026-01-02 03:04:05.000006"));
        assert!(matches!(nodes[0].manage_boot.as_deref(), Some("0" | "false")));
        assert_eq!(ancestor.nodes(NODE, 9).unwrap()[0].manage_boot, None);
        assert_eq!(ancestor.nodes("3", 9).unwrap(), []);
        let names: Vec<_> = ancestor.attributes(NODE).unwrap().into_iter().map(|row| row.name).collect();
        assert_eq!(names, ["bmc_address", "mac"]);
        assert_eq!(ancestor.options(NODE).unwrap()[0].value.as_deref(), Some("{}"));
        assert_eq!(ancestor.documents(NODE).unwrap()[0].data.as_deref(), Some("{\"a\": 1}"));
        let rules: Vec<_> = ancestor.rules().unwrap().into_iter().map(|row| row.uuid).collect();
        assert_eq!(rules, ["r2", "r1"]);
        let fields: Vec<_> = ancestor.conditions("r1").unwrap().into_iter().map(|row| row.field).collect();
        assert_eq!(fields, [Some("a".to_owned()), Some("b".to_owned())]);
        assert_eq!(ancestor.actions("r1").unwrap()[0].action, "fail");
    }
}

#[test]
fn another_revision_and_another_database_are_refused() {
    for database in ancestors("UPDATE alembic_version SET version_num = '18440d0834af'") {
        let refused = Ancestor::open(&database.url).err().unwrap();
        assert!(
            refused.text.contains("revision 18440d0834af") && refused.text.contains("upgrade"),
            "{refused}"
        );
    }
    for database in databases() {
        change(&database.url, "CREATE TABLE nodes (uuid TEXT)");
        let refused = Ancestor::open(&database.url).err().unwrap();
        assert!(refused.text.contains("no database of an ironic-inspector"), "{refused}");
    }
    let missing = DatabaseUrl::Sqlite("/nonexistent/a b?.sqlite".into());
    assert!(Ancestor::open(&missing).err().unwrap().text.contains("can not be opened"));
}

#[test]
fn nothing_can_be_written() {
    for database in ancestors("SELECT 1") {
        let mut ancestor = Ancestor::open(&database.url).unwrap();
        let written = match &mut ancestor.link {
            Link::Sqlite(connection) => connection.batch_execute("DELETE FROM nodes"),
            Link::Postgres(connection) => connection.batch_execute("DELETE FROM nodes"),
        };
        assert!(written.is_err());
    }
}
