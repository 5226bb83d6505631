//! `/v1/introspection/<node>/data`: the stored documents, and processing them again.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::{Api, body, path, query, replay, reply};
use crate::error::{Error, Result};
use crate::node::Variant;
use crate::node_service::Object;
use crate::processing::document;

/// `GET .../data`
pub(super) async fn processed(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    stored(&request, &api, Variant::Processed).await
}

/// `GET .../data/unprocessed`
pub(super) async fn unprocessed(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    stored(&request, &api, Variant::Raw).await
}

/// `POST .../data/unprocessed`; the body is checked before the node is looked for.
pub(super) async fn reapply(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let node = path::node(&request)?;
    let document = given(&body::read(&request, &api.settings).await?)?;
    if query::boolean(&request, "dry_run")? == Some(true) {
        return match document {
            None => replay::one(&request, &api, &node).await,
            Some(_) => Err(Error::bad_request("A dry run takes no data: it is of what is stored")),
        };
    }
    api.nodes.reapply(&node, document).await?;
    Ok(reply::accepted())
}

async fn stored(request: &HttpRequest, api: &Api, variant: Variant) -> Result<HttpResponse> {
    let text = api.nodes.data(&path::node(request)?, variant).await?;
    Ok(reply::document(StatusCode::OK, text))
}

/// The document in a body; an empty one, or an empty object, means the stored data.
fn given(body: &[u8]) -> Result<Option<Object>> {
    if body.is_empty() {
        return Ok(None);
    }
    Ok(Some(document::decode(body)?).filter(|document| !document.is_empty()))
}
