//! Rows of `instances` and `active_instance`, and the owners of nodes.
//!
//! Invariant: who is alive and who leads is judged by the database's own clock, in one statement; microseconds since
//! the epoch, so that no time zone can enter. An epoch never goes back: rows of processes that have ended stay as
//! long as a node names them.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use uuid::Uuid;

use super::nodes::{damaged, parse_uuid};
use super::schema::{active_instance, instances, nodes};
use super::writer::QueryResult;
use crate::clock::Timestamp;
use crate::cluster::{Instance, Leader, Owner, Term};

/// What a process tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The name of the instance.
    pub name: String,
    /// The process.
    pub uuid: Uuid,
    /// Where it listens.
    pub address: String,
}

/// Whose nodes are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dead<'a> {
    /// Older processes of this one's name.
    Predecessors(&'a Owner),
    /// Processes without a heartbeat for these microseconds.
    Silent(i64),
    /// All but this one: nobody else can be alive.
    Others(&'a Owner),
}

/// A node with the owner that it has in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// The node.
    pub node: Uuid,
    /// The version of its record.
    pub version: i64,
    /// Who has it.
    pub owner: Owner,
}

/// Queries on instances, leadership and ownership.
pub trait ClusterQueries {
    /// Enters a process, in the place of the one before it of the same name; answers which of that name it is.
    fn register(&mut self, registration: &Registration) -> QueryResult<i64>;

    /// Notes that the process lives; answers whether its name is still its own.
    fn heartbeat(&mut self, me: &Owner) -> QueryResult<bool>;

    /// Notes that the process ends.
    fn withdraw(&mut self, me: &Owner) -> QueryResult<()>;

    /// All instances, by name. Those without a heartbeat for `grace_us` are dead.
    fn instances(&mut self, grace_us: i64) -> QueryResult<Vec<Instance>>;

    /// Who claimed to lead last, and has not given that back.
    fn leader(&mut self) -> QueryResult<Option<Leader>>;

    /// Removes instances that have been dead for `age_us` and own nothing.
    fn drop_instances(&mut self, age_us: i64) -> QueryResult<usize>;

    /// Makes the process leader where there is none, the last one was silent for `grace_us`, or had the same name.
    fn claim(&mut self, me: &Owner, grace_us: i64) -> QueryResult<Option<Term>>;

    /// Notes that the leader lives; answers whether it still leads.
    fn ping(&mut self, term: &Term, grace_us: i64) -> QueryResult<bool>;

    /// Gives leadership back; answers whether it was there to give.
    fn abdicate(&mut self, term: &Term) -> QueryResult<bool>;

    /// Whether the term goes on. In PostgreSQL it goes on until the end of the transaction.
    fn leads(&mut self, term: &Term) -> QueryResult<bool>;

    /// Keeps others from changing the records of these nodes until the end of the transaction. They are to come in
    /// order. In SQLite nobody else can.
    fn lock_nodes(&mut self, nodes: &[Uuid]) -> QueryResult<()>;

