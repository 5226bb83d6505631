//! Who may ask for what: the rule that each route names, and what it says by default.
//!
//! Invariant: every endpoint names one; what a rule demands is decided here and nowhere else. It must not know how
//! callers prove who they are.

use crate::policy::Source;

/// Whom administrators' rules allow.
const ADMIN: &str = "role:admin or role:service";
/// Whom rules for looking on allow.
const READ: &str = "(role:reader and system_scope:all) or role:admin or role:service";
/// What follows from another rule: who may ask for imports may do all of it.
const UPDATE: &str = "rule:introspection:inventory:update";
/// What is open to everybody.
const PUBLIC: &str = "rule:public_api";

/// Rules that others refer to; the last two belong to the roles of old.
const HELPERS: [(&str, &str); 4] = [
    ("public_api", "is_public_api:True"),
    ("default", "!"),
    ("is_admin", "role:admin or role:administrator or role:baremetal_admin"),
    ("is_observer", "role:baremetal_observer"),
];

/// The rule of an endpoint. The ancestor's rules keep their names, so that policies can speak of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The list of versions.
    Versions,
    /// What a version has.
    Version,
    /// The ramdisk posts its data; it holds no credentials.
    Continue,
    /// Anything on how introspection goes, without its data.
    Status,
    /// Start a run.
    Start,
    /// End a run.
    Abort,
    /// Read what was found out.
    Data,
    /// Process stored data anew.
    Reapply,
    /// Read rules.
    RuleGet,
    /// Add or change rules.
    RuleCreate,
    /// Delete rules.
    RuleDelete,
    /// Read the inventory and its history.
    InventoryGet,
    /// Ask for a change of the inventory.
    InventoryUpdate,
    /// Make and change systems.
    InventorySystem,
    /// Make and change registrations.
    InventoryRegistration,
    /// Make and change adapters.
    InventoryAdapter,
    /// Make and change aliases.
    InventoryAlias,
    /// Make and change pairs.
    InventoryAttribute,
    /// Delete anything in the inventory.
    InventoryDelete,
    /// Change what leads to management interfaces and nodes.
    InventoryManagement,
    /// Read the figures of the process.
    Metrics,
    /// Read tasks, and see which nodes a filter means.
    TaskRead,
    /// Create, stop and retry tasks; what they do has a rule of its own.
    TaskCreate,
    /// Remove old tasks.
    TaskDelete,
    /// Tasks that introspect nodes.
    TaskIntrospect,
    /// Tasks that abort introspections.
    TaskAbort,
    /// Tasks that process stored data again.
    TaskReapply,
    /// Tasks that power nodes on.
    TaskPowerOn,
    /// Tasks that power nodes off.
    TaskPowerOff,
    /// Tasks that reboot nodes.
    TaskReboot,
    /// Read designs, and tasks that do.
    TaskValidate,
    /// Tasks that hold nodes against a design.
    TaskCompare,
    /// Tasks that do nothing.
    TaskNoop,
}

/// What a rule demands of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Nothing.
    Nothing,
    /// That it may post callbacks: an address that is not shut out.
    Callback,
    /// That it proves who it is.
    Credentials,
}

