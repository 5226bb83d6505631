//! Over real sockets: chunks, HEAD, refused bodies, odd request lines, Unix sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt;
use bytes::Bytes;

use super::super::fake::{Fake, NODE};
use super::super::server::{Listener, ServerSettings, start};
use super::{Settings, node_path};

/// A server with one worker; it ends with the handle's `stop`.
pub(super) fn serve(listener: Listener, settings: &Settings) -> ServerHandle {
    let options = ServerSettings {
        workers: Some(1),
        shutdown_timeout_s: 1,
        client_disconnect_timeout: Duration::from_secs(1),
        ..ServerSettings::default()
    };
    let server = start(vec![listener], || super::services(&Fake::new()), settings, &options).unwrap();
    let handle = server.handle();
    rt::spawn(server);
    handle
}

fn serve_tcp(settings: &Settings) -> (SocketAddr, ServerHandle) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    (socket.local_addr().unwrap(), serve(Listener::Tcp(socket), settings))
}

/// Sends bytes as they are and reads the answer to its end.
async fn exchange(address: SocketAddr, request: Vec<u8>) -> String {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(&request).unwrap();
        sender.send(read_all(stream)).unwrap();
    });
    receiver.await.unwrap()
}

fn read_all(mut stream: impl Read) -> String {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[actix_web::test]
async fn a_chunked_body_is_understood() {
    let (address, server) = serve_tcp(&Settings::default());
    let parts = [Bytes::from("{\"a\":"), Bytes::from("1}")].map(Ok::<_, std::io::Error>);
    let mut response = awc::Client::default()
        .post(format!("http://{address}/v1/continue"))
        .send_stream(futures_util::stream::iter(parts))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.body().await.unwrap(), format!("{{\"uuid\":\"{NODE}\"}}\n"));
    server.stop(false).await;
}

#[actix_web::test]
async fn a_chunked_body_is_bounded() {
    let (address, server) = serve_tcp(&Settings { max_body_bytes: 4, ..Settings::default() });
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n",
        node_path("/data/unprocessed")
    );
    let answer = exchange(address, request.into_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("x-openstack-ironic-inspector-api-maximum-version: 1.18"), "{answer}");
    assert!(
        answer.ends_with("\r\n\r\n{\"error\":{\"message\":\"The request body is larger than 4 bytes\"}}\n")
    );
    server.stop(false).await;
}

#[actix_web::test]
async fn nobody_reads_on_where_a_body_was_not_wanted() {
    let (address, server) = serve_tcp(&Settings::default());
    let lines = ["GET /v1", "GET /v1/nothing", "PUT /v1", "POST /v1/introspection/x?manage_boot=x"];
    let answers = lines.map(|line| {
        let head = format!("{line} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        exchange(address, format!("{head}3\r\nabc\r\n").into_bytes())
    });
    for answer in futures_util::future::join_all(answers).await {
        assert!(answer.contains("connection: close"), "{answer}");
    }
    server.stop(false).await;
}

#[actix_web::test]
async fn a_connection_goes_on_after_a_body_that_was_read() {
    let (address, server) = serve_tcp(&Settings::default());
    let body = "HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    let last = "GET /v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let request = format!("POST {} {body}POST /v1/continue {body}{last}", node_path("/abort"));
    let answer = exchange(address, request.into_bytes()).await;
    let statuses: Vec<_> =
        answer.match_indices("HTTP/1.1 ").filter_map(|(at, _)| answer.get(at + 9..at + 12)).collect();
    assert_eq!(statuses, ["202", "200", "200"], "{answer}");
    server.stop(false).await;
}

#[actix_web::test]
async fn a_client_that_sends_too_much_can_read_why() {
    let (address, server) = serve_tcp(&Settings { max_body_bytes: 1000, ..Settings::default() });
    let mut request = b"POST /v1/continue HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n".to_vec();
    request.resize(request.len() + 3_000_000, b' ');
    let answer = exchange(address, request).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("larger than 1000 bytes"));
    server.stop(false).await;
}

#[actix_web::test]
async fn an_announced_body_is_invited() {
    let (address, server) = serve_tcp(&Settings::default());
    let request = "POST /v1/continue HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n\
        Content-Length: 2\r\n\r\n{}";
    let answer = exchange(address, request.into()).await;
    assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "{answer}");
    server.stop(false).await;
}

#[actix_web::test]
async fn head_has_no_body() {
    let (address, server) = serve_tcp(&Settings::default());
    for path in ["/v1/introspection", "/v1/nothing", "/v1/introspection/x/data"] {
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = exchange(address, request.into_bytes()).await;
        assert!(answer.contains("content-type: application/json"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }
    server.stop(false).await;
}

#[actix_web::test]
async fn odd_request_lines_do_no_harm() {
    let (address, server) = serve_tcp(&Settings::default());
    for (line, status) in [
        ("OPTIONS *", "404"),
        ("CONNECT x:80", "404"),
        ("GET http://y/v1//introspection/", "200"),
        ("GET http://y", "200"),
        ("GET /v1/introspection?limit=%", "400"),
    ] {
        let request = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = exchange(address, request.into_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {answer}");
    }
    server.stop(false).await;
}

#[actix_web::test]
async fn a_unix_socket_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.sock");
    let server = serve(Listener::Unix(UnixListener::bind(&path).unwrap()), &Settings::default());
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut stream = UnixStream::connect(path).unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        sender.send(read_all(stream)).unwrap();
    });
    let answer = receiver.await.unwrap();
    assert!(answer.contains("\"versions\""), "{answer}");
    server.stop(false).await;
}
