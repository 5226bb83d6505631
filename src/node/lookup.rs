//! From posted data to a node: the most distinct matches win, a tie is refused.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Attribute, BMC_ADDRESS, MAC};
use crate::processing::identity::Identity;

/// What a document can be matched by.
#[must_use]
pub fn attributes(identity: &Identity) -> Vec<Attribute> {
    let bmc = identity.bmc_addresses.iter().map(|ip| Attribute { name: BMC_ADDRESS, value: ip.to_string() });
    let mac = identity.macs.iter().map(|mac| Attribute { name: MAC, value: mac.to_string() });
    bmc.chain(mac).collect()
}

/// The node that the caller names, if the data speaks for it at all.
///
/// # Errors
/// The line that refuses it.
pub fn verify(counts: &BTreeMap<Uuid, usize>, named: Uuid) -> Result<Uuid, String> {
    if counts.contains_key(&named) {
        Ok(named)
    } else {
        Err(format!("Look up error: The data does not match node {named}"))
    }
}

/// The node that most attributes speak for.
///
/// # Errors
/// The contract's line, where there is none or more than one.
pub fn choose(counts: &BTreeMap<Uuid, usize>, identity: &Identity) -> Result<Uuid, String> {
    let most = counts.values().copied().max().unwrap_or(0);
    let best: Vec<&Uuid> = counts.iter().filter(|(_, count)| **count == most).map(|(uuid, _)| uuid).collect();
    match best.as_slice() {
        [] => Err(format!("Look up error: Could not find a node for attributes {identity}")),
        [one] => Ok(**one),
        several => {
            let uuids: Vec<String> = several.iter().map(|uuid| format!("'{uuid}'")).collect();
            Err(format!(
                "Look up error: Multiple nodes match the same number of attributes {identity}: [{}]",
                uuids.join(", ")
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity { bmc_addresses: vec!["192.0.2.2".parse().unwrap()], macs: Vec::new() }
    }

    #[test]
    fn a_named_node_is_taken_only_where_the_data_speaks_for_it() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let tie = BTreeMap::from([(one, 1), (two, 1)]);
        assert_eq!(verify(&tie, two), Ok(two));
        assert!(verify(&tie, Uuid::from_u128(3)).unwrap_err().contains("does not match node"));
    }

    #[test]
    fn the_most_matches_win_and_a_tie_names_all() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(choose(&BTreeMap::from([(one, 2), (two, 1)]), &identity()), Ok(one));
        let tie = choose(&BTreeMap::from([(one, 1), (two, 1)]), &identity()).unwrap_err();
        assert!(tie.contains(&one.to_string()) && tie.contains(&two.to_string()));
        assert!(choose(&BTreeMap::new(), &identity()).unwrap_err().contains("Could not find a node"));
    }
}
