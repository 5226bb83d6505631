//! The inventory's tables: what is read to plan an import, and what a planned one writes.
//!
//! Invariant: the number of reads does not grow with the number of objects: keys go in as one JSON list, which the
//! database unfolds. Who writes has claimed the generation that the plan was made against.

pub mod links;
pub mod listed;
pub mod observed;
pub mod orders;
mod rows;
pub mod select;
#[cfg(test)]
mod tests;
mod write;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, SmallInt, Text};

use self::listed::{Lists, Table};
use self::rows::{AdapterRow, AliasRow, AttributeRow, RegistrationRow, SystemRow, ViewRow};
use self::select::{Parameter, Statement};
use super::schema::{
    adapters, aliases, change_sets, changes, inventory_state, lookups, object_attributes, object_views,
    registrations, systems,
};
use super::writer::QueryResult;
use crate::inventory::model::{Id, Kind, Object, Val};

pub use self::rows::LookupRow;
pub use self::write::{ChangeRow, ChangeSetHead, ChangeSetRow, Commit, Committed};

/// What is looked for, and what is found of it: a text and a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Find {
    /// Systems by key.
    System,
    /// Systems by host name.
    Hostname,
    /// Systems by UUID.
    Uuid,
    /// Systems by serial number.
    Serial,
    /// Systems by the node that an operator named.
    Node,
    /// UUIDs of systems, by key.
    UuidOf,
    /// The systems of registrations, by the keys of those.
    OwnerOfRegistration,
    /// The systems of adapters.
    OwnerOfAdapter,
    /// The systems of aliases.
    OwnerOfAlias,
    /// The systems of attributes.
    OwnerOfAttribute,
    /// Registrations by full name; found are name and address.
    Fqdn,
    /// Registrations by address.
    Address,
    /// Aliases by full name.
    Alias,
    /// Nodes that there are, by UUID.
    LivingNode,
    /// Adapters of systems in use by MAC, where that is not shared.
    Mac,
}

impl Find {
    /// The query; `INTS` and `TEXTS` stand for the list.
    fn query(self) -> &'static str {
        match self {
            Self::System => "SELECT CAST(pk AS TEXT) AS key, pk FROM systems WHERE pk IN (INTS)",
            Self::UuidOf => "SELECT uuid AS key, pk FROM systems WHERE pk IN (INTS)",
            Self::Hostname => "SELECT hostname AS key, pk FROM systems WHERE hostname IN (TEXTS)",
            Self::Uuid => "SELECT uuid AS key, pk FROM systems WHERE uuid IN (TEXTS)",
            Self::Serial => "SELECT serial AS key, pk FROM systems WHERE serial IN (TEXTS)",
            Self::Node => "SELECT node_uuid AS key, pk FROM systems WHERE node_uuid IN (TEXTS)",
            Self::OwnerOfRegistration => {
                "SELECT CAST(pk AS TEXT) AS key, system AS pk FROM registrations WHERE pk IN (INTS)"
            }
            Self::OwnerOfAdapter => {
                "SELECT CAST(a.pk AS TEXT) AS key, COALESCE(a.system, r.system) AS pk FROM adapters a \
                 LEFT JOIN registrations r ON r.pk = a.registration WHERE a.pk IN (INTS)"
            }
            Self::OwnerOfAlias => {
                "SELECT CAST(a.pk AS TEXT) AS key, r.system AS pk FROM aliases a \
                 JOIN registrations r ON r.pk = a.registration WHERE a.pk IN (INTS)"
            }
            Self::OwnerOfAttribute => {
                "SELECT CAST(t.pk AS TEXT) AS key, COALESCE(s.pk, r.system, a.system, ar.system) AS pk \
                 FROM object_attributes t \
                 LEFT JOIN systems s ON t.owner_kind = 'system' AND s.pk = t.owner \
                 LEFT JOIN registrations r ON t.owner_kind = 'registration' AND r.pk = t.owner \
                 LEFT JOIN adapters a ON t.owner_kind = 'adapter' AND a.pk = t.owner \
                 LEFT JOIN registrations ar ON ar.pk = a.registration WHERE t.pk IN (INTS)"
            }
            Self::Fqdn => {
                "SELECT fqdn || ' ' || COALESCE(ip_str, '') AS key, pk FROM registrations WHERE fqdn IN (TEXTS)"
            }
            Self::Address => "SELECT ip_str AS key, pk FROM registrations WHERE ip_str IN (TEXTS)",
            Self::Alias => "SELECT fqdn AS key, pk FROM aliases WHERE fqdn IN (TEXTS)",
            Self::LivingNode => {
                "SELECT uuid AS key, CAST(0 AS BIGINT) AS pk FROM nodes WHERE uuid IN (TEXTS) \
                 UNION SELECT uuid AS key, CAST(0 AS BIGINT) AS pk FROM registered_nodes WHERE uuid IN (TEXTS)"
            }
            Self::Mac => {
                "SELECT a.mac AS key, a.pk FROM adapters a LEFT JOIN registrations r ON r.pk = a.registration \
                 JOIN systems s ON s.pk = COALESCE(a.system, r.system) \
                 LEFT JOIN lookups l ON l.pk = s.system_status \
                 WHERE a.mac IN (TEXTS) AND NOT a.shared_mac \
                 AND (l.name IS NULL OR l.name <> 'decommissioned')"
            }
        }
    }
}

