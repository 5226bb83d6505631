//! `GET /v1/introspection`: a page of records.
//!
//! Errors come one at a time, in this order: form of the marker, limit, states, existence of the marker (which
//! only the service knows).

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::status::Status;
use super::{Api, links, query, reply};
use crate::error::{Error, Result};
use crate::fsm::State;
use crate::node::ListQuery;
use crate::processing::python;

/// A page of introspections.
#[derive(Serialize, ToSchema)]
#[schema(as = Introspections)]
pub(super) struct Page {
    introspection: Vec<Status>,
}

/// `GET /v1/introspection`
pub(super) async fn list(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse> {
    let records = api.nodes.list(wanted(&request, api.settings.api_max_limit)?).await?;
    let root = links::root(&request, &api.settings);
    let introspection = records.into_iter().map(|record| Status::new(record, &root)).collect();
    Ok(reply::json(StatusCode::OK, &Page { introspection }))
}

fn wanted(request: &HttpRequest, max_limit: usize) -> Result<ListQuery> {
    let text = |name| query::first(request, name);
    Ok(ListQuery {
        marker: text("marker").map(|text| marker(&text)).transpose()?,
        limit: limit_of(request, max_limit)?,
        states: text("state").map_or(Ok(Vec::new()), |text| states(&text))?,
    })
}

fn refused(reason: impl std::fmt::Display) -> Error {
    Error::bad_request(format!("Bad request: {reason}"))
}

fn marker(text: &str) -> Result<Uuid> {
    Uuid::try_parse(text).map_err(|_invalid| refused("Marker not UUID-like"))
}

/// How many are wanted at most.
pub(super) fn limit_of(request: &HttpRequest, max_limit: usize) -> Result<usize> {
    query::first(request, "limit").map_or(Ok(max_limit), |text| limit(&text, max_limit))
}

/// Zero means the maximum.
fn limit(text: &str, max_limit: usize) -> Result<usize> {
    let number = python::integer_of_text(text).ok_or_else(|| {
        let literal = python::repr(&Value::from(text));
        refused(format_args!("invalid literal for int() with base 10: {literal}"))
    })?;
    match usize::try_from(number) {
        Ok(0) => Ok(max_limit),
        Ok(limit) if limit <= max_limit => Ok(limit),
        Err(_) if number < 0 => Err(refused("Limit cannot be negative")),
        _ => Err(refused(format_args!("Limit over {max_limit}"))),
    }
}

/// Names separated by commas, without blanks.
fn states(text: &str) -> Result<Vec<State>> {
    let (known, unknown): (Vec<_>, Vec<_>) =
        text.split(',').map(|name| name.parse().map_err(|_unknown| name)).partition(Result::is_ok);
    if unknown.is_empty() {
        return Ok(known.into_iter().flatten().collect());
    }
    let names: Vec<&str> = unknown.into_iter().filter_map(Result::err).collect();
    Err(refused(format_args!("State(s) \"{}\" are not valid", names.join(", "))))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const NODE: &str = "11111111-2222-4333-8444-55555555abcd";

    fn asked(query: &str) -> Result<ListQuery, String> {
        let request = TestRequest::with_uri(&format!("/v1/introspection?{query}")).to_http_request();
        wanted(&request, 6).map_err(|error| error.text)
    }

    #[test]
    fn without_parameters_the_page_has_the_greatest_length() {
        for query in ["", "limit=0", "limit=-0", "limit=%2B0", "unknown=1"] {
            assert_eq!(asked(query), Ok(ListQuery { limit: 6, ..ListQuery::default() }), "{query}");
        }
    }

    #[test]
    fn a_limit_is_a_number_up_to_the_maximum() {
        assert_eq!(asked("limit=%206%20").unwrap().limit, 6);
        assert_eq!(asked("limit=1&limit=99").unwrap().limit, 1);
        for (query, text) in [
            ("limit=-1", "Limit cannot be negative"),
            ("limit=7", "Limit over 6"),
            ("limit=99999999999999999999999", "Limit over 6"),
            ("limit=-99999999999999999999999", "Limit cannot be negative"),
            ("limit=ten", "invalid literal for int() with base 10: 'ten'"),
            ("limit=1.5", "invalid literal for int() with base 10: '1.5'"),
            ("limit=", "invalid literal for int() with base 10: ''"),
            ("limit=-", "invalid literal for int() with base 10: '-'"),
            ("limit=it's%0a", "invalid literal for int() with base 10: \"it's\\n\""),
            ("limit=0_7", "Limit over 6"),
            ("limit=1__0", "invalid literal for int() with base 10: '1__0'"),
        ] {
            assert_eq!(asked(query), Err(format!("Bad request: {text}")), "{query}");
        }
    }

    #[test]
    fn a_marker_is_a_uuid_in_any_notation() {
        let node = Some(NODE.parse().unwrap());
        for text in [NODE.to_owned(), NODE.to_uppercase(), NODE.replace('-', ""), format!("urn:uuid:{NODE}")]
        {
            assert_eq!(asked(&format!("marker={text}")).unwrap().marker, node);
        }
        assert_eq!(asked(&format!("marker=%7B{NODE}%7D")).unwrap().marker, node);
        for text in ["", "rack1-u07"] {
            assert_eq!(asked(&format!("marker={text}")), Err("Bad request: Marker not UUID-like".to_owned()));
        }
    }

    #[test]
    fn states_are_exact_names() {
        assert_eq!(asked("state=waiting,error").unwrap().states, [State::Waiting, State::Error]);
        for (query, names) in [
            ("sleeping", "sleeping"),
            ("waiting,sleeping,%20error", "sleeping,  error"),
            ("Waiting", "Waiting"),
            ("", ""),
            (",", ", "),
        ] {
            let wanted = format!("Bad request: State(s) \"{names}\" are not valid");
            assert_eq!(asked(&format!("state={query}")), Err(wanted));
        }
    }

    #[test]
    fn the_marker_is_checked_before_the_limit_and_that_before_the_states() {
        assert!(asked("state=x&limit=x&marker=x").unwrap_err().contains("Marker"));
        assert!(asked("state=x&limit=x").unwrap_err().contains("literal"));
    }
}
