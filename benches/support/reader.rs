//! An operator who reads the status of one node after the other, and how long that takes.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_rt::task::JoinHandle;

use super::agent::percentile_ms;
use super::machines;
use super::subject::Connection;

/// Between two reads.
const PAUSE: Duration = Duration::from_millis(5);

/// Reads until it is stopped.
pub struct Reader {
    is_over: Rc<Cell<bool>>,
    task: JoinHandle<Vec<Duration>>,
}

/// How long the reads took.
pub struct Times(Vec<Duration>);

impl Reader {
    /// Starts to read, from the listener of the API.
    pub fn start(port: u16, nodes: u32) -> Self {
        let is_over = Rc::new(Cell::new(false));
        let task = actix_rt::spawn(read(port, nodes, Rc::clone(&is_over)));
        Self { is_over, task }
    }

    /// Ends it.
    pub async fn stop(self) -> Times {
        self.is_over.set(true);
        let mut times = self.task.await.unwrap();
        times.sort_unstable();
        Times(times)
    }
}

impl Times {
    /// The time that `percent` of all stay below, in milliseconds.
    pub fn ms(&self, percent: usize) -> f64 {
        percentile_ms(&self.0, percent)
    }

    /// For a table.
    pub fn written(&self) -> String {
        format!("p50 {:.2} ms, p99 {:.2} ms, {} reads", self.ms(50), self.ms(99), self.0.len())
    }
}

async fn read(port: u16, nodes: u32, is_over: Rc<Cell<bool>>) -> Vec<Duration> {
    let mut connection = Connection::open(port).await.unwrap();
    let mut times = Vec::new();
    let mut number = 0;
    while !is_over.get() {
        number = (number + 7919) % nodes;
        let path = format!("/v1/introspection/{}", machines::uuid(number));
        let began = Instant::now();
        let (status, _) = connection.ask("GET", &path).await;
        times.push(began.elapsed());
        assert_eq!(status, 200);
        actix_rt::time::sleep(PAUSE).await;
    }
    times
}
