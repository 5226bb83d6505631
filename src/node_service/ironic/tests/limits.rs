//! Calls that hang, and an Ironic that can not be reached at all.

use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use super::standin::{Asked, Reply, StandIn, ok};
use super::{NODE, PORT};
use crate::node_service::ironic::{Ironic, Shared};
use crate::node_service::{NodeService, PatchOp};

/// Permits of the test's client; as many nodes hang as there are permits.
const PERMITS: usize = 8;
/// Work of the healthy half: nodes, and calls of each one after another.
const HEALTHY: usize = 8;
const CALLS: usize = 80;

/// Hanging for ever, as far as the test is concerned.
const FOR_EVER: Duration = Duration::from_secs(120);

fn half_hangs(asked: &Asked, _: usize) -> Reply {
    if asked.line.contains("hangs") {
        return Reply::Hang(FOR_EVER);
    }
    std::thread::sleep(Duration::from_millis(10));
    ok(json!({"uuid": NODE}))
}

fn client(standin: &StandIn, permits: usize) -> Rc<Ironic> {
    let mut shared = Shared::build(&standin.config(), permits).unwrap();
    shared.policy.pause = Duration::from_millis(1);
    Rc::new(Ironic::new(Arc::new(shared)))
}

/// How long the healthy nodes take for their calls.
async fn healthy_half(client: &Ironic) -> Duration {
    let began = Instant::now();
    let one = async |node: usize| {
        for _ in 0..CALLS {
            client.node(&format!("fine-{node}")).await.unwrap();
        }
    };
    // As many at a time as the slow leave permits, so that alone and beside them the same can be under way.
    join_all((0..HEALTHY / 2).map(one)).await;
    began.elapsed()
}

#[actix_rt::test]
async fn nodes_whose_calls_hang_leave_the_others_their_throughput() {
    let standin = StandIn::new(half_hangs);
    let client = client(&standin, PERMITS);
    let alone = healthy_half(&client).await;
    for node in 0..PERMITS {
        let client = Rc::clone(&client);
        actix_rt::spawn(async move { client.node(&format!("hangs-{node}")).await.map(drop) });
    }
    // They have all permits at first; after five seconds they have to make room.
    tokio::time::sleep(Duration::from_millis(5500)).await;
    let beside = healthy_half(&client).await;
    let ratio = alone.as_secs_f64() / beside.as_secs_f64();
    // Not `eprintln!`, which the test runner would keep to itself.
    let mut shown = std::io::stderr();
    writeln!(shown, "figure: beside nodes whose calls hang, the others have {ratio:.2} of their throughput")
        .unwrap();
    assert!(ratio >= 0.8, "alone {alone:?}, beside those that hang {beside:?}: {ratio:.2}");
}

#[actix_rt::test]
async fn a_removal_that_took_effect_in_a_dropped_request_is_a_success() {
    let standin = StandIn::new(|asked, nth| match asked.line.split(' ').next() {
        Some("GET") if asked.line.contains("slow") => Reply::Hang(FOR_EVER),
        Some("GET") => ok(json!({"uuid": PORT, "extra": {}})),
        _ if nth == 0 => Reply::Hang(FOR_EVER),
        _ => Reply::Answer(400, json!({"error_message": "nothing to remove"})),
    });
    // One slow place, which another call takes first.
    let client = client(&standin, 3);
    let other = Rc::clone(&client);
    let other = actix_rt::spawn(async move { other.node("slow").await.map(drop) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let remove = [PatchOp::Remove { path: "/extra/a".to_owned() }];
    let removed = client.patch_port(PORT, &remove);
    let freed = async {
        tokio::time::sleep(Duration::from_secs(6)).await;
        other.abort();
    };
    let (removed, ()) = tokio::join!(removed, freed);
    assert_eq!(removed, Ok(()));
}

#[actix_rt::test]
async fn calls_wait_out_an_outage_and_none_of_them_fails() {
    let (down, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let standin = {
        let (down, asked) = (Arc::clone(&down), Arc::clone(&asked));
        StandIn::new(move |_, _| {
            asked.fetch_add(1, Ordering::Relaxed);
            if down.load(Ordering::Relaxed) { Reply::Leave } else { ok(json!({"uuid": NODE})) }
        })
    };
    let client = client(&standin, 100);
    client.node("before").await.unwrap();
    down.store(true, Ordering::Relaxed);
    let calls = join_all((0..50).map(|node| {
        let client = Rc::clone(&client);
        async move { client.node(&format!("n{node}")).await }
    }));
    let outage = async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(client.shared.breaker(), "open");
        let before = asked.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(2100)).await;
        let probes = asked.load(Ordering::Relaxed) - before;
        assert!((1..=3).contains(&probes), "{probes} probes in two seconds");
        down.store(false, Ordering::Relaxed);
    };
    let (answers, ()) = tokio::join!(calls, outage);
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(client.shared.breaker(), "closed");
}
