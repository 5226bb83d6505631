//! The machine by hand and against a model.

mod adoption;
mod documents;
mod elsewhere;
mod flows;
mod harness;
mod model;
mod tokens;
