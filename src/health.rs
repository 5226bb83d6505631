//! Whether the daemon can do its work, for those who send it requests.

use std::rc::Rc;

/// How it stands at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// What keeps it from its work; nothing where it is ready.
    pub troubles: Vec<&'static str>,
    /// The state of the node service's circuit breaker, where it has one.
    pub breaker: Option<&'static str>,
}

/// Finds out; quick, and never blocks.
pub type Examine = Rc<dyn Fn() -> Health>;
