//! What is read, and what is not, over loopback and from folders of the tests' own.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::config::{self, Secret};
use crate::openstack::fake;
use crate::standin::{Asked, Reply, StandIn};

/// A server that answers each request with the next of these; the last one again and again.
fn server(answers: Vec<String>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = format!("http://{}/site.yaml", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&count);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let lines = BufReader::new(connection.try_clone().unwrap()).lines();
            lines.map_while(std::result::Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            let number = asked.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
            connection.write_all(answers[number].as_bytes()).unwrap();
        }
    });
    (place, count)
}

fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nlocation: http://127.0.0.1:1/\r\nconnection: close\r\n\r\n{body}"
    )
}

fn rules(folder: Option<&Path>) -> Rules {
    Rules {
        folders: folder.map(Path::to_owned).into_iter().collect(),
        networks: vec!["127.0.0.0/8".parse().unwrap()],
        max_bytes: 1000,
        timeout: Duration::from_secs(10),
        remember: Duration::from_secs(180),
        credentials: Credentials::from_config(&config::Design::default()).unwrap(),
        default: None,
    }
}

/// Who we are by this configuration.
fn known(design: &config::Design) -> Arc<Resolver> {
    Resolver::new(Rules { credentials: Credentials::from_config(design).unwrap(), ..rules(None) })
}

async fn content(resolver: &Resolver, place: &str) -> Result<String> {
    let found = resolver.content(&Reference::parse(place).unwrap()).await?;
    Ok(String::from_utf8(found.to_vec()).unwrap())
}

async fn refusal(rules: Rules, place: &str) -> String {
    let error = content(&Resolver::new(rules), place).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unprocessable);
    error.text
}

