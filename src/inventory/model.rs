//! What the inventory holds: the kinds of objects, their members, and an object as plain data.
//!
//! Invariant: the tables of members here are the one list of what a blob may say; reading, checking, comparing,
//! writing, the search and the published schema all go by them. It must not know HTTP or diesel.

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A host.
    System,
    /// An address of a system under a name.
    Registration,
    /// A MAC address.
    Adapter,
    /// Another name for a registration's name.
    Alias,
    /// A free pair.
    Attribute,
}

/// An object: its kind and its key.
pub type Id = (Kind, i64);

/// A value of a member, in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Val {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number, the key of a look-up, or hundredths.
    Int(i64),
    /// Text.
    Text(String),
    /// Keys of views, in order.
    Set(Vec<i64>),
}

/// What a member may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// The system's identity: given out, never changed.
    Uuid,
    /// The UUID of a node.
    Node,
    /// A DNS name of at most this length.
    Name(usize),
    /// Text of at most this length.
    Text(usize),
    /// A prefix and digits.
    Numbered(&'static [&'static str]),
    /// A MAC address.
    Mac,
    /// An IPv4 or IPv6 address.
    Address,
    /// A number within these bounds.
    Int(i64, i64),
    /// Yes or no.
    Bool,
    /// Up to four digits and two decimals.
    Decimal,
    /// A day.
    Date,
    /// A moment, to the second.
    DateTime,
    /// One of the names of this kind.
    Relation(&'static str),
    /// Any of the views.
    Views,
}

impl Type {
    /// Whether its values are written as text.
    #[must_use]
    pub fn is_text(self) -> bool {
        !matches!(self, Self::Int(..) | Self::Bool | Self::Decimal | Self::Relation(_) | Self::Views)
    }
}

/// A member of a kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub ty: Type,
    /// Whether there has to be a value.
    pub need: Need,
}

/// Whether a member has to have a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It may be null.
    No,
    /// It has to be given for a new object, and is never null.
    Yes,
    /// It is made up where a new object does not say it, and is never null.
    Made,
    /// False where a new object does not say it.
    False,
    /// True where a new object does not say it.
    True,
}

const fn field(name: &'static str, ty: Type, need: Need) -> Field {
    Field { name, ty, need }
}

const fn text(name: &'static str) -> Field {
    field(name, Type::Text(255), Need::No)
}

const fn relation(name: &'static str) -> Field {
    field(name, Type::Relation(name), Need::No)
}

/// What the names of registrations begin with that were taken out of use: the moment follows.
pub const STAMP: &str = "decommissioned";

/// The order is that of the columns.
const SYSTEM: &[Field] = &[
    field("uuid", Type::Uuid, Need::Made),
    field("hostname", Type::Name(255), Need::Yes),
    text("serial"),
    text("asset_tag"),
    field("oob_ip", Type::Text(30), Need::No),
    field("notes", Type::Text(65_536), Need::No),
    field("rack_order", Type::Decimal, Need::No),
    text("switch_ports"),
    text("patch_panel_port"),
    text("oob_switch_port"),
    field("purchase_date", Type::Date, Need::No),
    text("purchase_price"),
    field("change_password", Type::DateTime, Need::No),
    field("warranty_start", Type::Date, Need::No),
    field("warranty_end", Type::Date, Need::No),
    relation("operating_system"),
    relation("server_model"),
    relation("allocation"),
    relation("system_rack"),
    relation("system_type"),
    relation("system_status"),
    field("node_uuid", Type::Node, Need::No),
];

const TTL: Field = field("ttl", Type::Int(0, 2_147_483_647), Need::No);
const VIEWS: Field = field("views", Type::Views, Need::Made);

const REGISTRATION: &[Field] = &[
    field("name", Type::Numbered(&["mgmt", "nic", STAMP]), Need::Made),
    field("fqdn", Type::Name(255), Need::Yes),
    field("ip_str", Type::Address, Need::No),
    TTL,
    field("description", Type::Text(1000), Need::No),
    field("decommissioned", Type::Bool, Need::False),
    VIEWS,
];

const ADAPTER: &[Field] = &[
    field("name", Type::Numbered(&["hw"]), Need::Made),
    field("mac", Type::Mac, Need::Yes),
    text("description"),
    field("enable_dhcp", Type::Bool, Need::True),
    field("shared_mac", Type::Bool, Need::False),
];

