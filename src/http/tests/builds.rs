//! Build data, differences, sightings and replays, as clients see them.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::super::fake::{Fake, NAME, NODE};
use super::{Settings, ask, node_path, request, send};

/// What a request leads to, after a check that it is answered.
async fn asked(method: &str, path: &str, body: &'static str) -> Vec<String> {
    let fake = Fake::new();
    let answer = send(&fake, &Settings::default(), request(method, path).set_payload(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    fake.asked()
}

#[actix_web::test]
async fn build_data_is_shown_as_text_or_in_base64_with_a_link_to_the_next_page() {
    let answer = ask("GET", &node_path("/builddata?limit=2&marker=7")).await;
    let rows = answer.json();
    assert_eq!(rows[0]["data_element"], "{}");
    assert_eq!(rows[0]["collected_date"], "2026-01-01T01:59:00.000070");
    assert_eq!((&rows[0]["encoding"], &rows[1]["encoding"]), (&json!("utf-8"), &json!("base64")));
    assert_eq!(rows[1]["data_element"], "/w==");
    let next = format!("<http://localhost:8080{}?limit=2&marker=2>; rel=\"next\"", node_path("/builddata"));
    assert_eq!(answer.header("link"), Some(next.as_str()));
    let one = ask("GET", "/v1/builddata/5").await.json();
    assert_eq!((&one["id"], &one["generator"]), (&json!(5), &json!("facts")));
}

#[actix_web::test]
async fn a_node_is_named_by_uuid_or_by_a_name_that_it_had() {
    assert_eq!(asked("GET", &node_path("/builddata"), "").await, [format!("builds Some(Node({NODE})) 1000")]);
    let by_name = [format!("builds Some(Name({NAME:?})) 5")];
    assert_eq!(asked("GET", "/v1/builddata?node=rack1%20u07&limit=5", "").await, by_name);
    assert_eq!(asked("GET", "/v1/builddata", "").await, ["builds None 1000"]);
}

#[actix_web::test]
async fn wrong_parameters_are_named() {
    let wrong = [
        ("/v1/builddata?task=x", "Invalid task x: a UUID is expected"),
        ("/v1/builddata?run=x", "Invalid run x: a UUID is expected"),
        ("/v1/builddata?since=x", "Invalid since x: a moment like 2026-01-31T12:00:00Z is expected"),
        ("/v1/builddata?latest=x", "Invalid boolean value for latest: x"),
        ("/v1/builddata?detail=x", "Invalid boolean value for detail: x"),
        ("/v1/builddata?marker=x", "Invalid marker x: the id of build data is expected"),
        (
            "/v1/builddata?generator=x",
            "Invalid generator x: one of inventory, lldp, unprocessed, logs, facts, design-findings is expected",
        ),
        ("/v1/builddata/x", "Invalid id x: a number is expected"),
        (
            "/v1/introspection/a/diff?to=x",
            "Invalid snapshot x: the UUID of a run or the id of build data is expected",
        ),
        ("/v1/sightings?mac=x", "Invalid mac x: a MAC address is expected"),
        ("/v1/sightings?port=x", "Invalid port: it needs a switch"),
        ("/v1/sightings?node=x", "Invalid node x: a UUID is expected"),
        ("/v1/sightings?marker=x", "Invalid marker x: take it from the link to the next page"),
        ("/v1/sightings?serial=x&switch=y", "Only one of mac, serial and switch can be asked for at a time"),
    ];
    for (path, text) in wrong {
        let answer = ask("GET", path).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, text), "{path}");
    }
}

#[actix_web::test]
async fn moments_are_taken_with_and_without_a_zone() {
    for since in ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5", "2026-01-31T12:00:00%2B02:00"] {
        assert_eq!(asked("GET", &format!("/v1/builddata?since={since}"), "").await, ["builds None 1000"]);
    }
}