#[actix_rt::test]
async fn an_answer_is_remembered_for_a_while_and_a_failure_is_not() {
    let (place, count) =
        server(vec![answer("404 Not Found", "gone"), answer("200 OK", "a"), answer("200 OK", "b")]);
    let resolver = Resolver::new(rules(None));
    let error = content(&resolver, &place).await.unwrap_err();
    assert_eq!(error.text, format!("The design {place} can not be read: the server answers 404 Not Found"));
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert_eq!(content(&resolver, &place).await.unwrap(), "a");
    assert_eq!(content(&resolver, &place).await.unwrap(), "a");
    let forgetful = Resolver::new(Rules { remember: Duration::ZERO, ..rules(None) });
    assert_eq!(content(&forgetful, &place).await.unwrap(), "b");
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[actix_rt::test]
async fn a_server_that_fails_is_asked_three_times_and_redirects_are_not_followed() {
    let (place, count) = server(vec![answer("503 Busy", ""), answer("500 Oh", ""), answer("200 OK", "a")]);
    assert_eq!(content(&Resolver::new(rules(None)), &place).await.unwrap(), "a");
    assert_eq!(count.load(Ordering::SeqCst), 3);
    let (place, count) = server(vec![answer("503 Busy", "")]);
    assert!(refusal(rules(None), &place).await.contains("the server answers 503"));
    assert_eq!(count.load(Ordering::SeqCst), 3);
    let (place, count) = server(vec![answer("302 Found", "")]);
    assert!(refusal(rules(None), &place).await.contains("the server answers 302"));
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let (place, _) = server(vec![answer("200 OK", &"x".repeat(1001))]);
    assert!(refusal(rules(None), &place).await.contains("larger than 1000 bytes"));
}

#[actix_rt::test]
async fn addresses_of_this_machine_are_not_asked_unless_they_are_allowed() {
    let (place, count) = server(vec![answer("200 OK", "secret")]);
    let nothing = || Rules { networks: Vec::new(), ..rules(None) };
    let by_name = place.replace("127.0.0.1", "localhost");
    for place in [
        place.as_str(),
        &by_name,
        "http://169.254.169.254/",
        "http://[::1]/",
        "http://2130706433/",
        "http://0/",
    ] {
        let text = refusal(nothing(), place).await;
        assert!(text.contains("may not be asked"), "{place}: {text}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
    // A name is judged by its addresses.
    assert_eq!(content(&Resolver::new(rules(None)), &by_name).await.unwrap(), "secret");
}

#[test]
fn every_disguise_of_a_forbidden_address_is_seen() {
    for address in [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "100.100.100.200",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "febf::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "fd00:ec2::254",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
    ] {
        assert!(!may_be_asked(address.parse().unwrap(), &[]), "{address}");
    }
    for address in ["10.0.0.1", "192.168.1.1", "8.8.8.8", "100.64.0.1", "2001:db8::1", "fd12::1"] {
        assert!(may_be_asked(address.parse().unwrap(), &[]), "{address}");
    }
    let loopback = ["127.0.0.0/8".parse().unwrap()];
    assert!(may_be_asked("::ffff:127.0.0.1".parse().unwrap(), &loopback));
    assert!(!may_be_asked("169.254.169.254".parse().unwrap(), &loopback));
}

#[actix_rt::test]
async fn only_files_below_the_folders_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (inside, outside) = (folder.path().join("in"), folder.path().join("out.yaml"));
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(inside.join("site.yaml"), "design").unwrap();
    std::fs::write(inside.join("large.yaml"), "x".repeat(1001)).unwrap();
    std::fs::write(&outside, "secret").unwrap();
    std::os::unix::fs::symlink(&outside, inside.join("link.yaml")).unwrap();
    let at = |path: &str| format!("file://{}/{path}", inside.display());
    let resolver = Resolver::new(rules(Some(&inside)));
    assert_eq!(content(&resolver, &at("site.yaml")).await.unwrap(), "design");
    for (place, why) in [
        (at("link.yaml"), "not below"),
        (at("../out.yaml"), "not below"),
        (at("../none.yaml"), "not below"),
        ("file:///etc/hostname".to_owned(), "not below"),
        (at("none.yaml"), "No such file"),
        (at("large.yaml"), "larger than 1000 bytes"),
    ] {
        let text = refusal(rules(Some(&inside)), &place).await;
        assert!(text.contains(why), "{place}: {text}");
    }
    assert!(refusal(rules(None), &at("site.yaml")).await.contains("not below"));
}

/// What was asked of a server, as the header that says who asks.
fn proofs(standin: &StandIn, line: &str, header: &str) -> Vec<Option<String>> {
    let asked: Vec<Asked> = standin.all();
    let of_line = asked.iter().filter(|asked| asked.line == line);
    of_line.map(|asked| asked.header(header).map(str::to_owned)).collect()
}

#[actix_rt::test]
async fn user_and_password_are_those_of_the_host_and_never_those_of_the_reference() {
    let standin = StandIn::new(|_, _| Reply::Answer(200, json!("design")));
    let place = standin.url().replace("http://", "");
    let host = place.split(':').next().unwrap();
    // `admin:open sesame:2`, with a colon in the password.
    let pair = Secret::new("admin:open sesame:2");
    for (key, wanted) in [
        (place.clone(), Some("Basic YWRtaW46b3BlbiBzZXNhbWU6Mg==")),
        (host.to_owned(), Some("Basic YWRtaW46b3BlbiBzZXNhbWU6Mg==")),
        ("design.example".to_owned(), None),
    ] {
        let design =
            config::Design { credentials: [(key, pair.clone())].into(), ..config::Design::default() };
        let path = format!("http://eve:guess@{place}/{}", wanted.is_some());
        content(&known(&design), &path).await.unwrap();
        let line = format!("GET /{}", wanted.is_some());
        let sent = proofs(&standin, &line, "authorization").pop().unwrap();
        assert_eq!(sent.as_deref(), wanted);
    }
}

/// Issues tokens, and takes those that `takes` says.
fn guarded(takes: fn(&str) -> bool) -> (StandIn, config::Design) {
    let standin = StandIn::new(move |asked, nth| match asked.header("x-auth-token") {
        _ if fake::is_issue(asked) => fake::issued_by_number(nth),
        Some(token) if takes(token) => Reply::Answer(200, json!("design")),
        _ => Reply::Answer(401, Value::Null),
    });
    let auth = fake::auth(&format!("{}/v3", standin.url()));
    (standin, config::Design { auth, ..config::Design::default() })
}

#[actix_rt::test]
async fn a_service_gets_a_token_and_another_one_where_it_does_not_take_the_first() {
    let (standin, design) = guarded(|token| token != "own-0");
    let host = standin.url().replace("http://", "");
    let design = config::Design { token_hosts: vec![host.clone()], ..design };
    let place = format!("deckhand+http://eve:guess@{host}/site");
    assert_eq!(content(&known(&design), &place).await.unwrap(), "\"design\"");
    let sent = |token: &str| Some(token.to_owned());
    assert_eq!(proofs(&standin, "GET /site", "x-auth-token"), [sent("own-0"), sent("own-1")]);
    assert_eq!(proofs(&standin, "GET /site", "authorization"), [None, None]);
    // Not again and again.
    let (standin, design) = guarded(|_| false);
    let host = standin.url().replace("http://", "");
    let design = config::Design { token_hosts: vec![host.clone()], ..design };
    let error = content(&known(&design), &format!("deckhand+http://{host}/site")).await.unwrap_err();
    assert!(error.text.ends_with("the server answers 401 Unauthorized"), "{}", error.text);
    assert_eq!(proofs(&standin, "GET /site", "x-auth-token").len(), 2);
}

#[actix_rt::test]
async fn no_token_goes_to_a_host_that_is_not_to_have_one() {
    let (standin, design) = guarded(|_| true);
    let host = standin.url().replace("http://", "");
    let design = config::Design { token_hosts: vec!["deckhand.example".to_owned()], ..design };
    let error = content(&known(&design), &format!("deckhand+http://{host}/site")).await.unwrap_err();
    let why = format!("no token may be sent to {host}: [design]token_hosts does not have it");
    assert!(error.text.ends_with(&why), "{}", error.text);
    // By plain http the same host is asked, and gets nothing.
    assert!(content(&known(&design), &format!("http://{host}/site")).await.is_err());
    assert_eq!(proofs(&standin, "GET /site", "x-auth-token"), [None]);
    assert!(!standin.all().iter().any(fake::is_issue));
}
