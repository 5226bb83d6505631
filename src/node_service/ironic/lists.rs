//! Reading a list to its end, page by page.
//!
//! Invariant: a list is whole or it is an error. Of a `next` link only the query is used: behind a proxy its
//! host is often one that only the server can reach.

use std::collections::HashSet;

use serde_json::Value;
use url::form_urlencoded;

use super::Ironic;
use super::call::Call;
use crate::node_service::{FailureKind, ServiceError, ServiceResult};

/// The members of a `next` link that say where the next page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Next {
    marker: String,
    limit: Option<String>,
}

impl Ironic {
    /// Hands each item of the list `member` to `sink`, in the order of the pages.
    pub(super) async fn list(
        &self,
        first: Call,
        member: &str,
        mut sink: impl FnMut(Value) -> ServiceResult<()>,
    ) -> ServiceResult<()> {
        let mut seen = HashSet::new();
        let mut call = first.clone();
        loop {
            let mut page = self.run(&call).await?;
            let Some(Value::Array(items)) = page.get_mut(member).map(Value::take) else {
                return Err(broken(format!("a list without the member {member:?}")));
            };
            items.into_iter().try_for_each(&mut sink)?;
            let Some(next) = next_of(&page)? else { return Ok(()) };
            if !seen.insert(next.marker.clone()) {
                return Err(broken(format!("a list that begins again at {:?}", next.marker)));
            }
            call = first.clone().query("marker", next.marker);
            if let Some(limit) = next.limit {
                call = call.query("limit", limit);
            }
        }
    }
}

/// Where the next page begins; `None` at the end.
fn next_of(page: &Value) -> ServiceResult<Option<Next>> {
    let link = match page.get("next") {
        None | Some(Value::Null) => return Ok(None),
        Some(link) => link.as_str().unwrap_or_default(),
    };
    let query = link.split_once('?').map_or("", |(_, query)| query);
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    let find = |name: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    match find("marker") {
        Some(marker) => Ok(Some(Next { marker, limit: find("limit") })),
        None => Err(broken("a link to the next page without a marker")),
    }
}

/// An answer that makes no sense.
pub(super) fn broken(what: impl Into<String>) -> ServiceError {
    ServiceError::new(FailureKind::Failed, format!("Ironic sent {}", what.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_query_of_a_next_link_counts() {
        let want = Some(Next { marker: "a b".to_owned(), limit: Some("3".to_owned()) });
        for link in [
            "http://inside:6385/v1/nodes?fields=uuid&limit=3&marker=a%20b",
            "https://[::1]/other/v1/nodes?marker=a+b&limit=3#x",
            "/v1/nodes?limit=3&marker=a%20b",
        ] {
            assert_eq!(next_of(&json!({"next": link})), Ok(want.clone()), "{link}");
        }
    }

    #[test]
    fn the_end_has_no_link_and_a_link_has_a_marker() {
        assert_eq!(next_of(&json!({"nodes": []})), Ok(None));
        assert_eq!(next_of(&json!({"next": null})), Ok(None));
        for bad in [json!({"next": ""}), json!({"next": 5}), json!({"next": "http://h/v1/nodes?limit=3"})] {
            assert!(next_of(&bad).is_err(), "{bad}");
        }
    }
}
