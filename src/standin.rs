//! A stand-in of an HTTP server on a loopback port, which answers as a test says; for tests only.
//!
//! It speaks HTTP by hand, because a test needs what no server library does: to hang up instead of answering.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `PUT /v1/nodes/x?query`
    pub line: String,
    /// The headers, names in lower case.
    headers: Vec<(String, String)>,
    /// The body; null where there is none.
    pub body: Value,
    /// The connection it came over.
    pub connection: usize,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What is done about it.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status and a document (none where null).
    Answer(u16, Value),
    /// The answer, and then the connection is closed without a word about it.
    AnswerAndLeave(u16, Value),
    /// An answer with headers.
    AnswerWith(u16, Vec<(&'static str, String)>, Value),
    /// A head that promises more than comes.
    CutShort,
    /// The connection is closed without an answer.
    Leave,
    /// Nothing happens for this long.
    Hang(Duration),
}

pub fn ok(body: Value) -> Reply {
    Reply::Answer(200, body)
}

type Script = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

/// The stand-in; lives as long as the test's process.
#[derive(Clone)]
pub struct StandIn {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    script: Arc<Script>,
}

impl StandIn {
    /// `script` gets each request, and how many with the same line came before.
    pub fn new(script: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let standin = Self { address, asked: Arc::default(), script: Arc::new(script) };
        let server = standin.clone();
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let server = server.clone();
                thread::spawn(move || server.serve(stream.unwrap(), connection));
            }
        });
        standin
    }

    /// The URL of its root, without a slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    pub fn all(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    fn serve(&self, stream: TcpStream, connection: usize) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(asked) = read(&mut reader, connection) {
            let nth = {
                let mut all = self.asked.lock().unwrap();
                let nth = all.iter().filter(|before| before.line == asked.line).count();
                all.push(asked.clone());
                nth
            };
            if !reply(&stream, (self.script)(&asked, nth)) {
                return;
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>, connection: usize) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let headers: Vec<(String, String)> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let line = lines[0].trim_end_matches(" HTTP/1.1").to_owned();
    let mut asked = Asked { line, headers, body: Value::Null, connection };
    let length = asked.header("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(asked)
}

/// Whether the connection goes on.
fn reply(mut stream: &TcpStream, reply: Reply) -> bool {
    let (status, headers, body, goes_on) = match reply {
        Reply::Answer(status, body) => (status, Vec::new(), body, true),
        Reply::AnswerWith(status, headers, body) => (status, headers, body, true),
        Reply::AnswerAndLeave(status, body) => (status, Vec::new(), body, false),
        Reply::Leave => return false,
        Reply::CutShort => {
            let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"uuid\": ");
            return false;
        }
        Reply::Hang(time) => {
            thread::sleep(time);
            return false;
        }
    };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let answer = format!("HTTP/1.1 {status} x\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).is_ok() && goes_on
}
