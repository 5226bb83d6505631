//! The daemon as a process of its own, so that its memory is its alone, on a SQLite file of its own.

use std::fs::File;
use std::ops::Range;
use std::process::{Child, Command};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use diesel::connection::SimpleConnection;
use diesel::{Connection as _, SqliteConnection};
use futures_util::future::join_all;
use serde_json::Value;
use tokio::net::TcpStream;

use super::{agent, machines};

/// Whether ramdisks have a listener of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listeners {
    One,
    Two,
}

/// How the daemon is set up.
pub struct Tuning {
    /// Whether ramdisks have a listener of their own.
    pub listeners: Listeners,
}

/// The running daemon; killed when dropped.
pub struct Subject {
    /// Where the API is.
    pub port: u16,
    /// Where ramdisks post.
    pub callback_port: u16,
    folder: tempfile::TempDir,
    child: Child,
}

impl Subject {
    /// Starts it with a node service at another port.
    pub fn start(node_service: u16, tuning: &Tuning) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let (callback_port, own) = match tuning.listeners {
            Listeners::One => (port, String::new()),
            Listeners::Two => {
                let own = free_port();
                let extra = std::env::var("ROLLCALL_WAVE_EXTRA").unwrap_or_default().replace(',', "\n");
                (own, format!("[callback]\nlisten_port = {own}\n{extra}\n"))
            }
        };
        let text = format!(
            "listen_port = {port}\nnode_service = \"ironic\"\nintrospection_delay = 0\n{own}\
             [database]\nconnection = \"sqlite:///{}\"\n\
             [ironic]\nendpoint_override = \"http://127.0.0.1:{node_service}\"\n\
             [processing]\nstore_data = \"database\"\n",
            folder.path().join("wave.sqlite").display()
        );
        std::fs::write(folder.path().join("rollcall.toml"), text).unwrap();
        let child = spawn(&folder);
        let mut subject = Self { port, callback_port, folder, child };
        subject.wait_for_answer();
        subject
    }

    fn wait_for_answer(&mut self) {
        let give_up = Instant::now() + Duration::from_secs(60);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert_eq!(self.child.try_wait().unwrap(), None, "the daemon ended: see its log");
            assert!(Instant::now() < give_up, "the daemon does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The most memory that was resident so far, in MiB.
    pub fn peak_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// Starts the introspection of nodes, 64 at a time, until all of them wait.
    pub async fn start_nodes(&self, nodes: Range<u32>) {
        let callers = (0..64).map(|first| {
            let (port, nodes) = (self.port, nodes.clone());
            async move {
                let mut connection = Connection::open(port).await.unwrap();
                for number in nodes.skip(first).step_by(64) {
                    let path = format!("/v1/introspection/{}", machines::uuid(number));
                    let (status, body) = connection.ask("POST", &path).await;
                    assert_eq!(status, 202, "{}", String::from_utf8_lossy(&body));
                }
            }
        });
        join_all(callers).await;
        self.wait_until_none_is("starting").await;
    }

    /// Waits until no node is in `state`.
    pub async fn wait_until_none_is(&self, state: &str) {
        let mut connection = Connection::open(self.port).await.unwrap();
        let path = format!("/v1/introspection?limit=1&state={state}");
        let give_up = Instant::now() + Duration::from_secs(180);
        while !connection.page(&path).await.is_empty() {
            assert!(Instant::now() < give_up, "nodes stay {state}");
            actix_rt::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The status objects of all nodes.
    pub async fn states(&self) -> States {
        let mut connection = Connection::open(self.port).await.unwrap();
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map(|last| format!("&marker={}", last["uuid"].as_str().unwrap()));
            let path = format!("/v1/introspection?limit=1000{}", after.unwrap_or_default());
            let page = connection.page(&path).await;
            if page.is_empty() {
                return States(all, self.deadline_file());
            }
            all.extend(page);
        }
    }

    /// Lets the time of the first nodes end at the same moment, by its database while it is down; it is up again
    /// when this returns the moment.
    pub async fn expire_together(&mut self, nodes: u32, ahead: Duration) -> Instant {
        self.end();
        let at = SystemTime::now() + ahead;
        let moment = Instant::now() + ahead;
        let at_us = at.duration_since(UNIX_EPOCH).unwrap().as_micros();
        let database = self.folder.path().join("wave.sqlite");
        let mut connection = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
        let last = machines::uuid(nodes);
        let order = format!("UPDATE nodes SET deadline_at = {at_us} WHERE uuid < '{last}'");
        connection.batch_execute(&order).unwrap();
        drop(connection);
        std::fs::write(self.folder.path().join("deadline"), at_us.to_string()).unwrap();
        self.child = spawn(&self.folder);
        self.wait_for_answer();
        assert!(Instant::now() < moment, "it took too long to start again");
        moment
    }

    fn deadline_file(&self) -> Option<f64> {
        let text = std::fs::read_to_string(self.folder.path().join("deadline")).ok()?;
        Some(text.parse::<f64>().unwrap() / 1e6)
    }

    fn end(&mut self) {
        // Nothing more can be done where it is gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.end();
    }
}

/// Starts the daemon: the binary that is built with the benchmark, or the one that `ROLLCALL_WAVE_BIN` names.
fn spawn(folder: &tempfile::TempDir) -> Child {
    let built = env!("CARGO_BIN_EXE_rollcall").to_owned();
    let log = File::options().create(true).append(true).open(folder.path().join("rollcall.log")).unwrap();
    Command::new(std::env::var("ROLLCALL_WAVE_BIN").unwrap_or(built))
        .arg("serve")
        .arg("--config")
        .arg(folder.path().join("rollcall.toml"))
        .env_remove("ROLLCALL_WAVE_BIN")
        .env("ROLLCALL_LOG", "warn")
        .stderr(log)
        .spawn()
        .unwrap()
}

/// Status objects, and the common deadline in seconds since the epoch, where there was one.
pub struct States(Vec<Value>, Option<f64>);

impl States {
    /// How many are in a state.
    pub fn count(&self, state: &str) -> usize {
        self.0.iter().filter(|status| status["state"] == state).count()
    }

    /// From the common deadline to the last end in `error`, in seconds.
    pub fn longest_expiry_s(&self) -> f64 {
        let failed = self.0.iter().filter(|status| status["state"] == "error");
        let ends = failed.map(|status| seconds(status["finished_at"].as_str().unwrap()));
        ends.fold(f64::NAN, f64::max) - self.1.unwrap_or(f64::NAN)
    }
}

/// Seconds since the epoch.
fn seconds(text: &str) -> f64 {
    let zoned = if text.ends_with('Z') || text.contains('+') { text.to_owned() } else { format!("{text}Z") };
    let micros = chrono::DateTime::parse_from_rfc3339(&zoned).unwrap().timestamp_micros();
    micros.to_string().parse::<f64>().unwrap() / 1e6
}

/// A connection to the API that stays open.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Sends a request without a body and reads its answer: status and body.
    pub async fn ask(&mut self, method: &str, path: &str) -> (u16, Vec<u8>) {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        agent::send(&self.stream, head.as_bytes()).await.unwrap();
        self.received.clear();
        loop {
            if let Some(answer) = whole(&self.received) {
                return answer;
            }
            assert!(agent::receive(&self.stream, &mut self.received).await, "the daemon hung up on {path}");
        }
    }

    async fn page(&mut self, path: &str) -> Vec<Value> {
        let (status, body) = self.ask("GET", path).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        let page: Value = serde_json::from_slice(&body).unwrap();
        page["introspection"].as_array().unwrap().clone()
    }
}

fn whole(received: &[u8]) -> Option<(u16, Vec<u8>)> {
    let head = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(received.get(..head)?).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let length: usize = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    })?;
    Some((status, received.get(head..head + length)?.to_vec()))
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
