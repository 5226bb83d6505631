//! `GET /v1/instances`: the processes that share the database.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, reply};
use crate::clock::Timestamp;
use crate::cluster::Instance;
use crate::error::Result;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Instances)]
pub(super) struct List {
    instances: Vec<View>,
}

/// An instance as it is shown; members in the order of their names.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Instance)]
pub(super) struct View {
    address: String,
    alive: bool,
    epoch: i64,
    #[schema(required)]
    heartbeat_at: Option<Timestamp>,
    leader: bool,
    name: String,
    started_at: Timestamp,
    uuid: String,
    version: String,
}

impl From<Instance> for View {
    fn from(instance: Instance) -> Self {
        Self {
            address: instance.address,
            alive: instance.is_alive,
            epoch: instance.owner.epoch,
            heartbeat_at: instance.heartbeat_at,
            leader: instance.is_leader,
            name: instance.owner.name.to_string(),
            started_at: instance.started_at,
            uuid: instance.uuid.to_string(),
            version: instance.version,
        }
    }
}

/// `GET /v1/instances`
pub(super) async fn list(_: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let instances = api.instances.instances().await?.into_iter().map(View::from).collect();
    Ok(reply::json(StatusCode::OK, &List { instances }))
}
