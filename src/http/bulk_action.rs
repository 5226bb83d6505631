//! `/bulk_action/export/` and `/bulk_action/import/`: the inventory in the shape of its ancestor.
//!
//! Invariant: blobs are the ancestor's, relations are keys; whatever is refused is told in a member `errors`, which is
//! what its clients look for.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::{Api, inventory, inventory_import, query};
use crate::error::{Error, Result};
use crate::inventory::export::{Related, Selection, Table};
use crate::inventory::options::Dialect;
use crate::inventory::search;
use crate::inventory::service::{Format, Order};
use crate::inventory::shown::Relations;

/// `GET /bulk_action/export/`
pub(super) async fn export(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let asked = query::first(&request, "q").filter(|text| !text.trim().is_empty());
    let asked = asked
        .ok_or_else(|| Error::bad_request("What do you want? q is a search, type=:SYS is everything"))?;
    let selection = Selection {
        search: search::read(&asked)?,
        limit: None,
        marker: None,
        fields: Vec::new(),
        relations: Relations::Keys,
        related: Related::Nothing,
        table: Table::Wide,
    };
    inventory::stream_of(&api, selection, Format::Json).await
}

/// `POST /bulk_action/import/`, or PUT, whatever the content type is
pub(super) async fn import(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let order = Order { dialect: Dialect::Ancestor, ..Order::default() };
    inventory_import::carry_out(&request, &api, order).await
}
