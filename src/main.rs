//! The `rollcall` command: parses the command line and hands over.

use std::process::ExitCode;

use clap::Parser;
use rollcall::cli::{self, Cli};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let log = env_logger::Env::new().filter_or("ROLLCALL_LOG", cli.default_log_level());
    env_logger::Builder::from_env(log).init();
    cli::run(&cli)
}