/// What was found: a text and a key.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Found {
    /// What it was found by.
    #[diesel(sql_type = Text)]
    pub key: String,
    /// The key.
    #[diesel(sql_type = BigInt)]
    pub pk: i64,
}

/// Which changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Of this set.
    pub change_set: Option<String>,
    /// Of the system with this key.
    pub system: Option<i64>,
    /// Only of the system itself.
    pub kind: Option<Kind>,
    /// By this user.
    pub asker: Option<String>,
    /// Committed then or later, in microseconds since the epoch.
    pub since_us: Option<i64>,
    /// The last of the page before: time, set, number.
    pub after: Option<(i64, String, i64)>,
}

/// Queries on the inventory.
pub trait InventoryQueries {
    /// The generation, and the next key to be given out.
    fn inventory_state(&mut self) -> QueryResult<(i64, i64)>;

    /// All names that records refer to.
    fn lookups(&mut self) -> QueryResult<Vec<LookupRow>>;

    /// Finds by a list: JSON numbers or texts, as the query wants them.
    fn inventory_find(&mut self, what: Find, list: &str) -> QueryResult<Vec<Found>>;

    /// The objects of systems: these themselves, and all that belongs to them.
    fn inventory_trees(&mut self, systems: &[i64]) -> QueryResult<Vec<Object>>;

    /// Raises the generation and sets the next key; false where the generation is another one.
    fn claim_generation(&mut self, expected: i64, next_pk: i64) -> QueryResult<bool>;

    /// Writes rows: those that are there already become what they are to be.
    fn put_rows(&mut self, rows: &Lists) -> QueryResult<()>;

    /// Deletes objects.
    fn delete_objects(&mut self, kind: Kind, pks: &[i64]) -> QueryResult<()>;

    /// Takes objects out of their views.
    fn forget_views(&mut self, owners: &[i64]) -> QueryResult<()>;

    /// Gives objects names that nobody has, so that names can change hands.
    fn set_names_aside(&mut self, kind: Kind, pks: &[i64]) -> QueryResult<()>;

    /// Adds a change set.
    fn add_change_set(&mut self, set: &ChangeSetRow) -> QueryResult<()>;

    /// Changes that fulfil all of it, with their sets, the oldest first.
    fn changes(&mut self, sought: &Changes, limit: i64) -> QueryResult<Vec<(ChangeRow, ChangeSetHead)>>;

    /// What a statement of a search finds.
    fn inventory_select(&mut self, statement: &Statement) -> QueryResult<Vec<Found>>;

    /// How many systems there are.
    fn count_systems(&mut self) -> QueryResult<i64>;

    /// A change set.
    fn change_set(&mut self, id: &str) -> QueryResult<Option<ChangeSetRow>>;
}

/// A list as the database unfolds it.
#[must_use]
pub fn list_of<T: serde::Serialize>(items: &[T]) -> String {
    serde_json::to_string(items).unwrap_or_else(|_| "[]".to_owned())
}

/// Adds the views to their owners, and leaves out the pairs of owners that were not asked for.
fn with_views(mut objects: Vec<Object>, views: Vec<ViewRow>) -> Vec<Object> {
    let ids: std::collections::HashSet<Id> = objects.iter().map(|object| object.id).collect();
    objects.retain(|object| object.parent.is_none_or(|parent| ids.contains(&parent)));
    let mut of: std::collections::HashMap<i64, Vec<i64>> = std::collections::HashMap::new();
    for ViewRow { owner, view } in views {
        of.entry(owner).or_default().push(view);
    }
    for object in &mut objects {
        if matches!(object.id.0, Kind::Registration | Kind::Alias)
            && let Some(mut views) = of.remove(&object.id.1)
        {
            views.sort_unstable();
            object.set("views", Val::Set(views));
        }
    }
    objects
}

