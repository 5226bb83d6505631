//! What the exit codes of commands mean beyond success and failure.

use std::process::ExitCode;

/// Done, but not all of it could be done: what is missing was told.
pub const INCOMPLETE: u8 = 3;

/// The code of a command that did its work, whole or with something missing.
#[must_use]
pub fn done(is_whole: bool) -> ExitCode {
    if is_whole { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) }
}
