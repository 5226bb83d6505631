//! An object of a request: what it says of itself, before anything is looked up.

use std::sync::Arc;

use super::model::{Kind, Val};
use super::problem::Place;

/// An object of a request.
#[derive(Clone, Debug)]
pub struct Blob {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub place: Arc<Place>,
    /// Its key.
    pub pk: Option<i64>,
    /// A system's UUID.
    pub uuid: Option<String>,
    /// The family that is said of its address, where no address is given.
    pub family: Option<i16>,
    /// The version that its sender knows.
    pub version: Option<i64>,
    /// What is to become of it.
    pub wish: Wish,
    /// Values by the places of their members.
    pub fields: Vec<(usize, Given)>,
    /// Objects within it.
    pub children: Vec<Blob>,
    /// The sets that were given, also empty ones.
    pub sets: Vec<&'static str>,
    /// A system whose history is copied.
    pub history_of: Option<String>,
}

/// What is to become of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// Made or changed.
    #[default]
    Put,
    /// Taken over by a new parent.
    Adopt,
    /// Deleted.
    Delete,
}

/// A value as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// A value in its canonical form.
    Val(Val),
    /// A look-up.
    Ref(Ref),
    /// All views.
    Views(Vec<Ref>),
    /// Views that come and views that go.
    Delta(Vec<Ref>, Vec<Ref>),
}

/// A look-up as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ref {
    /// By its key.
    Key(i64),
    /// By its name.
    Name(String),
}
