//! What it costs to know who asks: the same cheap request with each way for callers to prove who they are.
//!
//! One daemon for each way, all of them up at the same time; rounds of them follow one another in changing order, so
//! that the noise of the machine meets all: the ratios are what counts. It ends with 1 where one is below the bound.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints what it measured, and stops at the first surprise"
)]

mod support {
    pub mod callers;
    pub mod figures;
    pub mod keystone;
}

use std::net::TcpListener;
use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;

use support::callers::{self, Connection};
use support::figures::{Rounds, cpu_s, percentile_ms, rate, resident_mib, whole};
use support::keystone::Keystone;

/// What may be said on the command line, behind `cargo bench --bench authentication --`.
#[derive(Debug, Parser)]
struct Options {
    /// Requests in each round
    #[arg(long, default_value_t = 20_000)]
    requests: u32,
    /// Rounds of each way
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Callers at one time
    #[arg(long, default_value_t = 16)]
    callers: usize,
    /// Tokens that they have together
    #[arg(long, default_value_t = 100)]
    tokens: u32,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// Requests a second, beside those without any proof.
const LEAST: f64 = 0.8;
const PATH: &str = "/v1/introspection?limit=1";
const WAYS: [Way; 3] = [Way::Noauth, Way::HttpBasic, Way::Keystone];

/// How callers prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Noauth,
    HttpBasic,
    Keystone,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Noauth => "noauth",
            Self::HttpBasic => "http_basic",
            Self::Keystone => "keystone",
        }
    }

    /// The headers of a request.
    fn headers(self, number: u32) -> String {
        match self {
            Self::Noauth => String::new(),
            Self::HttpBasic => format!("Authorization: Basic {}\r\n", STANDARD.encode("olga:letmein")),
            // As long as those of fernet are.
            Self::Keystone => format!("X-Auth-Token: gAAAAA{number:0180}\r\n"),
        }
    }

    fn options(self, folder: &std::path::Path, keystone: u16) -> String {
        match self {
            Self::Noauth => String::new(),
            Self::HttpBasic => {
                let users = folder.join("users");
                std::fs::write(&users, format!("olga:{}\n", bcrypt::hash("letmein", 5).unwrap())).unwrap();
                format!("http_basic_auth_user_file = \"{}\"\n", users.display())
            }
            Self::Keystone => format!(
                "[keystone_authtoken]\nauth_url = \"http://127.0.0.1:{keystone}\"\nuser_id = \"u\"\npassword = \"p\"\n"
            ),
        }
    }
}

/// A daemon; killed when dropped.
struct Daemon {
    way: Way,
    port: u16,
    child: Child,
    _folder: tempfile::TempDir,
}

/// What a round came to.
struct Round {
    way: Way,
    per_second: f64,
    p99_ms: f64,
    cpu_us: f64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let keystone = Keystone::start();
    let daemons = WAYS.map(|way| Daemon::start(way, keystone.port));
    // Each token is new once.
    for daemon in &daemons {
        daemon.round(options.requests / 4, &options);
    }
    let mut rounds = Vec::new();
    for number in 0..options.rounds {
        let mut order: Vec<&Daemon> = daemons.iter().collect();
        order.rotate_left(number % WAYS.len());
        rounds.extend(order.into_iter().map(|daemon| daemon.round(options.requests, &options)));
    }
    println!(
        "{} requests of {PATH} a round, {} rounds, {} callers, {} tokens",
        options.requests, options.rounds, options.callers, options.tokens
    );
    println!("| | requests/s | p99 ms | CPU us / request | resident MiB | requests/s to noauth |");
    let ratios = daemons.each_ref().map(|daemon| tell(daemon, &rounds));
    println!("tokens examined: {}", keystone.examined());
    let is_good = ratios.iter().all(|ratio| *ratio >= LEAST);
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the line of a way; the ratio of its middle round to that without any proof.
fn tell(daemon: &Daemon, rounds: &[Round]) -> f64 {
    let of = |way: Way, figure: fn(&Round) -> f64| {
        Rounds::of(rounds.iter().filter(|round| round.way == way).map(figure))
    };
    let per_second = of(daemon.way, |round| round.per_second);
    let ratio = per_second.median() / of(Way::Noauth, |round| round.per_second).median();
    println!(
        "| {} | {} | {} | {} | {:.0} | {ratio:.2} |",
        daemon.way.name(),
        per_second.written(0),
        of(daemon.way, |round| round.p99_ms).written(1),
        of(daemon.way, |round| round.cpu_us).written(1),
        resident_mib(daemon.child.id())
    );
    ratio
}

impl Daemon {
    fn start(way: Way, keystone: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let (database, config) = (folder.path().join("rollcall.sqlite"), folder.path().join("rollcall.toml"));
        let text = format!(
            "listen_port = {port}\nauth_strategy = \"{}\"\n{}[database]\nconnection = \"sqlite:///{}\"\n",
            way.name(),
            way.options(folder.path(), keystone),
            database.display()
        );
        std::fs::write(&config, text).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_rollcall"))
            .args(["serve", "--config"])
            .arg(&config)
            .env("ROLLCALL_LOG", "warn")
            .spawn()
            .unwrap();
        let mut daemon = Self { way, port, child, _folder: folder };
        daemon.wait_for_answer();
        daemon
    }

    fn wait_for_answer(&mut self) {
        let give_up = Instant::now() + Duration::from_secs(30);
        loop {
            if let Ok(mut connection) = Connection::open(self.port) {
                assert_eq!(connection.ask("GET", "/", b"").0, 200);
                return;
            }
            assert_eq!(self.child.try_wait().unwrap(), None, "the daemon ended");
            assert!(Instant::now() < give_up, "the daemon does not answer");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn round(&self, requests: u32, options: &Options) -> Round {
        let (began, cpu) = (Instant::now(), cpu_s(self.child.id()));
        let mut times = callers::each(options.callers, requests, self.port, |connection, number| {
            let headers = self.way.headers(number % options.tokens);
            let (status, body) = connection.ask_with("GET", PATH, &headers, b"");
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        });
        let count = usize::try_from(requests).unwrap();
        let cpu_us = 1e6 * (cpu_s(self.child.id()) - cpu) / whole(count);
        let per_second = rate(count, began.elapsed());
        Round { way: self.way, per_second, p99_ms: percentile_ms(&mut times, 99), cpu_us }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Nothing more can be done where it is gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
