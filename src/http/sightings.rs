//! `GET /v1/sightings`: where a MAC address, a serial number or a switch port is, or was.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::builds::link_to_next;
use super::{Api, list, query, reply};
use crate::build_data::facts::Kind;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::mac::Mac;
use crate::node::builds::Seen;
use crate::store::build_data::Sought;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sightings)]
pub(super) struct Page {
    sightings: Vec<View>,
}

/// A component as it is shown; members in the order of their names.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sighting)]
pub(super) struct View {
    detail: String,
    first_seen: Timestamp,
    kind: String,
    last_seen: Timestamp,
    #[schema(required)]
    node_name: Option<String>,
    node_uuid: String,
    present: bool,
    value: String,
}

impl View {
    fn new(seen: Seen) -> Self {
        let Seen { row, node_name, last_us } = seen;
        Self {
            detail: row.detail,
            first_seen: Timestamp(row.first_us),
            kind: row.kind,
            last_seen: Timestamp(last_us),
            node_name,
            node_uuid: row.node_uuid,
            present: row.present,
            value: row.value,
        }
    }
}

/// `GET /v1/sightings`
pub(super) async fn list(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let sought = sought(&request)?;
    let found = api.builds.sightings(sought, list::limit_of(&request, api.settings.api_max_limit)?).await?;
    let next =
        found.last().map(|seen| format!("{} {} {}", seen.row.kind, seen.row.node_uuid, seen.row.value));
    let mut answer =
        reply::json(StatusCode::OK, &Page { sightings: found.into_iter().map(View::new).collect() });
    if let Some(marker) = next {
        link_to_next(&mut answer, &request, &api, &marker);
    }
    Ok(answer)
}

fn sought(request: &HttpRequest) -> Result<Sought> {
    let text = |name| query::first(request, name);
    let mac = text("mac").map(|text| mac(&text)).transpose()?;
    let serial = text("serial").map(|text| (Kind::Serial, text.to_lowercase()));
    let port = port(text("switch"), text("port"))?;
    let mut given = [mac, serial, port].into_iter().flatten();
    let value = given.next().map(|(kind, value)| (kind.name(), value));
    if given.next().is_some() {
        return Err(Error::bad_request("Only one of mac, serial and switch can be asked for at a time"));
    }
    let node = |text: String| {
        Uuid::try_parse(&text)
            .map_err(|_| Error::bad_request(format!("Invalid node {text}: a UUID is expected")))
    };
    Ok(Sought {
        value,
        node: text("node").map(node).transpose()?,
        present: query::boolean(request, "present")?,
        after: text("marker").map(|text| marker(&text)).transpose()?,
    })
}

fn mac(text: &str) -> Result<(Kind, String)> {
    let mac: Mac = text
        .parse()
        .map_err(|_| Error::bad_request(format!("Invalid mac {text}: a MAC address is expected")))?;
    Ok((Kind::Mac, mac.to_string()))
}

/// All ports of a switch where none is named.
fn port(switch: Option<String>, port: Option<String>) -> Result<Option<(Kind, String)>> {
    match (switch, port) {
        (Some(switch), port) => {
            let value = format!("{switch}/{}", port.unwrap_or_default()).to_lowercase();
            Ok(Some((Kind::SwitchPort, value)))
        }
        (None, Some(_)) => Err(Error::bad_request("Invalid port: it needs a switch")),
        (None, None) => Ok(None),
    }
}

/// As the link to the next page has it: kind, node and value.
fn marker(text: &str) -> Result<(String, String, String)> {
    let mut parts = text.splitn(3, ' ').map(str::to_owned);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(kind), Some(node), Some(value)) => Ok((kind, value, node)),
        _ => {
            Err(Error::bad_request(format!("Invalid marker {text}: take it from the link to the next page")))
        }
    }
}
