//! The daemon as a process of its own, so that its processor time and memory are its alone.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::callers::Connection;

/// The running daemon; killed when dropped.
pub struct Daemon {
    /// Where it listens.
    pub port: u16,
    /// From its start to its first answer.
    pub start_up: Duration,
    child: Child,
}

impl Daemon {
    /// Starts it on a database, with a node service at another port. Its log goes to a file in `folder`.
    pub fn start(folder: &Path, connection: &str, node_service: u16) -> Self {
        Self::start_with(folder, connection, node_service, "")
    }

    /// As [`Self::start`], with more options of `[processing]`.
    pub fn start_with(folder: &Path, connection: &str, node_service: u16, processing: &str) -> Self {
        let port = free_port();
        let text = format!(
            "listen_port = {port}\nnode_service = \"ironic\"\nintrospection_delay = 0\nclean_up_period = 3600\n\
             [database]\nconnection = \"{connection}\"\n\
             [ironic]\nendpoint_override = \"http://127.0.0.1:{node_service}\"\n\
             [processing]\nstore_data = \"database\"\n{processing}\n"
        );
        let config = folder.join("rollcall.toml");
        std::fs::write(&config, text).unwrap();
        let log = File::create(folder.join("rollcall.log")).unwrap();
        let began = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_rollcall"))
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .stderr(log)
            .spawn()
            .unwrap();
        let mut daemon = Self { port, start_up: Duration::ZERO, child };
        daemon.wait_for_answer();
        daemon.start_up = began.elapsed();
        daemon
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait_for_answer(&mut self) {
        let give_up = Instant::now() + Duration::from_secs(30);
        loop {
            if let Ok(mut connection) = Connection::open(self.port) {
                let (status, _) = connection.ask("GET", "/", b"");
                assert_eq!(status, 200);
                return;
            }
            assert_eq!(self.child.try_wait().unwrap(), None, "the daemon ended: see its log");
            assert!(Instant::now() < give_up, "the daemon does not answer");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until no node is in `state`.
    pub fn wait_until_none_is(&self, state: &str) {
        let mut connection = Connection::open(self.port).unwrap();
        let path = format!("/v1/introspection?limit=1&state={state}");
        let give_up = Instant::now() + Duration::from_secs(120);
        loop {
            let (status, body) = connection.ask("GET", &path, b"");
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
            let page: serde_json::Value = serde_json::from_slice(&body).unwrap();
            if page.get("introspection").and_then(|list| list.as_array()).is_some_and(Vec::is_empty) {
                return;
            }
            assert!(Instant::now() < give_up, "nodes stay {state}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Nothing more can be done where it is gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
