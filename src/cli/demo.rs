//! `rollcall demo`: a daemon with a simulated fleet.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::value_parser;

use crate::demo::{self, Afterwards, Ending, Options};
use crate::error::Result;

/// `rollcall demo`
#[derive(Clone, Debug, Args)]
pub struct DemoCommand {
    /// How many machines are simulated
    #[arg(long, default_value_t = 50, value_parser = value_parser!(u32).range(1..=10_000))]
    pub nodes: u32,
    /// Port to listen on, 0 for any; without it 5050, or another one where that is taken
    #[arg(long)]
    pub port: Option<u16>,
    /// Folder of the database; without it a temporary one
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Seconds that a machine may take to post its data
    #[arg(long, value_name = "SECONDS", default_value_t = 6, value_parser = value_parser!(u32).range(1..=3600))]
    pub timeout: u32,
    /// End when all machines have come to their end: with 0 where all ended as planned, else with 1
    #[arg(long)]
    pub exit: bool,
}

/// As shells tell of SIGINT.
const INTERRUPTED: u8 = 130;

impl DemoCommand {
    /// Runs the demo; the table and what there is to look at go to `out`.
    ///
    /// # Errors
    /// Whatever keeps the service from starting.
    pub fn run(&self, out: &mut impl Write) -> Result<ExitCode> {
        let options = Options {
            nodes: self.nodes,
            port: self.port,
            folder: self.dir.clone(),
            timeout_s: self.timeout,
            afterwards: if self.exit { Afterwards::Exit } else { Afterwards::Stay },
        };
        let ending = actix_rt::System::new().block_on(demo::run(&options, out))?;
        Ok(match ending {
            Ending::AsPlanned => ExitCode::SUCCESS,
            Ending::Otherwise => ExitCode::FAILURE,
            Ending::Interrupted => ExitCode::from(INTERRUPTED),
        })
    }
}
