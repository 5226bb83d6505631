//! Patches, and what becomes of them when an answer is lost.
//!
//! Invariant: a patch that took effect is a success, even where its answer was lost. Setting whole values may be
//! repeated; a removal may not, for Ironic refuses to remove what is gone.

use serde_json::Value;

use super::Ironic;
use super::call::Call;
use crate::node_service::{FailureKind, PatchOp, ServiceResult};

impl Ironic {
    /// Sends a patch with the call that `make` builds of it.
    pub(super) async fn patch(
        &self,
        patch: &[PatchOp],
        make: impl Fn(&[PatchOp]) -> ServiceResult<Call>,
    ) -> ServiceResult<()> {
        let call = make(patch)?;
        let Err(defeat) = self.try_all(&call).await else { return Ok(()) };
        if defeat.attempts < 2 || defeat.error.kind != FailureKind::Refused || !patch.iter().any(is_removal) {
            return Err(defeat.error);
        }
        let present = Call { node: call.node.clone(), ..Call::get(call.path.clone()) };
        let left = without_done_removals(patch, &self.run(&present).await?);
        match left.len() {
            0 => Ok(()),
            same if same == patch.len() => Err(defeat.error),
            _ => self.run(&make(&left)?).await.map(drop),
        }
    }
}

fn is_removal(op: &PatchOp) -> bool {
    matches!(op, PatchOp::Remove { .. })
}

/// The patch without the removals of what `present` does not have.
fn without_done_removals(patch: &[PatchOp], present: &Value) -> Vec<PatchOp> {
    let is_done = |op: &PatchOp| matches!(op, PatchOp::Remove { path } if present.pointer(path).is_none());
    patch.iter().filter(|op| !is_done(op)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_removals_that_took_effect_are_left_out() {
        let remove = |path: &str| PatchOp::Remove { path: path.to_owned() };
        let add = PatchOp::Add { path: "/extra/c".to_owned(), value: json!(1) };
        let patch = [remove("/extra/a"), add.clone(), remove("/extra/b")];
        let left = without_done_removals(&patch, &json!({"extra": {"b": null}}));
        assert_eq!(left, [add, remove("/extra/b")]);
    }
}
