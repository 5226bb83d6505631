//! The machine by hand and against a model.

mod adoption;
mod documents;
mod elsewhere;
mod flows;
mod harness;
mod model;
mod tokens;

use super::super::order::{Adoption, Finding, Plan, Remains, Source, StartOrder};
use super::super::posting::Posting;
use super::super::provision::InUse;
use super::super::step::{KeepData, TimeoutPower};
use super::super::token::Tokens;
use super::*;
use crate::cluster::Owner;
use crate::node_service::Node;
use crate::store::documents::Packed;
