//! The ramdisk's agent, as far as a callback goes: one post on a connection of its own, and when it tries again.
//!
//! Invariant: its patience is that of the agent: 30 s to connect, to send and to read, and no further attempt where
//! the answer did not come in time or tells of a refusal.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::machines;

/// Between the attempts.
const WAITS_S: [u64; 4] = [5, 5, 6, 12];
/// To connect, to send and to read.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one machine posts; the filler is the same for all.
pub struct Post {
    document: Vec<u8>,
    filler: Rc<[u8]>,
}

/// The posts of machines, filled up to so many bytes with what stands for the ramdisk's logs.
pub fn posts(machines: Range<u32>, bytes: usize) -> Vec<Post> {
    let usual = machines::document(0).len();
    let logs = "QUJD".repeat(bytes.saturating_sub(usual) / 4);
    let filler: Rc<[u8]> = format!(",\"logs\":\"{logs}\"}}").into_bytes().into();
    let post = |number| {
        let mut document = machines::document(number);
        document.pop();
        Post { document, filler: Rc::clone(&filler) }
    };
    machines.map(post).collect()
}

/// How the machines fared.
#[derive(Debug, Default)]
pub struct Tally {
    outcomes: BTreeMap<String, usize>,
    attempts: BTreeMap<usize, usize>,
    times: Vec<Duration>,
}

impl Tally {
    fn note(&mut self, outcome: &Outcome) {
        *self.outcomes.entry(outcome.name()).or_default() += 1;
    }

    /// The lines of a table.
    pub fn table(&self) -> String {
        let mut times = self.times.clone();
        times.sort_unstable();
        let outcomes = self.outcomes.iter().map(|(name, count)| format!("| attempts: {name} | {count} |\n"));
        let attempts = self
            .attempts
            .iter()
            .map(|(number, count)| format!("| machines with {number} attempt(s) | {count} |\n"));
        let spread = format!(
            "| answered attempt, p50 / p99 / longest ms | {:.0} / {:.0} / {:.0} |\n",
            percentile_ms(&times, 50),
            percentile_ms(&times, 99),
            percentile_ms(&times, 100)
        );
        outcomes.chain(attempts).chain([spread]).collect()
    }
}

/// The time that `percent` of all stay below, in milliseconds; the times are sorted.
pub fn percentile_ms(times: &[Duration], percent: usize) -> f64 {
    let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}

enum Outcome {
    Answered(u16),
    /// The connection could not be made or broke.
    Broken(&'static str),
    /// No answer came in time: the agent gives up.
    Silent,
}

impl Outcome {
    fn name(&self) -> String {
        match self {
            Self::Answered(status) => format!("answered {status}"),
            Self::Broken(why) => (*why).to_owned(),
            Self::Silent => "no answer in time, given up".to_owned(),
        }
    }

    fn is_tried_again(&self) -> bool {
        match self {
            Self::Answered(status) => *status >= 500 || *status == 409,
            Self::Broken(_) => true,
            Self::Silent => false,
        }
    }
}

/// Posts until it is over, one way or another.
pub async fn run(port: u16, post: Post, tally: Rc<RefCell<Tally>>) {
    let waits = WAITS_S.into_iter().map(Some).chain([None]);
    for (index, wait) in waits.enumerate() {
        let began = Instant::now();
        let outcome = attempt(port, &post).await;
        tally.borrow_mut().note(&outcome);
        match wait {
            Some(seconds) if outcome.is_tried_again() => {
                actix_rt::time::sleep(Duration::from_secs(seconds)).await;
            }
            _ => {
                let mut tally = tally.borrow_mut();
                tally.times.push(began.elapsed());
                *tally.attempts.entry(index + 1).or_default() += 1;
                return;
            }
        }
    }
}

async fn attempt(port: u16, post: &Post) -> Outcome {
    let Ok(Ok(stream)) = timeout(PATIENCE, TcpStream::connect(("127.0.0.1", port))).await else {
        return Outcome::Broken("could not connect");
    };
    let length = post.document.len() + post.filler.len();
    let head = format!(
        "POST /v1/continue HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    let sending = async {
        for part in [head.as_bytes(), &post.document, &post.filler] {
            send(&stream, part).await?;
        }
        std::io::Result::Ok(())
    };
    if !matches!(timeout(PATIENCE, sending).await, Ok(Ok(()))) {
        return Outcome::Broken("could not send");
    }
    match timeout(PATIENCE, status(&stream)).await {
        Err(_) => Outcome::Silent,
        Ok(None) => Outcome::Broken("broke before the answer"),
        Ok(Some(status)) => Outcome::Answered(status),
    }
}

/// Sends all of it.
pub async fn send(stream: &TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads on; false where the other side has left.
pub async fn receive(stream: &TcpStream, received: &mut Vec<u8>) -> bool {
    loop {
        if stream.readable().await.is_err() {
            return false;
        }
        match stream.try_read_buf(received) {
            Ok(count) => return count > 0,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
    }
}

/// The status of the answer.
async fn status(stream: &TcpStream) -> Option<u16> {
    let mut received = Vec::with_capacity(1024);
    while !received.contains(&b'\n') {
        if !receive(stream, &mut received).await {
            return None;
        }
    }
    std::str::from_utf8(&received).ok()?.split(' ').nth(1)?.parse().ok()
}
