//! A Keystone for benchmarks: every token is good, and an administrator's. It counts what it is asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

/// The running stand-in; ends with the process.
pub struct Keystone {
    /// Where it listens.
    pub port: u16,
    examined: Arc<AtomicUsize>,
}

impl Keystone {
    /// Starts it.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let examined = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&examined);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || serve(&stream.unwrap(), &counter));
            }
        });
        Self { port, examined }
    }

    /// How many times a token was examined so far.
    pub fn examined(&self) -> usize {
        self.examined.load(Ordering::Relaxed)
    }
}

fn serve(mut stream: &TcpStream, examined: &AtomicUsize) {
    let mut reader = BufReader::new(stream);
    let expires = chrono::Utc::now() + chrono::TimeDelta::try_hours(12).unwrap();
    let named = json!({"id": "default", "name": "Default"});
    let body = json!({"token": {
        "expires_at": expires.to_rfc3339(),
        "user": {"id": "u", "name": "olga", "domain": named},
        "project": {"id": "p", "name": "operators", "domain": named},
        "roles": [{"id": "r", "name": "admin"}, {"id": "s", "name": "member"}, {"id": "t", "name": "reader"}],
    }})
    .to_string();
    while let Some((is_issue, length)) = head(&mut reader) {
        let mut sent = vec![0; length];
        reader.read_exact(&mut sent).unwrap();
        let status = if is_issue { "201 Created\r\nX-Subject-Token: own" } else { "200 OK" };
        examined.fetch_add(usize::from(!is_issue), Ordering::Relaxed);
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).unwrap();
    }
}

/// Whether a token is asked for, and how long the body is; nothing where the connection ended.
fn head(reader: &mut impl BufRead) -> Option<(bool, usize)> {
    let mut lines = reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let is_issue = lines.next()?.starts_with("POST");
    let length = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Some((is_issue, length.last().unwrap_or(0)))
}