fn keys_of(objects: &[Object], kinds: &[Kind]) -> String {
    let keys = objects.iter().filter(|object| kinds.contains(&object.id.0)).map(|object| object.id.1);
    list_of(&keys.collect::<Vec<i64>>())
}

/// What a name begins with that gives way until the end of a transaction: longer than any that may be asked for.
const ASIDE: &str = concat!(
    "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~",
    "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~"
);

/// The columns of names that no two objects of a kind have.
fn named_by(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::System => &["hostname"],
        Kind::Registration => &["name", "fqdn"],
        Kind::Adapter => &["name"],
        Kind::Alias => &["fqdn"],
        Kind::Attribute => &["key"],
    }
}

macro_rules! inventory_queries {
    ($connection:ty, $open:literal, $ints:literal, $texts:literal) => {
        impl InventoryQueries for $connection {
            fn inventory_state(&mut self) -> QueryResult<(i64, i64)> {
                use inventory_state as t;
                t::table.select((t::generation, t::next_pk)).first(self)
            }

            fn lookups(&mut self) -> QueryResult<Vec<LookupRow>> {
                lookups::table.select(LookupRow::as_select()).order(lookups::pk).load(self)
            }

            fn inventory_find(&mut self, what: Find, list: &str) -> QueryResult<Vec<Found>> {
                let ints = concat!($open, "$1", $ints);
                let query = what.query().replace("INTS", ints);
                let query = query.replace("TEXTS", concat!($open, "$1", $texts));
                diesel::sql_query(query).bind::<Text, _>(list).load(self)
            }

            fn inventory_trees(&mut self, wanted: &[i64]) -> QueryResult<Vec<Object>> {
                macro_rules! within {
                    ($column:literal, $list:expr) => {
                        sql::<Bool>(concat!($column, " IN (", $open))
                            .bind::<Text, _>($list)
                            .sql(concat!($ints, ")"))
                    };
                }
                let list = list_of(wanted);
                let rows: Vec<SystemRow> = systems::table
                    .select(SystemRow::as_select())
                    .filter(within!("pk", list.clone()))
                    .load(self)?;
                let mut all: Vec<Object> = rows.into_iter().map(SystemRow::object).collect();
                let rows: Vec<RegistrationRow> = registrations::table
                    .select(RegistrationRow::as_select())
                    .filter(within!("system", list.clone()))
                    .load(self)?;
                all.extend(rows.into_iter().map(RegistrationRow::object));
                let of_registrations = keys_of(&all, &[Kind::Registration]);
                let rows: Vec<AdapterRow> = adapters::table
                    .select(AdapterRow::as_select())
                    .filter(within!("registration", of_registrations.clone()))
                    .load(self)?;
                all.extend(rows.into_iter().map(AdapterRow::object));
                let rows: Vec<AdapterRow> = adapters::table
                    .select(AdapterRow::as_select())
                    .filter(within!("system", list))
                    .load(self)?;
                all.extend(rows.into_iter().map(AdapterRow::object));
                let rows: Vec<AliasRow> = aliases::table
                    .select(AliasRow::as_select())
                    .filter(within!("registration", of_registrations))
                    .load(self)?;
                all.extend(rows.into_iter().map(AliasRow::object));
                let owners = keys_of(&all, &[Kind::System, Kind::Registration, Kind::Adapter]);
                let rows: Vec<AttributeRow> = object_attributes::table
                    .select(AttributeRow::as_select())
                    .filter(within!("owner", owners))
                    .load(self)?;
                all.extend(rows.into_iter().map(AttributeRow::object));
                let seen = keys_of(&all, &[Kind::Registration, Kind::Alias]);
                let views: Vec<ViewRow> = object_views::table
                    .select(ViewRow::as_select())
                    .filter(within!("owner", seen))
                    .load(self)?;
                Ok(with_views(all, views))
            }

            fn claim_generation(&mut self, expected: i64, next_pk: i64) -> QueryResult<bool> {
                use inventory_state as t;
                let claimed = diesel::update(t::table.filter(t::generation.eq(expected)))
                    .set((t::generation.eq(expected.saturating_add(1)), t::next_pk.eq(next_pk)))
                    .execute(self)?;
                Ok(claimed == 1)
            }

            fn put_rows(&mut self, rows: &Lists) -> QueryResult<()> {
                let statement = rows.table.statement::<Self>();
                for list in rows.texts() {
                    diesel::sql_query(&statement).bind::<Text, _>(list).execute(self)?;
                }
                Ok(())
            }

            fn delete_objects(&mut self, kind: Kind, pks: &[i64]) -> QueryResult<()> {
                let table = Table::Of(kind).name();
                let query = format!(concat!("DELETE FROM {} WHERE pk IN (", $open, "$1", $ints, ")"), table);
                diesel::sql_query(query).bind::<Text, _>(list_of(pks)).execute(self)?;
                Ok(())
            }

            fn forget_views(&mut self, owners: &[i64]) -> QueryResult<()> {
                let query = concat!("DELETE FROM object_views WHERE owner IN (", $open, "$1", $ints, ")");
                diesel::sql_query(query).bind::<Text, _>(list_of(owners)).execute(self)?;
                Ok(())
            }

            fn set_names_aside(&mut self, kind: Kind, pks: &[i64]) -> QueryResult<()> {
                let set: Vec<String> =
                    named_by(kind).iter().map(|column| format!("{column} = '{ASIDE}' || pk")).collect();
                let more = if kind == Kind::System { ", node_uuid = NULL" } else { "" };
                let (table, set) = (Table::Of(kind).name(), set.join(", "));
                let query = format!(
                    concat!("UPDATE {} SET {}{} WHERE pk IN (", $open, "$1", $ints, ")"),
                    table, set, more
                );
                diesel::sql_query(query).bind::<Text, _>(list_of(pks)).execute(self)?;
                Ok(())
            }

            fn add_change_set(&mut self, set: &ChangeSetRow) -> QueryResult<()> {
                diesel::insert_into(change_sets::table).values(set).execute(self)?;
                Ok(())
            }

            fn changes(
                &mut self,
                sought: &Changes,
                limit: i64,
            ) -> QueryResult<Vec<(ChangeRow, ChangeSetHead)>> {
                use change_sets as s;
                use changes as c;
                let mut query = c::table
                    .inner_join(s::table)
                    .select((ChangeRow::as_select(), ChangeSetHead::as_select()))
                    .order((c::committed_us.asc(), c::change_set.asc(), c::number.asc()))
                    .limit(limit)
                    .into_boxed();
                if let Some(id) = &sought.change_set {
                    query = query.filter(c::change_set.eq(id.clone()));
                }
                if let Some(pk) = sought.system {
                    query = query.filter(c::system_pk.eq(pk));
                }
                if let Some(kind) = sought.kind {
                    query = query.filter(c::kind.eq(kind.name()));
                }
                if let Some(asker) = &sought.asker {
                    query = query.filter(s::asker.eq(asker.clone()));
                }
                if let Some(since_us) = sought.since_us {
                    query = query.filter(c::committed_us.ge(since_us));
                }
                if let Some((at, set, number)) = sought.after.clone() {
                    let later = c::number.gt(number);
                    let later = c::change_set.gt(set.clone()).or(c::change_set.eq(set).and(later));
                    query = query.filter(c::committed_us.gt(at).or(c::committed_us.eq(at).and(later)));
                }
                query.load(self)
            }

            fn inventory_select(&mut self, statement: &Statement) -> QueryResult<Vec<Found>> {
                let text = statement.text.replace("INTS$", concat!($open, "$"));
                let text = text.replace("SINT)", concat!($ints, ")"));
                let mut query = diesel::sql_query(text).into_boxed();
                for value in &statement.values {
                    query = match value {
                        Parameter::Text(text) => query.bind::<Text, _>(text.clone()),
                        Parameter::Int(number) => query.bind::<BigInt, _>(*number),
                        Parameter::Bool(said) => query.bind::<Bool, _>(*said),
                        Parameter::Family(family) => query.bind::<SmallInt, _>(*family),
                        Parameter::Bytes(bytes) => query.bind::<Binary, _>(bytes.clone()),
                    };
                }
                query.load(self)
            }

            fn count_systems(&mut self) -> QueryResult<i64> {
                systems::table.count().get_result(self)
            }

            fn change_set(&mut self, id: &str) -> QueryResult<Option<ChangeSetRow>> {
                change_sets::table.find(id).select(ChangeSetRow::as_select()).first(self).optional()
            }
        }
    };
}

inventory_queries!(diesel::SqliteConnection, "SELECT value FROM json_each(", ")", ")");
inventory_queries!(
    diesel::PgConnection,
    "SELECT jsonb_array_elements_text(CAST(",
    " AS jsonb))::bigint",
    " AS jsonb))"
);
