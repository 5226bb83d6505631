//! Lists of several pages.

use serde_json::{Value, json};
use uuid::Uuid;

use super::standin::{Reply, StandIn, fault, ok};
use super::{NODE, PORT};
use crate::node_service::ironic::Ironic;
use crate::node_service::{FailureKind, NodeService, ServiceResult};

fn page(ids: &[u128], marker: Option<u128>) -> Reply {
    let nodes: Vec<Value> = ids.iter().map(|id| json!({"uuid": Uuid::from_u128(*id)})).collect();
    // A host that cannot be reached, as behind a proxy.
    let next =
        marker.map(|id| format!("http://inside.invalid/v1/nodes?limit=2&marker={}", Uuid::from_u128(id)));
    ok(json!({"nodes": nodes, "next": next}))
}

async fn uuids(client: &Ironic) -> (ServiceResult<()>, Vec<u128>) {
    let mut found = Vec::new();
    let result = client.list_uuids(&mut |uuid| found.push(uuid.as_u128())).await;
    (result, found)
}

#[actix_rt::test]
async fn a_list_is_read_to_its_end_at_our_own_endpoint() {
    let ironic = StandIn::new(|asked, nth| match asked.line.rsplit("marker=").next().unwrap() {
        line if line.starts_with("GET") => page(&[1, 2], Some(2)),
        _ if nth == 0 => fault(500),
        _ => page(&[3], None),
    });
    let (result, found) = uuids(&ironic.client()).await;
    assert_eq!((result, found), (Ok(()), vec![1, 2, 3]));
    let second = format!("GET /v1/nodes?fields=uuid&marker={}&limit=2", Uuid::from_u128(2));
    let lines: Vec<String> = ironic.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(lines, ["GET /v1/nodes?fields=uuid", &second, &second]);
}

#[actix_rt::test]
async fn a_list_that_breaks_off_is_no_list() {
    let ironic = StandIn::new(|asked, _| match asked.line.contains("marker=") {
        false => page(&[1, 2], Some(2)),
        true => fault(400),
    });
    let (result, found) = uuids(&ironic.client()).await;
    assert_eq!((result.unwrap_err().kind, found), (FailureKind::Refused, vec![1, 2]));
}

#[actix_rt::test]
async fn a_list_that_runs_in_a_circle_ends_in_an_error() {
    let (result, _) = uuids(&StandIn::new(|_, _| page(&[1], Some(1))).client()).await;
    assert_eq!(result.unwrap_err().kind, FailureKind::Failed);
}

#[actix_rt::test]
async fn what_is_no_list_is_an_error() {
    let (result, _) = uuids(&StandIn::new(|_, _| ok(json!({"error": "none"}))).client()).await;
    assert!(result.is_err());
    let (result, _) = uuids(&StandIn::new(|_, _| ok(json!({"nodes": [{"uuid": "x"}]}))).client()).await;
    assert!(result.is_err());
}

#[actix_rt::test]
async fn ports_come_from_all_pages_and_without_infiniband() {
    let infiniband = "80:00:00:48:fe:80:00:00:00:00:00:00:f4:52:14:03:00:7b:cb:a1";
    let ironic = StandIn::new(move |asked, _| match asked.line.contains("marker=") {
        false => ok(json!({
            "ports": [{"uuid": PORT, "address": "52:54:00:AB:00:01"}, {"uuid": NODE, "address": infiniband}],
            "next": format!("/v1/ports/detail?marker={NODE}")
        })),
        true => ok(json!({"ports": [{"uuid": NODE, "address": "52:54:00:ab:00:02", "pxe_enabled": false}]})),
    });
    let ports = ironic.client().ports(NODE).await.unwrap();
    let addresses: Vec<&str> = ports.iter().map(|port| port.address.as_str()).collect();
    assert_eq!(addresses, ["52:54:00:ab:00:01", "52:54:00:ab:00:02"]);
    assert_eq!(ports[1].document["pxe_enabled"], false);
    assert_eq!(ironic.asked()[0].line, format!("GET /v1/ports/detail?node={NODE}"));
}