    /// Some of the nodes whose owner is dead.
    fn orphans(&mut self, dead: Dead<'_>, limit: i64) -> QueryResult<Vec<Orphan>>;

    /// Makes the process owner of an orphan; one in a passive state has none from now on. Answers whether it was an
    /// orphan still.
    fn take_over(&mut self, orphan: &Orphan, me: &Owner) -> QueryResult<bool>;

    /// Owns a passive node for a while; answers whether its record was still as expected, and nobody's.
    fn hold(&mut self, node: Uuid, version: i64, me: &Owner) -> QueryResult<bool>;

    /// Gives a passive node back that was held, where its record is still as expected.
    fn release(&mut self, node: Uuid, version: i64, me: &Owner) -> QueryResult<()>;
}

#[derive(QueryableByName)]
struct Epoch {
    #[diesel(sql_type = BigInt)]
    epoch: i64,
}

#[derive(QueryableByName)]
struct Yes {
    #[diesel(sql_type = Bool)]
    #[expect(dead_code, reason = "that there is a row says all")]
    yes: bool,
}

/// The states in which a node has an owner for good.
const ACTIVE: &str = "'enrolling', 'starting', 'processing', 'reapplying', 'aborting'";

type InstanceRow = (String, i64, String, String, String, i64, i64);

fn instance(
    row: InstanceRow,
    now: i64,
    grace_us: i64,
    leader: Option<&(String, i64)>,
) -> QueryResult<Instance> {
    let (name, epoch, uuid, address, version, started_at, heartbeat_at) = row;
    let is_leader = leader.is_some_and(|(holder, of)| *holder == name && *of == epoch);
    Ok(Instance {
        uuid: parse_uuid(&uuid)?,
        owner: Owner { name: name.into(), epoch },
        address,
        version,
        started_at: Timestamp(started_at),
        heartbeat_at: (heartbeat_at > 0).then_some(Timestamp(heartbeat_at)),
        is_alive: heartbeat_at >= now.saturating_sub(grace_us),
        is_leader,
    })
}

macro_rules! cluster_queries {
    ($connection:ty, $now:literal, $lock:literal) => {
        impl ClusterQueries for $connection {
            fn register(&mut self, registration: &Registration) -> QueryResult<i64> {
                let row: Epoch = diesel::sql_query(concat!(
                    "INSERT INTO instances (name, epoch, uuid, address, version, started_at, heartbeat_at) \
                     VALUES ($1, 1, $2, $3, $4, ", $now, ", ", $now, ") \
                     ON CONFLICT (name) DO UPDATE SET epoch = instances.epoch + 1, uuid = excluded.uuid, \
                     address = excluded.address, version = excluded.version, \
                     started_at = excluded.started_at, heartbeat_at = excluded.heartbeat_at RETURNING epoch"
                ))
                .bind::<Text, _>(&registration.name)
                .bind::<Text, _>(registration.uuid.to_string())
                .bind::<Text, _>(&registration.address)
                .bind::<Text, _>(env!("CARGO_PKG_VERSION"))
                .get_result(self)?;
                Ok(row.epoch)
            }

            fn heartbeat(&mut self, me: &Owner) -> QueryResult<bool> {
                let beat = diesel::sql_query(concat!(
                    "UPDATE instances SET heartbeat_at = ", $now, " WHERE name = $1 AND epoch = $2"
                ));
                Ok(beat.bind::<Text, _>(&*me.name).bind::<BigInt, _>(me.epoch).execute(self)? == 1)
            }

            fn withdraw(&mut self, me: &Owner) -> QueryResult<()> {
                let mine = instances::table
                    .filter(instances::name.eq(&*me.name))
                    .filter(instances::epoch.eq(me.epoch));
                diesel::update(mine).set(instances::heartbeat_at.eq(0)).execute(self)?;
                Ok(())
            }

            fn instances(&mut self, grace_us: i64) -> QueryResult<Vec<Instance>> {
                let now: i64 = diesel::select(diesel::dsl::sql::<BigInt>($now)).get_result(self)?;
                let leader: Option<(String, i64)> = active_instance::table
                    .filter(active_instance::pinged_at.ge(now.saturating_sub(grace_us)))
                    .select((active_instance::holder, active_instance::holder_epoch))
                    .first(self)
                    .optional()?;
                let rows: Vec<InstanceRow> = instances::table.order(instances::name.asc()).load(self)?;
                rows.into_iter().map(|row| instance(row, now, grace_us, leader.as_ref())).collect()
            }

            fn leader(&mut self) -> QueryResult<Option<Leader>> {
                let now: i64 = diesel::select(diesel::dsl::sql::<BigInt>($now)).get_result(self)?;
                let row: Option<(String, i64)> = active_instance::table
                    .filter(active_instance::holder.ne(""))
                    .select((active_instance::holder, active_instance::pinged_at))
                    .first(self)
                    .optional()?;
                Ok(row.map(|(instance, at)| Leader { instance, ping_age_us: now.saturating_sub(at).max(0) }))
            }

            fn drop_instances(&mut self, age_us: i64) -> QueryResult<usize> {
                diesel::sql_query(concat!(
                    "DELETE FROM instances WHERE heartbeat_at < ", $now, " - $1 AND started_at < ", $now,
                    " - $1 AND name NOT IN (SELECT owner FROM nodes WHERE owner IS NOT NULL)"
                ))
                .bind::<BigInt, _>(age_us)
                .execute(self)
            }

            fn claim(&mut self, me: &Owner, grace_us: i64) -> QueryResult<Option<Term>> {
                let row: Option<Epoch> = diesel::sql_query(concat!(
                    "INSERT INTO active_instance (id, holder, holder_epoch, epoch, pinged_at, since_at) \
                     VALUES (1, $1, $2, 1, ", $now, ", ", $now, ") \
                     ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, \
                     holder_epoch = excluded.holder_epoch, epoch = active_instance.epoch + 1, \
                     pinged_at = excluded.pinged_at, since_at = excluded.since_at \
                     WHERE active_instance.pinged_at < ", $now, " - $3 OR active_instance.holder = $1 \
                     RETURNING epoch"
                ))
                .bind::<Text, _>(&*me.name)
                .bind::<BigInt, _>(me.epoch)
                .bind::<BigInt, _>(grace_us)
                .get_result(self)
                .optional()?;
                Ok(row.map(|row| Term { holder: me.clone(), epoch: row.epoch }))
            }

            fn ping(&mut self, term: &Term, grace_us: i64) -> QueryResult<bool> {
                let ping = diesel::sql_query(concat!(
                    "UPDATE active_instance SET pinged_at = ", $now, " WHERE id = 1 AND holder = $1 \
                     AND holder_epoch = $2 AND epoch = $3 AND pinged_at >= ", $now, " - $4"
                ));
                let ping = ping
                    .bind::<Text, _>(&*term.holder.name)
                    .bind::<BigInt, _>(term.holder.epoch)
                    .bind::<BigInt, _>(term.epoch)
                    .bind::<BigInt, _>(grace_us);
                Ok(ping.execute(self)? == 1)
            }

            fn abdicate(&mut self, term: &Term) -> QueryResult<bool> {
                let mine = active_instance::table
                    .filter(active_instance::holder.eq(&*term.holder.name))
                    .filter(active_instance::holder_epoch.eq(term.holder.epoch))
                    .filter(active_instance::epoch.eq(term.epoch));
                // The row stays, so that the epoch goes on from here.
                let nobody = (active_instance::holder.eq(""), active_instance::pinged_at.eq(0));
                Ok(diesel::update(mine).set(nobody).execute(self)? == 1)
            }

            fn leads(&mut self, term: &Term) -> QueryResult<bool> {
                let row: Option<Yes> = diesel::sql_query(concat!(
                    "SELECT TRUE AS yes FROM active_instance \
                     WHERE id = 1 AND holder = $1 AND holder_epoch = $2 AND epoch = $3 ", $lock
                ))
                .bind::<Text, _>(&*term.holder.name)
                .bind::<BigInt, _>(term.holder.epoch)
                .bind::<BigInt, _>(term.epoch)
                .get_result(self)
                .optional()?;
                Ok(row.is_some())
            }

            fn lock_nodes(&mut self, nodes: &[Uuid]) -> QueryResult<()> {
                if $lock.is_empty() || nodes.is_empty() {
                    return Ok(());
                }
                let list: Vec<String> = nodes.iter().map(|node| format!("'{node}'")).collect();
                diesel::sql_query(format!(
                    "SELECT 1 FROM nodes WHERE uuid IN ({}) ORDER BY uuid FOR NO KEY UPDATE",
                    list.join(",")
                ))
                .execute(self)?;
                Ok(())
            }

            fn orphans(&mut self, dead: Dead<'_>, limit: i64) -> QueryResult<Vec<Orphan>> {
                type Row = (String, i64, Option<String>, Option<i64>);
                let mut query = nodes::table
                    .filter(nodes::owner.is_not_null())
                    .order(nodes::uuid.asc())
                    .limit(limit)
                    .select((nodes::uuid, nodes::version, nodes::owner, nodes::owner_epoch))
                    .into_boxed();
                match dead {
                    Dead::Predecessors(me) => {
                        query = query
                            .filter(nodes::owner.eq(me.name.to_string()))
                            .filter(nodes::owner_epoch.lt(me.epoch));
                    }
                    Dead::Silent(grace_us) => {
                        let now: i64 = diesel::select(diesel::dsl::sql::<BigInt>($now)).get_result(self)?;
                        let living = instances::table
                            .filter(instances::name.nullable().eq(nodes::owner))
                            .filter(instances::epoch.nullable().eq(nodes::owner_epoch))
                            .filter(instances::heartbeat_at.ge(now.saturating_sub(grace_us)));
                        query = query.filter(diesel::dsl::not(diesel::dsl::exists(living)));
                    }
                    Dead::Others(me) => {
                        query = query.filter(
                            nodes::owner.ne(me.name.to_string()).or(nodes::owner_epoch.ne(me.epoch)),
                        );
                    }
                }
                let rows: Vec<Row> = query.load(self)?;
                rows.into_iter()
                    .map(|(node, version, owner, epoch)| {
                        let owner = Owner::stored(owner, epoch).ok_or_else(|| damaged("owner", &node))?;
                        Ok(Orphan { node: parse_uuid(&node)?, version, owner })
                    })
                    .collect()
            }

            fn take_over(&mut self, orphan: &Orphan, me: &Owner) -> QueryResult<bool> {
                let Orphan { node, version, owner } = orphan;
                let taken = diesel::sql_query(format!(
                    "UPDATE nodes SET version = version + 1, \
                     owner = CASE WHEN state IN ({ACTIVE}) THEN $1 END, \
                     owner_epoch = CASE WHEN state IN ({ACTIVE}) THEN CAST($2 AS BIGINT) END \
                     WHERE uuid = $3 AND version = $4 AND owner = $5 AND owner_epoch = $6"
                ));
                let taken = taken
                    .bind::<Text, _>(&*me.name)
                    .bind::<BigInt, _>(me.epoch)
                    .bind::<Text, _>(node.to_string())
                    .bind::<BigInt, _>(version)
                    .bind::<Text, _>(&*owner.name)
                    .bind::<BigInt, _>(owner.epoch);
                Ok(taken.execute(self)? == 1)
            }

            fn hold(&mut self, node: Uuid, version: i64, me: &Owner) -> QueryResult<bool> {
                let free = nodes::table
                    .filter(nodes::uuid.eq(node.to_string()))
                    .filter(nodes::version.eq(version))
                    .filter(nodes::owner.is_null());
                let held = (
                    nodes::version.eq(version.saturating_add(1)),
                    nodes::owner.eq(Some(me.name.to_string())),
                    nodes::owner_epoch.eq(Some(me.epoch)),
                );
                Ok(diesel::update(free).set(held).execute(self)? == 1)
            }

            fn release(&mut self, node: Uuid, version: i64, me: &Owner) -> QueryResult<()> {
                let mine = nodes::table
                    .filter(nodes::uuid.eq(node.to_string()))
                    .filter(nodes::version.eq(version))
                    .filter(nodes::owner.eq(me.name.to_string()))
                    .filter(nodes::owner_epoch.eq(me.epoch));
                let free = (
                    nodes::version.eq(version.saturating_add(1)),
                    nodes::owner.eq(None::<String>),
                    nodes::owner_epoch.eq(None::<i64>),
                );
                diesel::update(mine).set(free).execute(self)?;
                Ok(())
            }
        }
    };
}

cluster_queries!(diesel::SqliteConnection, "CAST(unixepoch('subsec') * 1000000 AS INTEGER)", "");
cluster_queries!(
    diesel::PgConnection,
    "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)",
    "FOR SHARE"
);

#[cfg(test)]
mod tests;
