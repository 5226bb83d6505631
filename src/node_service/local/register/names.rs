//! Which texts may name a node.

use uuid::Uuid;

/// The longest name, in characters.
const LONGEST: usize = 255;

/// Whether a text may name a node: it has to fit into a path of the API, and must not be taken for a UUID.
///
/// # Errors
/// What is wrong with it.
pub fn check(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if name.is_empty() || name.chars().count() > LONGEST || !name.chars().all(fits) || name.starts_with('.') {
        return Err(format!(
            "{name:?} can not name a node: 1 to {LONGEST} letters, digits, '-', '.', '_' or '~' are needed, and \
             no '.' in front"
        ));
    }
    match Uuid::try_parse(name) {
        Ok(_) => Err(format!("{name:?} can not name a node: it would be taken for a UUID")),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_into_a_path_and_is_no_uuid() {
        for good in ["a", "rack-7.u14", "node_1~b"] {
            assert_eq!(check(good), Ok(()));
        }
        for bad in ["", "a b", "a/b", "..", "ä", "0e8e8ef2-7ba2-4b0d-9b54-7a9a2f4d3a11", &"x".repeat(256)] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
