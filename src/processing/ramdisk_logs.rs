//! Stub.
/// Logs.
#[derive(Clone, Debug, PartialEq)]
pub struct Logs;
