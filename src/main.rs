//! The `rollcall` command: parses the command line and hands over.

use std::process::ExitCode;

use clap::Parser;
use rollcall::cli::{self, Cli};
use rollcall::logging;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::init(cli.default_log_level());
    cli::run(&cli)
}
