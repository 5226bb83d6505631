//! Rows of the ancestor's tables, as texts.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

/// A row of `nodes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, QueryableByName)]
pub struct AncestorNode {
    /// The node.
    #[diesel(sql_type = Text)]
    pub uuid: String,
    /// Where it stands.
    #[diesel(sql_type = Nullable<Text>)]
    pub state: Option<String>,
    /// When the run began.
    #[diesel(sql_type = Nullable<Text>)]
    pub started_at: Option<String>,
    /// When it ended.
    #[diesel(sql_type = Nullable<Text>)]
    pub finished_at: Option<String>,
    /// Why it failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
    /// Whether power and boot device are the service's; null is yes.
    #[diesel(sql_type = Nullable<Text>)]
    pub manage_boot: Option<String>,
}

/// A row of `attributes` or `options`.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct AncestorAttribute {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its value.
    #[diesel(sql_type = Nullable<Text>)]
    pub value: Option<String>,
}

/// A row of `introspection_data`.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct AncestorDocument {
    /// Whether it is the processed one.
    #[diesel(sql_type = Nullable<Text>)]
    pub processed: Option<String>,
    /// JSON text.
    #[diesel(sql_type = Nullable<Text>)]
    pub data: Option<String>,
}

/// A row of `rules`.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct AncestorRule {
    /// Its UUID, in any notation.
    #[diesel(sql_type = Text)]
    pub uuid: String,
    /// When it was made.
    #[diesel(sql_type = Nullable<Text>)]
    pub created_at: Option<String>,
    /// What it is for.
    #[diesel(sql_type = Nullable<Text>)]
    pub description: Option<String>,
    /// A flag that the ancestor does not look at.
    #[diesel(sql_type = Nullable<Text>)]
    pub disabled: Option<String>,
    /// The nodes it is for.
    #[diesel(sql_type = Nullable<Text>)]
    pub scope: Option<String>,
}

/// A row of `rule_conditions`.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct AncestorCondition {
    /// The operator.
    #[diesel(sql_type = Text)]
    pub op: String,
    /// What several values mean.
    #[diesel(sql_type = Text)]
    pub multiple: String,
    /// Whether the verdict is turned round.
    #[diesel(sql_type = Nullable<Text>)]
    pub invert: Option<String>,
    /// What it is applied to.
    #[diesel(sql_type = Nullable<Text>)]
    pub field: Option<String>,
    /// A JSON object.
    #[diesel(sql_type = Nullable<Text>)]
    pub params: Option<String>,
}

/// A row of `rule_actions`.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct AncestorAction {
    /// What is done.
    #[diesel(sql_type = Text)]
    pub action: String,
    /// A JSON object.
    #[diesel(sql_type = Nullable<Text>)]
    pub params: Option<String>,
}

/// A row of `alembic_version`.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub(super) struct Revision {
    #[diesel(sql_type = Text)]
    pub version_num: String,
}

/// How many rows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub(super) struct Count {
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}
