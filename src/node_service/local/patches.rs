//! JSON patches on resources.
//!
//! Invariant: a patch is applied whole or not at all; members that are not a client's to set stay as they are; a
//! removal of what is gone already is no failure, since patches are applied again after a crash.

use serde_json::Value;

use super::resources;
use crate::node_service::{FailureKind, Object, PatchOp, ServiceError, ServiceResult};

/// Members of a node that no patch may touch.
pub(super) const OF_NODES: &[&str] = &[
    "uuid",
    "id",
    "created_at",
    "updated_at",
    "links",
    "ports",
    "traits",
    "power_state",
    "target_power_state",
    "provision_state",
    "target_provision_state",
    "provision_updated_at",
    "driver_internal_info",
    "reservation",
    "last_error",
    "boot_device",
];

/// Members of a port that no patch may touch; a port stays with its node.
pub(super) const OF_PORTS: &[&str] = &["uuid", "id", "created_at", "updated_at", "links", "node_uuid"];

/// Members that are there always, and must stay objects.
const OBJECTS: [&str; 4] = ["driver_info", "properties", "extra", "local_link_connection"];

/// The resource after the patch.
///
/// # Errors
/// `Refused`, where the patch touches a protected member or does not fit the resource.
pub(super) fn apply(resource: Object, patch: &[PatchOp], protected: &[&str]) -> ServiceResult<Object> {
    let mut resource = Value::Object(resource);
    for op in patch {
        check(op, protected)?;
        if matches!(op, PatchOp::Remove { path } if resource.pointer(path).is_none()) {
            continue;
        }
        apply_one(&mut resource, op)?;
    }
    let resource = resources::object(resource);
    match OBJECTS.iter().find(|name| resource.get(**name).is_some_and(|value| !value.is_object())) {
        Some(name) => Err(refused(format!("/{name} must be an object."))),
        None => Ok(resource),
    }
}

fn apply_one(resource: &mut Value, op: &PatchOp) -> ServiceResult<()> {
    let unfit = |error: String| refused(format!("The patch of {} can not be applied: {error}", path(op)));
    let op = serde_json::to_value(op)
        .and_then(serde_json::from_value::<json_patch::PatchOperation>)
        .map_err(|error| unfit(error.to_string()))?;
    json_patch::patch(resource, &[op]).map_err(|error| unfit(error.to_string()))
}

fn check(op: &PatchOp, protected: &[&str]) -> ServiceResult<()> {
    let path = path(op);
    let member = path.strip_prefix('/').and_then(|rest| rest.split('/').next()).unwrap_or_default();
    if member.is_empty() {
        return Err(refused(format!("{path:?} is no path of a member.")));
    }
    if protected.contains(&member) {
        return Err(refused(format!("'/{member}' is an internal attribute and can not be updated")));
    }
    Ok(())
}

fn path(op: &PatchOp) -> &str {
    match op {
        PatchOp::Add { path, .. } | PatchOp::Replace { path, .. } | PatchOp::Remove { path } => path,
    }
}

fn refused(text: String) -> ServiceError {
    ServiceError::new(FailureKind::Refused, text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(patch: Value) -> ServiceResult<Value> {
        let patch: Vec<PatchOp> = serde_json::from_value(patch).unwrap();
        let resource = resources::object(json!({"name": "n", "extra": {}, "properties": {"cpus": "8"}}));
        apply(resource, &patch, OF_NODES).map(Value::Object)
    }

    #[test]
    fn values_are_set_and_removed_in_order() {
        let after = patched(json!([
            {"op": "add", "path": "/properties/arch", "value": "x86_64"},
            {"op": "replace", "path": "/name", "value": "m"},
            {"op": "remove", "path": "/properties/cpus"},
            {"op": "remove", "path": "/properties/cpus"},
        ]));
        assert_eq!(after, Ok(json!({"name": "m", "extra": {}, "properties": {"arch": "x86_64"}})));
    }

    #[test]
    fn protected_members_are_refused_whatever_is_done_to_them() {
        for op in [
            json!({"op": "remove", "path": "/uuid"}),
            json!({"op": "add", "path": "/power_state", "value": "power on"}),
            json!({"op": "replace", "path": "/created_at", "value": 1}),
            json!({"op": "add", "path": "/traits/-", "value": "T"}),
        ] {
            let error = patched(json!([op])).unwrap_err();
            assert_eq!(error.kind, FailureKind::Refused, "{op}");
            assert!(error.text.ends_with("is an internal attribute and can not be updated"), "{error}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_names_the_path() {
        for (op, wanted) in [
            (json!({"op": "add", "path": "/properties/a/b", "value": 1}), "/properties/a/b"),
            (json!({"op": "replace", "path": "/extra/none", "value": 1}), "/extra/none"),
            (json!({"op": "add", "path": "/properties", "value": 1}), "/properties must be"),
            (json!({"op": "add", "path": "", "value": {}}), "no path"),
            (json!({"op": "add", "path": "name", "value": "x"}), "no path"),
        ] {
            let error = patched(json!([op])).unwrap_err();
            assert!(error.kind == FailureKind::Refused && error.text.contains(wanted), "{op}: {error}");
        }
    }
}