/// Whose roles count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roles {
    /// Those of today.
    New,
    /// Those of old, too.
    NewAndOld,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 33] = [
        Self::Versions,
        Self::Version,
        Self::Continue,
        Self::Status,
        Self::Start,
        Self::Abort,
        Self::Data,
        Self::Reapply,
        Self::RuleGet,
        Self::RuleCreate,
        Self::RuleDelete,
        Self::InventoryGet,
        Self::InventoryUpdate,
        Self::InventorySystem,
        Self::InventoryRegistration,
        Self::InventoryAdapter,
        Self::InventoryAlias,
        Self::InventoryAttribute,
        Self::InventoryDelete,
        Self::InventoryManagement,
        Self::Metrics,
        Self::TaskRead,
        Self::TaskCreate,
        Self::TaskDelete,
        Self::TaskIntrospect,
        Self::TaskAbort,
        Self::TaskReapply,
        Self::TaskPowerOn,
        Self::TaskPowerOff,
        Self::TaskReboot,
        Self::TaskValidate,
        Self::TaskCompare,
        Self::TaskNoop,
    ];

    /// The rule's name in policies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Versions => "introspection",
            Self::Version => "introspection:version",
            Self::Continue => "introspection:continue",
            Self::Status => "introspection:status",
            Self::Start => "introspection:start",
            Self::Abort => "introspection:abort",
            Self::Data => "introspection:data",
            Self::Reapply => "introspection:reapply",
            Self::RuleGet => "introspection:rule:get",
            Self::RuleCreate => "introspection:rule:create",
            Self::RuleDelete => "introspection:rule:delete",
            Self::InventoryGet => "introspection:inventory:get",
            Self::InventoryUpdate => "introspection:inventory:update",
            Self::InventorySystem => "introspection:inventory:update:system",
            Self::InventoryRegistration => "introspection:inventory:update:registration",
            Self::InventoryAdapter => "introspection:inventory:update:adapter",
            Self::InventoryAlias => "introspection:inventory:update:alias",
            Self::InventoryAttribute => "introspection:inventory:update:attribute",
            Self::InventoryDelete => "introspection:inventory:delete",
            Self::InventoryManagement => "introspection:inventory:update:management",
            Self::Metrics => "introspection:metrics",
            Self::TaskRead => "tasks:read",
            Self::TaskCreate => "tasks:create",
            Self::TaskDelete => "tasks:delete",
            Self::TaskIntrospect => "tasks:introspect_nodes",
            Self::TaskAbort => "tasks:abort_introspection",
            Self::TaskReapply => "tasks:reapply_introspection",
            Self::TaskPowerOn => "tasks:power_on_nodes",
            Self::TaskPowerOff => "tasks:power_off_nodes",
            Self::TaskReboot => "tasks:reboot_nodes",
            Self::TaskValidate => "tasks:validate_design",
            Self::TaskCompare => "tasks:compare_design",
            Self::TaskNoop => "tasks:noop",
        }
    }

    /// What it demands of a caller.
    #[must_use]
    pub fn demand(self) -> Demand {
        match self {
            Self::Versions | Self::Version | Self::Metrics => Demand::Nothing,
            Self::Continue => Demand::Callback,
            Self::Status
            | Self::Start
            | Self::Abort
            | Self::Data
            | Self::Reapply
            | Self::RuleGet
            | Self::RuleCreate
            | Self::RuleDelete
            | Self::InventoryGet
            | Self::InventoryUpdate
            | Self::InventorySystem
            | Self::InventoryRegistration
            | Self::InventoryAdapter
            | Self::InventoryAlias
            | Self::InventoryAttribute
            | Self::InventoryDelete
            | Self::InventoryManagement
            | Self::TaskRead
            | Self::TaskCreate
            | Self::TaskDelete
            | Self::TaskIntrospect
            | Self::TaskAbort
            | Self::TaskReapply
            | Self::TaskPowerOn
            | Self::TaskPowerOff
            | Self::TaskReboot
            | Self::TaskValidate
            | Self::TaskCompare
            | Self::TaskNoop => Demand::Credentials,
        }
    }

    /// What it says where no file says otherwise.
    #[must_use]
    pub fn check(self, roles: Roles) -> String {
        let (new, old) = match (self.demand(), self) {
            (Demand::Nothing | Demand::Callback, _) => return PUBLIC.to_owned(),
            (Demand::Credentials, Self::Status | Self::TaskRead) => {
                (READ, "rule:is_admin or rule:is_observer")
            }
            (
                Demand::Credentials,
                Self::InventorySystem
                | Self::InventoryRegistration
                | Self::InventoryAdapter
                | Self::InventoryAlias
                | Self::InventoryAttribute
                | Self::InventoryDelete
                | Self::InventoryManagement,
            ) => return UPDATE.to_owned(),
            (Demand::Credentials, _) => (ADMIN, "rule:is_admin"),
        };
        match roles {
            Roles::New => new.to_owned(),
            Roles::NewAndOld => format!("{new} or {old}"),
        }
    }
}

/// All rules, and those that they refer to, as they are where no file says otherwise.
#[must_use]
pub fn defaults(roles: Roles) -> Vec<Source> {
    let helpers = HELPERS.iter().map(|(name, check)| Source { name, check: (*check).to_owned() });
    let endpoints =
        Policy::ALL.iter().map(|policy| Source { name: policy.name(), check: policy.check(roles) });
    helpers.chain(endpoints).collect()
}
