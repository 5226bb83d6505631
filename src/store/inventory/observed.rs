//! What is known of the nodes that systems are: their last run, what it found, and what comparisons told.
//!
//! Invariant: the number of queries does not grow with the number of nodes.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt, Text};

use crate::store::QueryResult;

/// Where the introspection of a node stands.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct StandingRow {
    /// The node.
    #[diesel(sql_type = Text)]
    pub node_uuid: String,
    /// The state.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// When it began, in microseconds since the epoch.
    #[diesel(sql_type = BigInt)]
    pub started_us: i64,
    /// When it ended.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub finished_us: Option<i64>,
    /// Why it failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
}

/// The facts that the last run of a node found, as a document.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct FactsRow {
    /// The node.
    #[diesel(sql_type = Text)]
    pub node_uuid: String,
    /// How the document is compressed.
    #[diesel(sql_type = SmallInt)]
    pub codec: i16,
    /// Bytes of the document.
    #[diesel(sql_type = BigInt)]
    pub size_bytes: i64,
    /// The compressed document.
    #[diesel(sql_type = Binary)]
    pub body: Vec<u8>,
}

/// Something that the last comparison of a node with a design told that was asked for; a comparison that told nothing is
/// one row without it.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct FindingRow {
    /// The node.
    #[diesel(sql_type = Text)]
    pub node_uuid: String,
    /// The task.
    #[diesel(sql_type = Text)]
    pub task_id: String,
    /// When it was over, in microseconds since the epoch.
    #[diesel(sql_type = BigInt)]
    pub over_us: i64,
    /// How bad it is; none where nothing was told.
    #[diesel(sql_type = Nullable<Text>)]
    pub level: Option<String>,
    /// What.
    #[diesel(sql_type = Nullable<Text>)]
    pub message: Option<String>,
    /// When, in microseconds since the epoch.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub ts_us: Option<i64>,
}

/// Where the last run of a node was other than its design, as a document.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct DesignRow {
    /// The node.
    #[diesel(sql_type = Text)]
    pub node_uuid: String,
    /// The task that the run was for.
    #[diesel(sql_type = Nullable<Text>)]
    pub task_id: Option<String>,
    /// When, in microseconds since the epoch.
    #[diesel(sql_type = BigInt)]
    pub collected_us: i64,
    /// How the document is compressed.
    #[diesel(sql_type = SmallInt)]
    pub codec: i16,
    /// Bytes of the document.
    #[diesel(sql_type = BigInt)]
    pub size_bytes: i64,
    /// The compressed document.
    #[diesel(sql_type = Binary)]
    pub body: Vec<u8>,
}

/// `LIST` stands for the nodes.
const STANDING: &str = "SELECT uuid AS node_uuid, state, started_at AS started_us, finished_at AS finished_us, error \
     FROM nodes WHERE uuid IN (LIST)";
const FACTS: &str = "SELECT b.node_uuid, d.codec, d.size_bytes, d.body FROM build_data b \
     JOIN documents d ON d.id = b.document_id WHERE b.id IN \
     (SELECT MAX(x.id) FROM build_data x WHERE x.node_uuid IN (LIST) AND x.generator = 'facts' GROUP BY x.node_uuid)";
const FINDINGS: &str = "SELECT t.node_uuid, t.id AS task_id, COALESCE(t.finished_us, t.created_us) AS over_us, \
     m.level, m.message, m.ts_us FROM tasks t \
     LEFT JOIN result_message m ON m.task_id = t.id AND m.context_type = 'node' \
     WHERE t.node_uuid IN (LIST) AND t.action = 'compare_node' AND t.status = 'complete' \
     AND NOT EXISTS (SELECT 1 FROM tasks n WHERE n.node_uuid = t.node_uuid AND n.action = 'compare_node' \
     AND n.status = 'complete' AND n.created_us > t.created_us) ORDER BY t.node_uuid, t.id, m.seq";
const DESIGNS: &str = "SELECT b.node_uuid, b.task_id, b.collected_us, d.codec, d.size_bytes, d.body FROM build_data b \
     JOIN documents d ON d.id = b.document_id WHERE b.id IN (SELECT MAX(x.id) FROM build_data x \
     WHERE x.node_uuid IN (LIST) AND x.generator = 'design-findings' GROUP BY x.node_uuid)";

/// All of them, with a list in the place of the nodes.
#[cfg(test)]
pub(super) fn statements(list: &str) -> [String; 4] {
    [STANDING, FACTS, FINDINGS, DESIGNS].map(|statement| statement.replace("LIST", list))
}

/// Queries on what is known of nodes; `nodes` is a JSON list of their UUIDs.
pub trait ObservedQueries {
    /// Where their introspection stands.
    fn standing(&mut self, nodes: &str) -> QueryResult<Vec<StandingRow>>;

    /// What their last runs found.
    fn latest_facts(&mut self, nodes: &str) -> QueryResult<Vec<FactsRow>>;

    /// What their last comparisons told.
    fn latest_findings(&mut self, nodes: &str) -> QueryResult<Vec<FindingRow>>;

    /// Where their last runs were other than their designs.
    fn latest_designs(&mut self, nodes: &str) -> QueryResult<Vec<DesignRow>>;
}

macro_rules! observed_queries {
    ($connection:ty, $list:literal) => {
        impl ObservedQueries for $connection {
            fn standing(&mut self, nodes: &str) -> QueryResult<Vec<StandingRow>> {
                diesel::sql_query(STANDING.replace("LIST", $list)).bind::<Text, _>(nodes).load(self)
            }

            fn latest_facts(&mut self, nodes: &str) -> QueryResult<Vec<FactsRow>> {
                diesel::sql_query(FACTS.replace("LIST", $list)).bind::<Text, _>(nodes).load(self)
            }

            fn latest_findings(&mut self, nodes: &str) -> QueryResult<Vec<FindingRow>> {
                diesel::sql_query(FINDINGS.replace("LIST", $list)).bind::<Text, _>(nodes).load(self)
            }

            fn latest_designs(&mut self, nodes: &str) -> QueryResult<Vec<DesignRow>> {
                diesel::sql_query(DESIGNS.replace("LIST", $list)).bind::<Text, _>(nodes).load(self)
            }
        }
    };
}

observed_queries!(diesel::SqliteConnection, "SELECT value FROM json_each($1)");
observed_queries!(diesel::PgConnection, "SELECT jsonb_array_elements_text(CAST($1 AS jsonb))");
