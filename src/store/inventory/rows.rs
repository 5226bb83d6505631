//! Rows of the inventory's tables, made of objects and turned into them.
//!
//! Invariant: the columns stand in the order of the members of their kind.

use diesel::prelude::*;
use serde::{Serialize, Serializer};

use crate::inventory::model::{Id, Kind, Object, Val};
use crate::inventory::values;
use crate::store::documents::hexadecimal;
use crate::store::schema::{
    adapters, aliases, lookups, object_attributes, object_views, registrations, systems,
};

/// What a column holds, as a value and back. The model keeps the types apart; what does not fit is null or empty.
trait Cell {
    fn of(value: Option<&Val>) -> Self;
    fn val(self) -> Val;
    /// What is null is left out of what is written.
    fn is_null(&self) -> bool {
        false
    }
}

impl Cell for Option<String> {
    fn of(value: Option<&Val>) -> Self {
        match value {
            Some(Val::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    fn val(self) -> Val {
        self.map_or(Val::Null, Val::Text)
    }

    fn is_null(&self) -> bool {
        self.is_none()
    }
}

impl Cell for String {
    fn of(value: Option<&Val>) -> Self {
        <Option<Self> as Cell>::of(value).unwrap_or_default()
    }

    fn val(self) -> Val {
        Val::Text(self)
    }
}

impl Cell for Option<i64> {
    fn of(value: Option<&Val>) -> Self {
        match value {
            Some(Val::Int(number)) => Some(*number),
            _ => None,
        }
    }

    fn val(self) -> Val {
        self.map_or(Val::Null, Val::Int)
    }

    fn is_null(&self) -> bool {
        self.is_none()
    }
}

impl Cell for bool {
    fn of(value: Option<&Val>) -> Self {
        value == Some(&Val::Bool(true))
    }

    fn val(self) -> Val {
        Val::Bool(self)
    }
}

macro_rules! row {
    (
        $name:ident, $table:ident,
        { $($(#[$attribute:meta])* $place:ident: $place_type:ty),* },
        { $($field:ident: $type:ty),* }
    ) => {
        #[derive(Clone, Debug, Queryable, Selectable, Serialize)]
        #[diesel(table_name = $table)]
        pub(super) struct $name {
            pub(super) pk: i64,
            pub(super) version: i64,
            $($(#[$attribute])* pub(super) $place: $place_type,)*
            $(#[serde(skip_serializing_if = "Cell::is_null")] $field: $type,)*
        }

        impl $name {
            pub(super) const COLUMNS: &'static [&'static str] =
                &["pk", "version", $(stringify!($place),)* $(stringify!($field)),*];

            fn with(object: &Object, $($place: $place_type),*) -> Self {
                let mut cells = object.values.iter();
                Self {
                    pk: object.id.1,
                    version: object.version,
                    $($place,)*
                    $($field: Cell::of(cells.next()),)*
                }
            }

            fn values(self) -> Vec<Val> {
                vec![$(self.$field.val()),*]
            }
        }
    };
}

row!(SystemRow, systems, { created_us: i64, updated_us: i64 }, {
    uuid: String,
    hostname: String,
    serial: Option<String>,
    asset_tag: Option<String>,
    oob_ip: Option<String>,
    notes: Option<String>,
    rack_order: Option<i64>,
    switch_ports: Option<String>,
    patch_panel_port: Option<String>,
    oob_switch_port: Option<String>,
    purchase_date: Option<String>,
    purchase_price: Option<String>,
    change_password: Option<String>,
    warranty_start: Option<String>,
    warranty_end: Option<String>,
    operating_system: Option<i64>,
    server_model: Option<i64>,
    allocation: Option<i64>,
    system_rack: Option<i64>,
    system_type: Option<i64>,
    system_status: Option<i64>,
    node_uuid: Option<String>
});

row!(RegistrationRow, registrations, {
    system: i64,
    family: Option<i16>,
    #[serde(serialize_with = "as_bytea")]
    address: Option<Vec<u8>>
}, {
    name: String,
    fqdn: String,
    ip_str: Option<String>,
    ttl: Option<i64>,
    description: Option<String>,
    decommissioned: bool
});

row!(AdapterRow, adapters, { system: Option<i64>, registration: Option<i64> }, {
    name: String,
    mac: String,
    description: Option<String>,
    enable_dhcp: bool,
    shared_mac: bool
});

row!(AliasRow, aliases, { registration: i64 }, {
    fqdn: String,
    target: String,
    ttl: Option<i64>,
    description: Option<String>
});

row!(AttributeRow, object_attributes, { owner_kind: String, owner: i64 }, {
    key: String,
    value: String
});

#[derive(Clone, Debug, Queryable, Selectable, Serialize)]
#[diesel(table_name = object_views)]
pub(super) struct ViewRow {
    pub(super) owner: i64,
    pub(super) view: i64,
}

/// A name that records refer to.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = lookups)]
pub struct LookupRow {
    /// Its key.
    pub pk: i64,
    /// Its kind.
    pub kind: String,
    /// The name.
    pub name: String,
}

/// Bytes as PostgreSQL reads them.
fn as_bytea<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    bytes.as_ref().map(|bytes| format!("\\x{}", hexadecimal(bytes))).serialize(serializer)
}

fn parent_key(object: &Object) -> i64 {
    object.parent.map_or(0, |(_, pk)| pk)
}

impl SystemRow {
    pub(super) fn new(object: &Object, now_us: i64) -> Self {
        Self::with(object, object.created_us, now_us)
    }

    pub(super) fn object(self) -> Object {
        let (pk, version, created_us) = (self.pk, self.version, self.created_us);
        Object { id: (Kind::System, pk), version, parent: None, values: self.values(), created_us }
    }
}

/// The object of a row; the views are added later.
fn object(id: Id, version: i64, parent: Id, mut values: Vec<Val>) -> Object {
    if values.len() < id.0.fields().len() {
        values.push(Val::Set(Vec::new()));
    }
    Object { id, version, parent: Some(parent), values, created_us: 0 }
}

impl RegistrationRow {
    pub(super) fn new(object: &Object) -> Self {
        let address = object.text("ip_str").and_then(values::bytes_of);
        let (family, bytes) = address.map_or((None, None), |(family, bytes)| (Some(family), Some(bytes)));
        Self::with(object, parent_key(object), family, bytes)
    }

    pub(super) fn object(self) -> Object {
        let (id, parent) = ((Kind::Registration, self.pk), (Kind::System, self.system));
        object(id, self.version, parent, self.values())
    }
}

impl AdapterRow {
    pub(super) fn new(object: &Object) -> Self {
        let of = |kind: Kind| object.parent.filter(|parent| parent.0 == kind).map(|parent| parent.1);
        Self::with(object, of(Kind::System), of(Kind::Registration))
    }

    pub(super) fn object(self) -> Object {
        let registration = self.registration.map(|pk| (Kind::Registration, pk));
        let parent = registration.unwrap_or((Kind::System, self.system.unwrap_or_default()));
        object((Kind::Adapter, self.pk), self.version, parent, self.values())
    }
}

impl AliasRow {
    pub(super) fn new(object: &Object) -> Self {
        Self::with(object, parent_key(object))
    }

    pub(super) fn object(self) -> Object {
        let parent = (Kind::Registration, self.registration);
        object((Kind::Alias, self.pk), self.version, parent, self.values())
    }
}

impl AttributeRow {
    pub(super) fn new(object: &Object) -> Self {
        let kind = object.parent.map_or(Kind::System, |parent| parent.0);
        Self::with(object, kind.name().to_owned(), parent_key(object))
    }

    pub(super) fn object(self) -> Object {
        let kind = Kind::named(&self.owner_kind).unwrap_or(Kind::System);
        let (id, parent) = ((Kind::Attribute, self.pk), (kind, self.owner));
        object(id, self.version, parent, self.values())
    }
}

/// The views of an object.
pub(super) fn views_of(object: &Object) -> Vec<ViewRow> {
    match object.get("views") {
        Val::Set(views) => views.iter().map(|view| ViewRow { owner: object.id.1, view: *view }).collect(),
        _ => Vec::new(),
    }
}
