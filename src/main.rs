//! The `rollcall` command: parses the command line and hands over.

use std::process::ExitCode;

use clap::Parser;
use rollcall::cli::{self, Cli};
use rollcall::logging;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What jemalloc reads before it starts: memory that was freed is given back within a second, by a thread of its own.
/// Else each thread that a large import or export ran on keeps what that took.
#[expect(unsafe_code, reason = "jemalloc finds it by this name; nothing else has it")]
#[used]
#[unsafe(export_name = "_rjem_malloc_conf")]
static MALLOC_CONF: &[u8; 43] = b"background_thread:true,dirty_decay_ms:1000\0";

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::init(cli.default_log_level());
    cli::run(&cli)
}
