//! Who may ask for what: the rule that each route names.
//!
//! Invariant: every endpoint names one; what a rule demands is decided here and nowhere else. It must not know how
//! callers prove who they are.

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

impl Policy {
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
        }
    }

    /// What it demands of a caller.
    #[must_use]
    pub fn demand(self) -> Demand {
        match self {
            Self::Versions | Self::Version => Demand::Nothing,
            Self::Continue => Demand::Callback,
            Self::Status
            | Self::Start
            | Self::Abort
            | Self::Data
            | Self::Reapply
            | Self::RuleGet
            | Self::RuleCreate
            | Self::RuleDelete => Demand::Credentials,
        }
    }
}