#[actix_web::test]
async fn a_difference_tells_which_snapshots_it_is_of() {
    let answer = ask("GET", &node_path("/diff")).await.json();
    assert_eq!((&answer["from"]["id"], &answer["to"]["id"]), (&json!(1), &json!(2)));
    assert_eq!(answer["differences"], json!([]));
    let path = format!("/v1/introspection/{NODE}/diff?from={NODE}&to=7");
    let wanted = [format!("diff Node({NODE}) Some(Run({NODE})) Some(Row(7))")];
    assert_eq!(asked("GET", &path, "").await, wanted);
}

#[actix_web::test]
async fn components_are_looked_for_in_their_own_spelling() {
    let asked = async |query: &str| asked("GET", &format!("/v1/sightings?{query}"), "").await;
    assert_eq!(
        asked("mac=52:54:00:00:00:0A").await,
        ["sightings Some((\"mac\", \"52:54:00:00:00:0a\")) 1000"]
    );
    assert_eq!(asked("serial=SN1&limit=3").await, ["sightings Some((\"serial\", \"sn1\")) 3"]);
    let port = "sightings Some((\"switch_port\", \"aa:bb/ge-0\")) 1000";
    assert_eq!(asked("switch=AA:BB&port=Ge-0").await, [port]);
    assert_eq!(asked("switch=AA:BB").await, ["sightings Some((\"switch_port\", \"aa:bb/\")) 1000"]);
    let seen = ask("GET", "/v1/sightings").await.json();
    let seen = &seen["sightings"][0];
    assert_eq!((&seen["last_seen"], &seen["present"]), (&json!("1970-01-01T00:00:00.000003"), &json!(true)));
}

#[actix_web::test]
async fn a_dry_run_of_a_reapply_asks_for_nothing_else() {
    let path = node_path("/data/unprocessed?dry_run=true");
    assert_eq!(asked("POST", &path, "").await, [format!("replay {NODE} Stored")]);
    let older = format!("{path}&snapshot=4");
    assert_eq!(asked("POST", &older, "").await, [format!("replay {NODE} Snapshot(Row(4))")]);
    let fake = Fake::new();
    let with_data = request("POST", &path).set_payload("{\"a\": 1}");
    let answer = send(&fake, &Settings::default(), with_data).await;
    assert_eq!(answer.error(), "A dry run takes no data: it is of what is stored");
    assert!(fake.asked().is_empty());
}

/// The lines of an answer.
async fn lines(body: &'static str) -> Vec<Value> {
    let fake = Fake::new();
    let answer = send(&fake, &Settings::default(), request("POST", "/v1/replay").set_payload(body)).await;
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[actix_web::test]
async fn many_nodes_are_tried_unless_it_is_said_that_they_are_meant() {
    let told = lines("{\"states\": [\"finished\"]}").await;
    assert_eq!(told[0]["node"], NODE);
    assert_eq!(told[1], json!({"summary": {"done": 1, "failed": 0, "dry_run": true, "error": null}}));
    let told = lines("{\"dry_run\": false}").await;
    assert_eq!(told[0], json!({"accepted": true, "node": NODE}));
    let asked = asked("POST", "/v1/replay", "{\"dry_run\": false, \"nodes\": [\"a\"]}").await;
    assert_eq!(asked[0], "among [\"a\"] []");
    assert!(asked.contains(&format!("reapply {NODE} null")), "{asked:?}");
}

#[actix_web::test]
async fn a_wrong_replay_is_refused_before_anything_is_done() {
    for (body, text) in [
        ("{\"dry_run\": 1}", "Invalid dry_run: true or false is expected"),
        ("{\"nodes\": \"a\"}", "Invalid nodes: a list of texts is expected"),
        ("{\"nodes\": [\"a/b\"]}", "Invalid nodes: a UUID or name instead of \"a/b\" is expected"),
        ("{\"states\": [\"x\"]}", "Invalid states: a state instead of \"x\" is expected"),
        ("{\"all\": true}", "Unknown member all: nodes, states and dry_run are known"),
    ] {
        let fake = Fake::new();
        let asking = request("POST", "/v1/replay").set_payload(body);
        let answer = send(&fake, &Settings::default(), asking).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, text));
        assert!(fake.asked().is_empty());
    }
}
