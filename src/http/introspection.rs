//! `/v1/introspection/<node>`: start, status, abort.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::status::Status;
use super::{Api, Settings, body, links, path, query, reply};
use crate::error::{Error, Result};
use crate::node::ManageBoot;
use crate::node::token::Token;

/// A token for the callback of a run; to whom may start one, once.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub(super) struct Issued<'a> {
    callback_token: &'a str,
}

/// `POST /v1/introspection/<node>`; a body is read, so that the connection can go on, and ignored.
pub(super) async fn start(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let node = path::node(&request)?;
    let manage_boot = manage_boot(query::boolean(&request, "manage_boot")?, &api.settings)?;
    body::read(&request, &api.settings).await?;
    Ok(match api.nodes.start(&node, manage_boot).await?.token {
        Some(token) => issued(StatusCode::ACCEPTED, &token),
        None => reply::accepted(),
    })
}

/// `POST /v1/introspection/<node>/callback-token`; a body is ignored.
pub(super) async fn renew_token(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let node = path::node(&request)?;
    body::read(&request, &api.settings).await?;
    let token = api.nodes.renew_token(&node).await?;
    Ok(issued(StatusCode::OK, &token))
}

fn issued(status: StatusCode, token: &Token) -> HttpResponse {
    let mut answer = reply::json(status, &Issued { callback_token: token.expose() });
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// `GET /v1/introspection/<node>`
pub(super) async fn status(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let record = api.nodes.status(&path::node(&request)?).await?;
    let status = Status::new(record, &links::root(&request, &api.settings));
    Ok(reply::json(StatusCode::OK, &status))
}

/// `POST /v1/introspection/<node>/abort`; a body is ignored.
pub(super) async fn abort(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let node = path::node(&request)?;
    body::read(&request, &api.settings).await?;
    api.nodes.abort(&node).await?;
    Ok(reply::accepted())
}

/// What `manage_boot` says; managed where it is absent.
fn manage_boot(given: Option<bool>, settings: &Settings) -> Result<ManageBoot> {
    let wanted = if given == Some(false) { ManageBoot::Unmanaged } else { ManageBoot::Managed };
    if wanted == ManageBoot::Managed && !settings.can_manage_boot {
        return Err(Error::bad_request(
            "Managed boot is requested, but this installation cannot manage boot ((can_manage_boot set to False)",
        ));
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_boot_may_be_impossible_here() {
        let settings = Settings { can_manage_boot: false, ..Settings::default() };
        for given in [None, Some(true)] {
            assert!(
                manage_boot(given, &settings).unwrap_err().text.contains("((can_manage_boot set to False)")
            );
        }
        assert_eq!(manage_boot(Some(false), &settings), Ok(ManageBoot::Unmanaged));
    }
}