const ALIAS: &[Field] = &[
    field("fqdn", Type::Name(255), Need::Yes),
    field("target", Type::Name(255), Need::Yes),
    TTL,
    field("description", Type::Text(1000), Need::No),
    VIEWS,
];

const ATTRIBUTE: &[Field] =
    &[field("key", Type::Text(255), Need::Yes), field("value", Type::Text(255), Need::Yes)];

/// Members that hold objects.
const REGISTRATIONS: (&str, Kind) = ("staticreg_set", Kind::Registration);
const ADAPTERS: (&str, Kind) = ("hwadapter_set", Kind::Adapter);
const ATTRIBUTES: (&str, Kind) = ("keyvalue_set", Kind::Attribute);
const ALIASES: (&str, Kind) = ("cname", Kind::Alias);

impl Kind {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 5] =
        [Self::System, Self::Registration, Self::Adapter, Self::Alias, Self::Attribute];

    /// The name in answers and in the history.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Registration => "registration",
            Self::Adapter => "adapter",
            Self::Alias => "alias",
            Self::Attribute => "attribute",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its members, in the order of the columns.
    #[must_use]
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::System => SYSTEM,
            Self::Registration => REGISTRATION,
            Self::Adapter => ADAPTER,
            Self::Alias => ALIAS,
            Self::Attribute => ATTRIBUTE,
        }
    }

    /// A member and its place.
    #[must_use]
    pub fn field(self, name: &str) -> Option<(usize, &'static Field)> {
        self.fields().iter().enumerate().find(|(_, field)| field.name == name)
    }

    /// The members that hold objects, and their kinds.
    #[must_use]
    pub fn children(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::System => &[REGISTRATIONS, ADAPTERS, ATTRIBUTES],
            Self::Registration => &[ALIASES, ADAPTERS, ATTRIBUTES],
            Self::Adapter => &[ATTRIBUTES],
            Self::Alias | Self::Attribute => &[],
        }
    }

    /// What its objects are called where they stand in a set.
    #[must_use]
    pub fn label_field(self) -> &'static str {
        match self {
            Self::System => "hostname",
            Self::Registration | Self::Adapter => "name",
            Self::Alias => "fqdn",
            Self::Attribute => "key",
        }
    }
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its kind and key.
    pub id: Id,
    /// Counts its changes.
    pub version: i64,
    /// What it belongs to; systems belong to nothing.
    pub parent: Option<Id>,
    /// Values of its members, in their order.
    pub values: Vec<Val>,
    /// When a system was first recorded, in microseconds since the epoch; zero for the other kinds.
    pub created_us: i64,
}

impl Object {
    /// A new one, of which nothing is said yet.
    #[must_use]
    pub fn blank(id: Id, parent: Option<Id>) -> Self {
        let values = id.0.fields().iter().map(|field| match (field.need, field.ty) {
            (Need::False, _) => Val::Bool(false),
            (Need::True, _) => Val::Bool(true),
            (_, Type::Views) => Val::Set(Vec::new()),
            _ => Val::Null,
        });
        Self { id, version: 1, parent, values: values.collect(), created_us: 0 }
    }

    /// The value of a member; null where there is no such member.
    #[must_use]
    pub fn get(&self, name: &str) -> &Val {
        let place = self.id.0.field(name).map(|(place, _)| place);
        place.and_then(|place| self.values.get(place)).unwrap_or(&Val::Null)
    }

    /// The text of a member, where it has some.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Val::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a member says yes.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        *self.get(name) == Val::Bool(true)
    }

    /// Sets the value of a member by its place.
    pub fn set_at(&mut self, place: usize, value: Val) {
        if let Some(held) = self.values.get_mut(place) {
            *held = value;
        }
    }

    /// Sets the value of a member.
    pub fn set(&mut self, name: &str, value: Val) {
        if let Some((place, _)) = self.id.0.field(name) {
            self.set_at(place, value);
        }
    }

    /// What it is called among its like.
    #[must_use]
    pub fn label(&self) -> &str {
        self.text(self.id.0.label_field()).unwrap_or_default()
    }
}
