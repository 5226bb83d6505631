//! A fleet that posts all at once, and one that falls silent all at once, against the whole daemon.
//!
//! The daemon is a process of its own; the machines and the node service are in this one. Each machine keeps to the
//! schedule of the ramdisk's agent: five attempts, and again only after a broken connection, 5xx or 409. It ends
//! with 1 where a machine was lost, or where the daemon took more memory than it may.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark prints what it measured, and stops at the first surprise"
)]

mod support {
    pub mod agent;
    pub mod machines;
    pub mod reader;
    pub mod standin;
    pub mod subject;
}

use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::Parser;
use futures_util::future::join_all;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use support::agent::{self, Post, Tally};
use support::reader::Reader;
use support::standin::StandIn;
use support::subject::{Listeners, Subject, Tuning};

/// What may be said on the command line, behind `cargo bench --bench wave --`.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// Machines that post, or that fall silent
    #[arg(long, default_value_t = 10_000)]
    nodes: u32,
    /// Bytes that each posts
    #[arg(long, default_value_t = 102_400)]
    bytes: usize,
    /// Let the machines post to the listener of the API
    #[arg(long)]
    one_listener: bool,
    /// Let the time of all waiting nodes end in the same second instead
    #[arg(long)]
    expire: bool,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// Nodes beside those whose time ends: their ramdisks post meanwhile.
const OTHERS: u32 = 300;
/// How long statuses are read to know how long that takes when nothing else goes on.
const QUIET: Duration = Duration::from_secs(5);
/// Resident memory that the daemon may take with a listener for ramdisks, and with one listener.
const MOST_MIB: [f64; 2] = [200.0, 1536.0];
/// Seconds in which all nodes whose time ended have to be in `error`.
const EXPIRY_TARGET_S: f64 = 10.0;

fn main() -> ExitCode {
    raise_open_files();
    let options = Options::parse();
    let run = async move { if options.expire { expire(&options).await } else { wave(&options).await } };
    actix_rt::System::new().block_on(run)
}

/// Each machine is a connection.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
}

async fn wave(options: &Options) -> ExitCode {
    let node_service = StandIn::start();
    let listeners = if options.one_listener { Listeners::One } else { Listeners::Two };
    let subject = Subject::start(node_service.port, &Tuning { listeners });
    println!("{} nodes, {} bytes each, {listeners:?} listener(s)", options.nodes, options.bytes);
    let began = Instant::now();
    subject.start_nodes(0..options.nodes).await;
    println!("all wait after {:.1} s", began.elapsed().as_secs_f64());

    let idle_mib = subject.peak_mib();
    let reader = Reader::start(subject.port, options.nodes);
    actix_rt::time::sleep(QUIET).await;
    let quiet = reader.stop().await;

    let reader = Reader::start(subject.port, options.nodes);
    let tally = Rc::new(RefCell::new(Tally::default()));
    let began = Instant::now();
    let posts: Vec<Post> = agent::posts(0..options.nodes, options.bytes);
    let made = began.elapsed();
    let began = Instant::now();
    join_all(posts.into_iter().map(|post| {
        let (tally, port) = (Rc::clone(&tally), subject.callback_port);
        async move { actix_rt::spawn(agent::run(port, post, tally)).await.unwrap() }
    }))
    .await;
    let answered = began.elapsed();
    subject.wait_until_none_is("processing").await;
    let finished = began.elapsed();
    let busy = reader.stop().await;
    let states = subject.states().await;

    let peak = subject.peak_mib();
    let lost = usize::try_from(options.nodes).unwrap() - states.count("finished");
    let most = if options.one_listener { MOST_MIB[1] } else { MOST_MIB[0] };
    println!(
        "documents made in {:.1} s; node service: {} calls, {} connections, {} refused",
        made.as_secs_f64(),
        node_service.calls(),
        node_service.connections(),
        node_service.refused()
    );
    print!("{}", tally.borrow().table());
    line("all answered after, s", answered.as_secs_f64());
    line("all finished after, s", finished.as_secs_f64());
    println!("| lost | {lost} |");
    line("resident MiB before, peak", idle_mib);
    line("resident MiB, peak", peak);
    println!("| status reads without the wave | {} |", quiet.written());
    println!("| status reads during the wave | {} |", busy.written());
    line("p99 of status reads: with / without", busy.ms(99) / quiet.ms(99));
    verdict(lost == 0 && peak <= most)
}

async fn expire(options: &Options) -> ExitCode {
    let node_service = StandIn::start();
    let mut subject = Subject::start(node_service.port, &Tuning { listeners: Listeners::Two });
    let all = options.nodes + OTHERS;
    subject.start_nodes(0..all).await;
    let at = subject.expire_together(options.nodes, Duration::from_secs(8)).await;

    let tally = Rc::new(RefCell::new(Tally::default()));
    actix_rt::time::sleep(at.saturating_duration_since(Instant::now())).await;
    let posts = agent::posts(options.nodes..all, options.bytes);
    let mut running = Vec::new();
    for post in posts {
        running.push(actix_rt::spawn(agent::run(subject.callback_port, post, Rc::clone(&tally))));
        actix_rt::time::sleep(Duration::from_millis(10)).await;
    }
    for agent in running {
        agent.await.unwrap();
    }
    subject.wait_until_none_is("waiting").await;
    subject.wait_until_none_is("processing").await;
    let states = subject.states().await;
    let (failed, finished) = (states.count("error"), states.count("finished"));
    println!("{} nodes whose time ends at once, {OTHERS} that post meanwhile", options.nodes);
    print!("{}", tally.borrow().table());
    println!("| in error / finished | {failed} / {finished} |");
    let longest = states.longest_expiry_s();
    line("last in error after its deadline, s", longest);
    line("resident MiB, peak", subject.peak_mib());
    let complete = failed == usize::try_from(options.nodes).unwrap()
        && states.count("finished") == usize::try_from(OTHERS).unwrap();
    println!("target of {EXPIRY_TARGET_S} s: {}", if longest <= EXPIRY_TARGET_S { "kept" } else { "missed" });
    verdict(complete)
}

fn line(name: &str, figure: f64) {
    println!("| {name} | {figure:.2} |");
}

fn verdict(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
