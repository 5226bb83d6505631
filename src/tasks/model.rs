//! What a task is: its action, where it stands, how it went, and how results add up. Pure.
//!
//! Invariant: the moves of [`Status`] and the algebra of [`Outcome`] are defined here and nowhere else.

use std::fmt;
use std::str::FromStr;

/// An enumeration with names, as the database and the API have them.
macro_rules! named {
    ($(#[$about:meta])* $type:ident { $($(#[$one:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $type { $($(#[$one])* $variant,)+ }

        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $type {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                Self::ALL.iter().copied().find(|one| one.name() == text).ok_or(())
            }
        }
    };
}

named! {
    /// What is done.
    Action {
        /// Start the introspection of every node.
        IntrospectNodes = "introspect_nodes",
        /// Of one.
        IntrospectNode = "introspect_node",
        /// End introspections that are going on.
        AbortIntrospection = "abort_introspection",
        /// Of one node.
        AbortNode = "abort_node",
        /// Process stored data again.
        ReapplyIntrospection = "reapply_introspection",
        /// Of one node.
        ReapplyNode = "reapply_node",
        /// Power on.
        PowerOnNodes = "power_on_nodes",
        /// One node.
        PowerOnNode = "power_on_node",
        /// Power off.
        PowerOffNodes = "power_off_nodes",
        /// One node.
        PowerOffNode = "power_off_node",
        /// Off and on again.
        RebootNodes = "reboot_nodes",
        /// One node.
        RebootNode = "reboot_node",
        /// Read a design, and tell what is wrong with it.
        ValidateDesign = "validate_design",
        /// Hold every node against a design.
        CompareDesign = "compare_design",
        /// One node.
        CompareNode = "compare_node",
        /// Import many systems into the inventory.
        ImportInventory = "import_inventory",
        /// Nothing, to see that tasks are worked on.
        Noop = "noop",
    }
}

impl Action {
    /// What is done for each node; nothing where it is not done by node, or is already for one.
    #[must_use]
    pub fn child(self) -> Option<Self> {
        match self {
            Self::IntrospectNodes => Some(Self::IntrospectNode),
            Self::AbortIntrospection => Some(Self::AbortNode),
            Self::ReapplyIntrospection => Some(Self::ReapplyNode),
            Self::PowerOnNodes => Some(Self::PowerOnNode),
            Self::PowerOffNodes => Some(Self::PowerOffNode),
            Self::RebootNodes => Some(Self::RebootNode),
            Self::CompareDesign => Some(Self::CompareNode),
            _ => None,
        }
    }

    /// Whether a request may ask for it.
    #[must_use]
    pub fn is_for_requests(self) -> bool {
        matches!(self, Self::Noop | Self::ValidateDesign) || self.child().is_some()
    }

    /// Whether it needs a design.
    #[must_use]
    pub fn needs_design(self) -> bool {
        matches!(self, Self::ValidateDesign | Self::CompareDesign | Self::CompareNode)
    }

    /// Those that a request may ask for.
    pub fn for_requests() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|action| action.is_for_requests())
    }
}

named! {
    /// Where a task is in its life.
    Status {
        /// It exists, and is not released yet.
        Requested = "requested",
        /// It waits for its turn.
        Queued = "queued",
        /// It is being worked on.
        Running = "running",
        /// It is being worked on, and is to stop.
        Terminating = "terminating",
        /// It was stopped.
        Terminated = "terminated",
        /// It was done, well or not.
        Complete = "complete",
    }
}

impl Status {
    /// Whether nothing more comes of it, unless it is tried again.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Terminated | Self::Complete)
    }

    /// Whether it may become `to` by itself. A retry queues a final task anew; that is no move.
    #[must_use]
    pub fn may_become(self, to: Self) -> bool {
        use Status::{Complete, Queued, Requested, Running, Terminated, Terminating};
        matches!(
            (self, to),
            (Requested, Queued | Terminated)
                | (Queued, Running | Terminated)
                | (Running, Terminating | Complete)
                | (Terminating, Terminated | Complete)
        )
    }
}

named! {
    /// How a task went.
    Outcome {
        /// It is not known yet.
        Incomplete = "incomplete",
        /// All well.
        Success = "success",
        /// Some well, some not.
        PartialSuccess = "partial_success",
        /// Not well.
        Failure = "failure",
        /// Nobody tells.
        Unreported = "unreported",
    }
}

impl Outcome {
    /// The same after one more success.
    #[must_use]
    pub fn after_success(self) -> Self {
        match self {
            Self::Incomplete | Self::Unreported | Self::Success => Self::Success,
            Self::Failure | Self::PartialSuccess => Self::PartialSuccess,
        }
    }

    /// The same after one more failure.
    #[must_use]
    pub fn after_failure(self) -> Self {
        match self {
            Self::Incomplete | Self::Unreported | Self::Failure => Self::Failure,
            Self::Success | Self::PartialSuccess => Self::PartialSuccess,
        }
    }

    /// The same after a child that ended so: a partial success is both.
    #[must_use]
    pub fn after_child(self, child: Self) -> Self {
        match child {
            Self::Success => self.after_success(),
            Self::Failure => self.after_failure(),
            Self::PartialSuccess => self.after_success().after_failure(),
            Self::Incomplete | Self::Unreported => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Failure, Incomplete, PartialSuccess, Success, Unreported};
    use super::*;

    #[test]
    fn results_add_up_as_the_table_says() {
        for (now, well, badly) in [
            (Incomplete, Success, Failure),
            (Success, Success, PartialSuccess),
            (Failure, PartialSuccess, Failure),
            (PartialSuccess, PartialSuccess, PartialSuccess),
            (Unreported, Success, Failure),
        ] {
            assert_eq!((now.after_success(), now.after_failure()), (well, badly), "{now}");
            assert_eq!(now.after_child(Success), well, "{now}");
            assert_eq!(now.after_child(Failure), badly, "{now}");
            assert_eq!(now.after_child(PartialSuccess), PartialSuccess, "{now}");
            assert_eq!(now.after_child(Incomplete), now);
        }
    }

    #[test]
    fn one_failure_among_several_successes_is_a_partial_success() {
        let whole = [Success, Failure, Success].into_iter().fold(Incomplete, Outcome::after_child);
        assert_eq!(whole, PartialSuccess);
    }

    #[test]
    fn a_task_moves_only_as_the_list_says() {
        let mut moves = Vec::new();
        for from in Status::ALL {
            for to in Status::ALL.iter().filter(|to| from.may_become(**to)) {
                moves.push(format!("{from} {to}"));
            }
        }
        let wanted = [
            "requested queued",
            "requested terminated",
            "queued running",
            "queued terminated",
            "running terminating",
            "running complete",
            "terminating terminated",
            "terminating complete",
        ];
        assert_eq!(moves, wanted);
    }

    #[test]
    fn every_name_is_read_back() {
        for action in Action::ALL {
            assert_eq!(action.name().parse(), Ok(*action));
        }
        assert_eq!("Running".parse::<Status>(), Err(()));
        assert!(Action::for_requests().all(|action| !action.name().ends_with("_node")));
    }
}
