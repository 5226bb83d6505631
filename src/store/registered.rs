//! Rows of `registered_nodes` and `registered_ports`: the local node service.

use diesel::prelude::*;
use diesel::upsert::excluded;
use uuid::Uuid;

use super::nodes::parse_uuid;
use super::schema::{registered_nodes, registered_ports};
use super::writer::QueryResult;

/// A node of the local node service.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = registered_nodes)]
pub struct RegisteredNode {
    /// Its UUID.
    pub uuid: String,
    /// Its name, unique.
    pub name: Option<String>,
    /// `power on`, `power off` or unknown.
    pub power_state: Option<String>,
    /// The other members of the resource, JSON text.
    pub document: String,
}

/// A port of the local node service.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = registered_ports)]
pub struct RegisteredPort {
    /// Its UUID.
    pub uuid: String,
    /// The node it belongs to.
    pub node_uuid: String,
    /// Its MAC address, unique.
    pub address: String,
    /// Whether it may boot from the network.
    pub pxe_enabled: bool,
    /// The other members of the resource, JSON text.
    pub document: String,
}

/// Queries on the local node service's tables.
pub trait RegisteredQueries {
    /// A node by UUID or name.
    fn registered_node(&mut self, ident: &str) -> QueryResult<Option<RegisteredNode>>;

    /// Nodes in order of their UUIDs, those after `marker`.
    fn registered_nodes(&mut self, marker: Option<Uuid>, limit: i64) -> QueryResult<Vec<RegisteredNode>>;

    /// UUIDs in order, those after `marker`.
    fn registered_uuids(&mut self, marker: Option<Uuid>, limit: i64) -> QueryResult<Vec<Uuid>>;

    /// The ports of a node, in order of their addresses.
    fn registered_ports(&mut self, node: Uuid) -> QueryResult<Vec<RegisteredPort>>;

    /// The ports of all nodes whose UUIDs lie between these two, both included, in order of their addresses.
    fn registered_ports_between(&mut self, first: Uuid, last: Uuid) -> QueryResult<Vec<RegisteredPort>>;

    /// A port.
    fn registered_port(&mut self, port: Uuid) -> QueryResult<Option<RegisteredPort>>;

    /// The port with this MAC address.
    fn registered_port_at(&mut self, address: &str) -> QueryResult<Option<RegisteredPort>>;

    /// Adds a node, or replaces the one with its UUID. A name that another node has is an error.
    fn put_registered_node(&mut self, node: &RegisteredNode) -> QueryResult<()>;

    /// Sets the power state; answers whether there is such a node.
    fn set_registered_power(&mut self, node: Uuid, state: &str) -> QueryResult<bool>;

    /// Removes a node with its ports; answers whether there was one.
    fn delete_registered_node(&mut self, node: Uuid) -> QueryResult<bool>;

    /// Adds a port; answers false where the address is taken.
    fn insert_registered_port(&mut self, port: &RegisteredPort) -> QueryResult<bool>;

    /// Replaces a port.
    fn update_registered_port(&mut self, port: &RegisteredPort) -> QueryResult<()>;

    /// Removes a port.
    fn delete_registered_port(&mut self, port: Uuid) -> QueryResult<()>;
}

