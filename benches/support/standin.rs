//! A node service for benchmarks: answers the calls that an introspection makes, and counts them.
//!
//! Invariant: each machine that is asked for exists, and nothing that is written changes what is read, so that
//! every introspection is like the one before. One thread, HTTP by hand: it shall cost little beside the daemon.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use super::machines;

/// The running stand-in; ends with the process.
pub struct StandIn {
    /// Where it listens.
    pub port: u16,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    calls: AtomicUsize,
    connections: AtomicUsize,
    refused: AtomicUsize,
}

impl StandIn {
    /// Starts it.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        std::thread::spawn(move || actix_rt::System::new().block_on(accept(listener, shared)));
        Self { port, counts }
    }

    /// How many calls were answered so far.
    pub fn calls(&self) -> usize {
        self.counts.calls.load(Ordering::Relaxed)
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::Relaxed)
    }

    /// How many calls were none that an introspection makes.
    pub fn refused(&self) -> usize {
        self.counts.refused.load(Ordering::Relaxed)
    }
}

async fn accept(listener: std::net::TcpListener, counts: Arc<Counts>) {
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        counts.connections.fetch_add(1, Ordering::Relaxed);
        actix_rt::spawn(converse(stream, Arc::clone(&counts)));
    }
}

/// Serves a connection until the other side leaves.
async fn converse(stream: TcpStream, counts: Arc<Counts>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::with_capacity(4096);
    loop {
        while let Some(length) = request_length(&received) {
            let answer = answer(received.get(..length).unwrap_or_default(), &counts);
            send(&stream, &answer).await?;
            received.drain(..length);
        }
        stream.readable().await?;
        match stream.try_read_buf(&mut received) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

async fn send(stream: &TcpStream, mut answer: &[u8]) -> std::io::Result<()> {
    while !answer.is_empty() {
        stream.writable().await?;
        match stream.try_write(answer) {
            Ok(sent) => answer = answer.get(sent..).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The bytes of the first request, body and all; `None` where it is not there yet.
fn request_length(received: &[u8]) -> Option<usize> {
    let head = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(received.get(..head)?).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let whole = head + length.unwrap_or(0);
    (received.len() >= whole).then_some(whole)
}

fn answer(request: &[u8], counts: &Counts) -> Vec<u8> {
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    counts.calls.fetch_add(1, Ordering::Relaxed);
    let (status, body) = route(method, path).unwrap_or_else(|| {
        counts.refused.fetch_add(1, Ordering::Relaxed);
        (404, json!({"error_message": "not here"}))
    });
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let length = body.len();
    format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn route(method: &str, path: &str) -> Option<(u16, Value)> {
    if (method, path) == ("GET", "/v1/") {
        let version = json!({"id": "v1", "min_version": "1.1", "version": "1.82"});
        return Some((200, json!({"id": "v1", "version": version})));
    }
    if let Some(node) = path.strip_prefix("/v1/ports/detail?node=") {
        let ports = machines::ports(machines::number(node.parse().ok()?)?);
        return Some((200, json!({ "ports": ports })));
    }
    if (method, path) == ("POST", "/v1/ports") {
        return Some((201, json!({})));
    }
    if method == "PATCH" && path.starts_with("/v1/ports/") {
        return Some((200, json!({})));
    }
    let rest = path.strip_prefix("/v1/nodes/")?;
    let (node, what) = rest.split_once('/').unwrap_or((rest, ""));
    let number = machines::number(node.parse().ok()?)?;
    match (method, what) {
        ("GET" | "PATCH", "") => Some((200, machines::node(number))),
        ("GET", "validate") => Some((200, json!({"power": {"result": true}}))),
        ("PUT", "management/boot_device" | "traits") => Some((204, Value::Null)),
        ("PUT", "states/power") => Some((202, Value::Null)),
        _ => None,
    }
}
