//! `lldp_basic`: what the switches say, in readable form, beside each interface (processing 2.14).

use serde_json::Value;

use super::{Change, Hook, HookError, View};
use crate::node_service::Object;
use crate::processing::{inventory, lldp, nics};

/// Adds `lldp_processed` to the members of `all_interfaces`, and to those of `interfaces`, which are the same.
pub struct LldpBasic;

impl Hook for LldpBasic {
    fn name(&self) -> &'static str {
        "lldp_basic"
    }

    fn process(&self, _: &View<'_>, document: &mut Object, _: &mut Change) -> Result<(), HookError> {
        inventory::checked(document)?;
        let found = found(document)?;
        for member in ["all_interfaces", "interfaces"] {
            let Some(Value::Object(entries)) = document.get_mut(member) else { continue };
            for (name, processed) in &found {
                if let Some(Value::Object(entry)) = entries.get_mut(name) {
                    entry.insert("lldp_processed".to_owned(), Value::Object(processed.clone()));
                }
            }
        }
        Ok(())
    }
}

fn found(document: &Object) -> Result<Vec<(String, Object)>, HookError> {
    let processed = |nic: nics::Nic<'_>| {
        let tlvs = lldp::of_interface(document, nic.name, nic.interface)?;
        let processed = lldp::parse(&tlvs, nic.name);
        (!processed.is_empty()).then(|| (nic.name.to_owned(), processed))
    };
    Ok(nics::nics(document)?.into_iter().filter_map(processed).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::process;
    use super::*;

    #[test]
    fn what_was_heard_stands_beside_the_interface() {
        let mut document = json!({
            "inventory": {"interfaces": [{"name": "e0", "lldp": [[5, "7477"]]}, {"name": "e1", "lldp": null},
                                         {"name": "e2", "lldp": [[5, "ff"], [3, "0078"]]},
                                         {"name": "e3", "lldp": [[5, "74"]]}, {"lldp": []}]},
            "lldp_raw": {"e0": [[5, "726177"]], "e2": []},
            "all_interfaces": {"e0": {"pxe": true}, "e1": {}, "e2": {}},
            "interfaces": {"e0": {"pxe": true}}});
        assert!(process(&LldpBasic, json!({}), &mut document, &[]).unwrap().is_empty());
        let wanted = json!({"e0": {"pxe": true, "lldp_processed": {"switch_system_name": "raw"}},
                            "e1": {}, "e2": {}});
        assert_eq!(document["all_interfaces"], wanted);
        assert_eq!(document["interfaces"], json!({"e0": wanted["e0"]}));
    }

    #[test]
    fn it_says_what_it_needs() {
        let mut document = json!({"inventory": {"interfaces": [{"name": "e0"}]}});
        let refusal = process(&LldpBasic, json!({}), &mut document, &[]).unwrap_err();
        assert_eq!(refusal.to_string(), "all_interfaces is missing: validate_interfaces did not run");
    }
}
