//! The texts of collected pre-hook failures.

/// The record's error text.
#[must_use]
pub fn joined(lines: &[String]) -> String {
    lines.join("\n")
}

/// The answer to the ramdisk (processing 2.3.4).
#[must_use]
pub fn refused(lines: &[String]) -> String {
    format!("The following failures happened during running pre-processing hooks:\n{}", joined(lines))
}

/// The record's error text after a reapply (processing 2.21.3).
#[must_use]
pub fn reapply_refused(lines: &[String]) -> String {
    format!("Pre-processing failures detected reapplying introspection on stored data:\n{}", joined(lines))
}
