//! The bodies of requests for tasks.

use serde_json::Value;

use crate::design::reference::Reference;
use crate::error::{Error, Result};
use crate::http::policy::Policy;
use crate::node_service::Object;
use crate::tasks::filter::NodeFilter;
use crate::tasks::model::Action;
use crate::tasks::service::Order;

/// Attempts that may be asked for.
const MAX_RETRIES: i64 = 100;

/// The rule that an action has beside the one of creating tasks.
pub(super) fn policy(action: Action) -> Policy {
    match action {
        Action::IntrospectNodes | Action::IntrospectNode => Policy::TaskIntrospect,
        Action::AbortIntrospection | Action::AbortNode => Policy::TaskAbort,
        Action::ReapplyIntrospection | Action::ReapplyNode => Policy::TaskReapply,
        Action::PowerOnNodes | Action::PowerOnNode => Policy::TaskPowerOn,
        Action::PowerOffNodes | Action::PowerOffNode => Policy::TaskPowerOff,
        Action::RebootNodes | Action::RebootNode => Policy::TaskReboot,
        Action::ValidateDesign => Policy::TaskValidate,
        Action::CompareDesign | Action::CompareNode => Policy::TaskCompare,
        Action::ImportInventory => Policy::InventoryUpdate,
        Action::Noop => Policy::TaskNoop,
    }
}

/// What `POST /v1/tasks` asks for.
pub(super) fn read(mut given: Object) -> Result<Order> {
    let action = action(given.shift_remove("action").unwrap_or_default())?;
    let filter = given.shift_remove("node_filter");
    if let Some(filter) = filter.as_ref().filter(|filter| !filter.is_null()) {
        NodeFilter::parse(filter)?;
    }
    let max_retry = match given.shift_remove("max_retry") {
        None => None,
        Some(value) => {
            let number = value.as_i64().filter(|number| (0..=MAX_RETRIES).contains(number));
            let number = number.and_then(|number| i32::try_from(number).ok());
            Some(number.ok_or_else(|| {
                Error::bad_request(format!("Invalid max_retry: a number from 0 to {MAX_RETRIES} is expected"))
            })?)
        }
    };
    let design = reference(given.shift_remove("design_ref"))?;
    nothing_else(&given, "action, design_ref, node_filter and max_retry")?;
    Ok(Order { action, design, filter, max_retry })
}

/// The design, where one is named.
fn reference(given: Option<Value>) -> Result<Option<Reference>> {
    let given = given.filter(|value| !value.is_null());
    let text = given.as_ref().map(|value| {
        value.as_str().ok_or_else(|| Error::bad_request("Invalid design_ref: a text is expected"))
    });
    text.transpose()?.map(Reference::parse).transpose()
}

/// What `POST /v1/validatedesign` asks for; `rel` and `type` say nothing.
pub(super) fn design(mut given: Object) -> Result<Reference> {
    if given.is_empty() {
        return Err(Error::bad_request("Request body must not be empty for validation."));
    }
    let href = given.shift_remove("href").unwrap_or_default();
    match href.as_str().filter(|text| !text.is_empty()) {
        Some(text) => Reference::parse(text),
        None => Err(Error::bad_request("The \"href\" key must be provided in the request body.")),
    }
}

fn action(given: Value) -> Result<Action> {
    let name = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
    let known = name.parse::<Action>().ok().filter(|action| action.is_for_requests());
    known.ok_or_else(|| {
        let names: Vec<&str> = Action::for_requests().map(Action::name).collect();
        let name = if given.is_null() { "None" } else { &name };
        Error::bad_request(format!("Unsupported action {name}: one of {} is expected", names.join(", ")))
    })
}

/// What `POST /v1/nodefilter` asks for.
pub(super) fn filter(mut given: Object) -> Result<(Option<Value>, Option<Reference>)> {
    if given.is_empty() {
        return Err(Error::bad_request("Missing input required value: node_filter or design_ref"));
    }
    let filter = given.shift_remove("node_filter");
    let design = reference(given.shift_remove("design_ref"))?;
    nothing_else(&given, "node_filter and design_ref")?;
    Ok((filter, design))
}

fn nothing_else(given: &Object, known: &str) -> Result<()> {
    match given.keys().next() {
        Some(name) => Err(Error::bad_request(format!("Unknown member {name}: {known} are known"))),
        None => Ok(()),
    }
}
