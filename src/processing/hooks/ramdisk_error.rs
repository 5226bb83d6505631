//! `ramdisk_error`: a failure that the ramdisk itself reports (processing 2.5).

use super::{Hook, HookError};
use crate::node_service::Object;
use crate::processing::python::{to_text, truthy};

/// Refuses documents with an `error`.
pub struct RamdiskError;

impl Hook for RamdiskError {
    fn name(&self) -> &'static str {
        "ramdisk_error"
    }

    fn before(&self, document: &mut Object) -> Result<(), HookError> {
        match truthy(document, "error") {
            Some(error) => Err(HookError::Expected(format!("Ramdisk reported error: {}", to_text(error)))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::object;
    use super::*;

    #[test]
    fn an_error_is_reported_in_its_words() {
        for (error, shown) in [(json!("disk on fire"), "disk on fire"), (json!(["a", null]), "['a', None]")] {
            assert_eq!(
                RamdiskError.before(&mut object(json!({"error": error}))),
                Err(HookError::Expected(format!("Ramdisk reported error: {shown}")))
            );
        }
    }

    #[test]
    fn an_empty_error_is_none() {
        for document in [json!({}), json!({"error": null}), json!({"error": ""}), json!({"error": false})] {
            assert_eq!(RamdiskError.before(&mut object(document)), Ok(()));
        }
    }
}
