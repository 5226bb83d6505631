//! How a service is asked, over loopback.

use clap::Parser;
use serde_json::json;

use super::*;
use crate::openstack::fake;
use crate::standin::{Asked, Reply, StandIn, ok};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    remote: Remote,
}

/// As a command line names it.
fn remote(words: &[&str]) -> std::result::Result<Remote, clap::Error> {
    Line::try_parse_from([&["rollcall"], words].concat()).map(|line| line.remote)
}

/// What a client with these options has sent for a GET.
async fn sent(words: &[&str], suffix: &str) -> Vec<Asked> {
    let standin = StandIn::new(|_, _| ok(json!([1])));
    let place = format!("{}{suffix}", standin.url());
    let client = remote(&[&["--url", &place], words].concat()).unwrap().client().unwrap();
    assert_eq!(client.get("/v1/tasks?limit=1").await.unwrap(), json!([1]));
    standin.all()
}

#[actix_rt::test]
async fn the_service_is_asked_at_its_url_as_whoever_asks() {
    for suffix in ["", "/"] {
        let [asked] = sent(&["--token", "t0ken"], suffix).await.try_into().unwrap();
        assert_eq!(asked.line, "GET /v1/tasks?limit=1");
        assert_eq!(asked.header("x-auth-token"), Some("t0ken"));
        assert_eq!(asked.header("content-type"), Some("application/json"));
        assert_eq!(asked.header("authorization"), None);
    }
    let [asked] = sent(&["--username", "me", "--password", "pass"], "").await.try_into().unwrap();
    assert_eq!(asked.header("authorization"), Some("Basic bWU6cGFzcw=="));
    let [asked] = sent(&[], "/below").await.try_into().unwrap();
    assert_eq!((asked.line.as_str(), asked.header("authorization")), ("GET /below/v1/tasks?limit=1", None));
}

#[test]
fn a_url_may_leave_its_port_out() {
    for (url, root) in [
        ("http://rollcall.example", "http://rollcall.example"),
        ("https://rollcall.example:8443/", "https://rollcall.example:8443"),
    ] {
        assert_eq!(remote(&["--url", url]).unwrap().client().unwrap().root, root);
    }
}

/// Keystone and the service in one, which takes the tokens that `takes` says.
fn guarded(takes: fn(&str) -> bool) -> (StandIn, Client) {
    let standin = StandIn::new(move |asked, nth| match asked.header("x-auth-token") {
        _ if fake::is_issue(asked) => fake::issued_by_number(nth),
        Some(token) if takes(token) => ok(json!("yes")),
        _ => Reply::Answer(401, json!({"error": {"message": "Who are you?"}})),
    });
    let keystone = format!("{}/v3", standin.url());
    let words =
        ["--url", &standin.url(), "--os-auth-url", &keystone, "--os-username", "me", "--os-password", "x"];
    let client = remote(&[&words[..], &["--os-project-name", "p"]].concat()).unwrap().client().unwrap();
    (standin, client)
}

fn tokens(standin: &StandIn) -> Vec<String> {
    let asked = standin.all();
    let of_service = asked.iter().filter(|asked| !fake::is_issue(asked));
    of_service.map(|asked| asked.header("x-auth-token").unwrap_or_default().to_owned()).collect()
}

#[actix_rt::test]
async fn a_token_is_renewed_once_where_the_service_does_not_take_it() {
    let (standin, client) = guarded(|token| token != "own-0");
    assert_eq!(client.post("/v1/tasks", Some(&json!({}))).await.unwrap(), json!("yes"));
    assert_eq!(client.get("/v1/tasks").await.unwrap(), json!("yes"));
    assert_eq!(tokens(&standin), ["own-0", "own-1", "own-1"]);
    let (standin, client) = guarded(|_| false);
    let error = client.get("/v1/tasks").await.unwrap_err();
    assert_eq!(error.text, "Who are you? (401)");
    assert_eq!(tokens(&standin), ["own-0", "own-1"]);
}

#[test]
fn a_timeout_is_a_number_of_seconds() {
    for (words, wanted) in [
        (&[][..], Some(60)),
        (&["--http-timeout", "5"], Some(5)),
        (&["--http-timeout", "0"], None),
        (&["--http-timeout", "-1"], None),
        (&["--http-timeout", "soon"], None),
        (&["--http-timeout", "1.5"], None),
        (&["--http-timeout", "3601"], None),
    ] {
        assert_eq!(remote(words).ok().map(|remote| remote.http_timeout), wanted, "{words:?}");
    }
}

#[actix_rt::test]
async fn refusals_keep_what_sort_they_are() {
    for (status, kind) in
        [(400, Kind::BadRequest), (404, Kind::NotFound), (409, Kind::Conflict), (503, Kind::Unavailable)]
    {
        let standin = StandIn::new(move |_, _| Reply::Answer(status, json!({"error": {"message": "no"}})));
        let error = remote(&["--url", &standin.url()]).unwrap().client().unwrap().get("/").await.unwrap_err();
        assert_eq!((error.kind, error.text), (kind, format!("no ({status})")));
    }
}
