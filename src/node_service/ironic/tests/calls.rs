//! What is asked of Ironic, and what is made of its answers.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::standin::{Reply, StandIn, fault, ok};
use super::{NODE, PORT};
use crate::config;
use crate::node_service::{
    FailureKind, NewPort, NodeService, PatchOp, Persistence, PortMade, PowerTarget, Validation,
};

fn accepting() -> StandIn {
    StandIn::new(|_, _| Reply::Answer(202, Value::Null))
}

#[actix_rt::test]
async fn writes_are_sent_as_ironic_knows_them() {
    let ironic = accepting();
    let client = ironic.client();
    let patch = [PatchOp::Add { path: "/extra/a".to_owned(), value: json!(1) }];
    client.set_boot_device_pxe(NODE, Persistence::Always).await.unwrap();
    client.set_power(NODE, PowerTarget::Reboot).await.unwrap();
    client.set_power(NODE, PowerTarget::Off).await.unwrap();
    client.patch_node(NODE, &patch, true).await.unwrap();
    client.patch_node(NODE, &patch, false).await.unwrap();
    client.patch_port(PORT, &patch).await.unwrap();
    client.delete_port(PORT).await.unwrap();
    client.set_traits(NODE, &["CUSTOM_A".to_owned()]).await.unwrap();

    let operations = json!([{"op": "add", "path": "/extra/a", "value": 1}]);
    let want = [
        (
            format!("PUT /v1/nodes/{NODE}/management/boot_device"),
            json!({"boot_device": "pxe", "persistent": true}),
        ),
        (format!("PUT /v1/nodes/{NODE}/states/power"), json!({"target": "rebooting"})),
        (format!("PUT /v1/nodes/{NODE}/states/power"), json!({"target": "power off"})),
        (format!("PATCH /v1/nodes/{NODE}?reset_interfaces=True"), operations.clone()),
        (format!("PATCH /v1/nodes/{NODE}"), operations.clone()),
        (format!("PATCH /v1/ports/{PORT}"), operations),
        (format!("DELETE /v1/ports/{PORT}"), Value::Null),
        (format!("PUT /v1/nodes/{NODE}/traits"), json!({"traits": ["CUSTOM_A"]})),
    ];
    let asked: Vec<(String, Value)> =
        ironic.asked().into_iter().map(|asked| (asked.line, asked.body)).collect();
    assert_eq!(asked, want);
}

#[actix_rt::test]
async fn a_port_is_made_or_exists() {
    let ironic = StandIn::new(|_, nth| if nth == 0 { Reply::Answer(201, json!({})) } else { fault(409) });
    let client = ironic.client();
    let port = NewPort::new(NODE, "52:54:00:ab:00:01".parse().unwrap());
    assert_eq!(client.create_port(&port).await, Ok(PortMade::Made));
    assert_eq!(client.create_port(&port).await, Ok(PortMade::Exists));
    let asked = ironic.asked();
    assert_eq!(asked.len(), 2);
    let want = json!({"node_uuid": NODE, "address": "52:54:00:ab:00:01", "extra": {}, "pxe_enabled": true});
    assert_eq!(asked[0].body, want);
}

#[actix_rt::test]
async fn a_new_port_says_what_it_is_plugged_into() {
    let ironic = StandIn::new(|_, _| Reply::Answer(201, json!({})));
    let link = json!({"switch_id": "a8:3f:a1:c4:0e:20", "port_id": "Ethernet21"});
    let port = NewPort {
        local_link_connection: link.as_object().unwrap().clone(),
        physical_network: Some("provisioning".to_owned()),
        ..NewPort::new(NODE, "52:54:00:ab:00:01".parse().unwrap())
    };
    assert_eq!(ironic.client().create_port(&port).await, Ok(PortMade::Made));
    let body = &ironic.asked()[0].body;
    assert_eq!((&body["local_link_connection"], &body["physical_network"]), (&link, &json!("provisioning")));
}

#[actix_rt::test]
async fn reads_give_what_ironic_shows() {
    let ironic = StandIn::new(|asked, _| match asked.line.rsplit('/').next().unwrap() {
        "validate" => ok(json!({"power": {"result": false, "reason": "no address"}})),
        "states" => ok(json!({"power_state": "power off"})),
        _ => ok(json!({"uuid": NODE, "provision_state": "Manageable"})),
    });
    let client = ironic.client();
    assert_eq!(client.node("rack-1").await.unwrap().provision_state(), "manageable");
    assert_eq!(client.validate_power(NODE).await, Ok(Validation::Failed("no address".to_owned())));
    assert_eq!(client.power_state(NODE).await, Ok(Some("power off".to_owned())));
}

#[actix_rt::test]
async fn a_name_never_changes_the_path() {
    let ironic = StandIn::new(|_, _| fault(400));
    let client = ironic.client();
    assert_eq!(client.node("a b?c#d").await.unwrap_err().kind, FailureKind::Refused);
    assert_eq!(client.node("../ports").await.unwrap_err().kind, FailureKind::NotFound);
    assert_eq!(client.node("").await.unwrap_err().kind, FailureKind::NotFound);
    let lines: Vec<String> = ironic.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(lines, ["GET /v1/nodes/a%20b%3Fc%23d"]);
}

#[actix_rt::test]
async fn a_name_that_leads_to_a_list_is_not_found() {
    let client = StandIn::new(|_, _| ok(json!({"nodes": []}))).client();
    assert_eq!(client.node("detail").await.unwrap_err().kind, FailureKind::NotFound);
}

#[actix_rt::test]
async fn each_request_says_who_asks_and_in_which_version() {
    let ironic = accepting();
    let auth = config::Auth {
        auth_type: config::AuthType::HttpBasic,
        username: Some("rollcall".to_owned()),
        password: Some(config::Secret::new("secret")),
        ..Default::default()
    };
    let basic = config::Ironic { auth, ..ironic.config() };
    let client = ironic.client_with(basic, Duration::from_secs(10));
    client.set_power(NODE, PowerTarget::Off).await.unwrap();
    for asked in ironic.all() {
        assert_eq!(asked.header("authorization"), Some("Basic cm9sbGNhbGw6c2VjcmV0"));
        assert_eq!(asked.header("user-agent"), Some(concat!("rollcall/", env!("CARGO_PKG_VERSION"))));
        let id = asked.header("x-openstack-request-id").and_then(|id| id.strip_prefix("req-")).unwrap();
        assert_eq!(id.parse::<Uuid>().unwrap().get_version_num(), 4);
    }
    let asked = ironic.asked();
    assert_eq!(asked[0].header("x-openstack-ironic-api-version"), Some("1.109"));
    assert_eq!(asked[0].header("openstack-api-version"), Some("baremetal 1.109"));
    assert_eq!(asked[0].header("content-type"), Some("application/json"));
}

#[actix_rt::test]
async fn connections_are_used_again() {
    let ironic = accepting();
    let client = ironic.client();
    for _ in 0..3 {
        client.set_power(NODE, PowerTarget::Off).await.unwrap();
    }
    assert!(ironic.all().iter().all(|asked| asked.connection == 0));
}
