//! The machine by hand and against a model.

mod flows;
mod harness;
mod model;
