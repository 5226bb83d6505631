//! The subcommands, one file each: what the command line says, and what is done.

pub mod config;