macro_rules! registered_queries {
    ($connection:ty) => {
        impl RegisteredQueries for $connection {
            fn registered_node(&mut self, ident: &str) -> QueryResult<Option<RegisteredNode>> {
                use registered_nodes as t;
                let query = t::table.select(RegisteredNode::as_select()).into_boxed();
                let query = match Uuid::parse_str(ident) {
                    Ok(uuid) => query.filter(t::uuid.eq(uuid.to_string())),
                    Err(_) => query.filter(t::name.eq(ident.to_owned())),
                };
                query.first(self).optional()
            }

            fn registered_nodes(
                &mut self,
                marker: Option<Uuid>,
                limit: i64,
            ) -> QueryResult<Vec<RegisteredNode>> {
                use registered_nodes as t;
                t::table
                    .filter(t::uuid.gt(marker.map(|uuid| uuid.to_string()).unwrap_or_default()))
                    .order(t::uuid.asc())
                    .limit(limit)
                    .select(RegisteredNode::as_select())
                    .load(self)
            }

            fn registered_uuids(&mut self, marker: Option<Uuid>, limit: i64) -> QueryResult<Vec<Uuid>> {
                use registered_nodes as t;
                let texts: Vec<String> = t::table
                    .filter(t::uuid.gt(marker.map(|uuid| uuid.to_string()).unwrap_or_default()))
                    .order(t::uuid.asc())
                    .limit(limit)
                    .select(t::uuid)
                    .load(self)?;
                texts.iter().map(|text| parse_uuid(text)).collect()
            }

            fn registered_ports(&mut self, node: Uuid) -> QueryResult<Vec<RegisteredPort>> {
                use registered_ports as t;
                t::table
                    .filter(t::node_uuid.eq(node.to_string()))
                    .order(t::address.asc())
                    .select(RegisteredPort::as_select())
                    .load(self)
            }

            fn registered_ports_between(
                &mut self,
                first: Uuid,
                last: Uuid,
            ) -> QueryResult<Vec<RegisteredPort>> {
                use registered_ports as t;
                t::table
                    .filter(t::node_uuid.between(first.to_string(), last.to_string()))
                    .order(t::address.asc())
                    .select(RegisteredPort::as_select())
                    .load(self)
            }

            fn registered_port(&mut self, port: Uuid) -> QueryResult<Option<RegisteredPort>> {
                registered_ports::table
                    .find(port.to_string())
                    .select(RegisteredPort::as_select())
                    .first(self)
                    .optional()
            }

            fn registered_port_at(&mut self, address: &str) -> QueryResult<Option<RegisteredPort>> {
                use registered_ports as t;
                t::table
                    .filter(t::address.eq(address))
                    .select(RegisteredPort::as_select())
                    .first(self)
                    .optional()
            }

            fn put_registered_node(&mut self, node: &RegisteredNode) -> QueryResult<()> {
                use registered_nodes as t;
                diesel::insert_into(t::table)
                    .values(node)
                    .on_conflict(t::uuid)
                    .do_update()
                    .set((
                        t::name.eq(excluded(t::name)),
                        t::power_state.eq(excluded(t::power_state)),
                        t::document.eq(excluded(t::document)),
                    ))
                    .execute(self)?;
                Ok(())
            }

            fn set_registered_power(&mut self, node: Uuid, state: &str) -> QueryResult<bool> {
                use registered_nodes as t;
                let updated = diesel::update(t::table.find(node.to_string()))
                    .set(t::power_state.eq(state))
                    .execute(self)?;
                Ok(updated == 1)
            }

            fn delete_registered_node(&mut self, node: Uuid) -> QueryResult<bool> {
                let gone = diesel::delete(registered_nodes::table.find(node.to_string())).execute(self)?;
                Ok(gone == 1)
            }

            fn insert_registered_port(&mut self, port: &RegisteredPort) -> QueryResult<bool> {
                let made = diesel::insert_into(registered_ports::table)
                    .values(port)
                    .on_conflict_do_nothing()
                    .execute(self)?;
                Ok(made == 1)
            }

            fn update_registered_port(&mut self, port: &RegisteredPort) -> QueryResult<()> {
                use registered_ports as t;
                diesel::update(t::table.find(&port.uuid))
                    .set((
                        t::address.eq(&port.address),
                        t::pxe_enabled.eq(port.pxe_enabled),
                        t::document.eq(&port.document),
                    ))
                    .execute(self)?;
                Ok(())
            }

            fn delete_registered_port(&mut self, port: Uuid) -> QueryResult<()> {
                diesel::delete(registered_ports::table.find(port.to_string())).execute(self)?;
                Ok(())
            }
        }
    };
}

registered_queries!(diesel::SqliteConnection);
registered_queries!(diesel::PgConnection);
