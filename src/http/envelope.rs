//! What every request goes through, before and after its handler.
//!
//! Order: health check, version, path, routing; then the error's body, what browsers are told (CORS), the headers of
//! every answer, the log.
//! Invariant: no answer leaves without the version range and the request id, and no body but ours goes out.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};

use super::access::Access;
use super::{Api, failure, healthcheck, path, unread, versions};

/// Wraps the whole application.
pub(super) async fn envelope<B: MessageBody + 'static>(
    api: Data<Api>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let access = Access::begin(&request);
    access.context().scope(attend(&api, access, request, next)).await
}

async fn attend<B: MessageBody + 'static>(
    api: &Api,
    access: Access,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let page = api.settings.cors.asked(&request);
    let response = answer(api, &access, request, next).await?;
    let mut response = api.settings.cors.answer(page, response);
    versions::add_range(response.headers_mut());
    access.end(&mut response);
    Ok(response)
}

async fn answer<B: MessageBody + 'static>(
    api: &Api,
    access: &Access,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if healthcheck::is_meant(&api.settings.healthcheck, &request) {
        let answer = healthcheck::answer(api, &request).await;
        return Ok(request.into_response(answer));
    }
    unread::set_aside(&mut request);
    let admitted = versions::negotiate(request.headers()).and_then(|version| Ok((version, api.admit()?)));
    let response = match admitted {
        Err(error) => request.error_response(error),
        Ok((version, _under_way)) => {
            request.extensions_mut().insert(version);
            path::normalise(&mut request);
            next.call(request).await?.map_into_boxed_body()
        }
    };
    Ok(unread::hold(failure::for_clients(failure::finish(response, api, access))))
}
