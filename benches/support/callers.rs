//! The callers: threads that ask the daemon over connections of their own, each the next thing as soon as it has
//! its answer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A connection to the daemon that stays open.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub fn open(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Sends a request and reads its answer: status and body.
    pub fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        self.ask_with(method, path, "", body)
    }

    /// The same with more headers, each of which ends its line.
    pub fn ask_with(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.stream.write_all(&request).unwrap();
        self.received.clear();
        loop {
            if let Some(answer) = whole(&self.received) {
                return answer;
            }
            let mut part = [0; 4096];
            let count = self.stream.read(&mut part).unwrap();
            assert!(count > 0, "the daemon hung up on {method} {path}");
            self.received.extend_from_slice(part.get(..count).unwrap_or_default());
        }
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

/// Has `callers` callers do `work` for each number below `count`; answers how long each took.
pub fn each(
    callers: usize,
    count: u32,
    port: u16,
    work: impl Fn(&mut Connection, u32) + Sync,
) -> Vec<Duration> {
    each_of(callers, count, &[port], work)
}

/// The same for several daemons, each of which has its share of the callers.
pub fn each_of(
    callers: usize,
    count: u32,
    ports: &[u16],
    work: impl Fn(&mut Connection, u32) + Sync,
) -> Vec<Duration> {
    let next = AtomicU32::new(0);
    let all = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for port in ports.iter().cycle().take(callers) {
            scope.spawn(|| {
                let mut connection = Connection::open(*port).unwrap();
                let mut times = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let began = Instant::now();
                    work(&mut connection, number);
                    times.push(began.elapsed());
                }
                all.lock().unwrap().extend(times);
            });
        }
    });
    all.into_inner().unwrap()
}
