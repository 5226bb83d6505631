//! Whether the database can be used, as the last reads and writes have found it.
//!
//! Invariant: what is wrong with a single statement is no trouble of the database. The daemon writes and reads by
//! itself again and again, so a trouble that is over is found to be over.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::result::{DatabaseErrorKind, Error as DieselError};

const UNWRITABLE: &str = "The database can not be written";
const UNREADABLE: &str = "The database can not be read";

/// What the last read and the last write found.
#[derive(Debug, Default)]
pub(super) struct Health {
    write_failed: AtomicBool,
    read_failed: AtomicBool,
}

impl Health {
    /// Notes how a write ended; `None` is a success.
    pub(super) fn wrote(&self, failure: Option<&DieselError>) {
        self.write_failed.store(failure.is_some_and(is_trouble), Ordering::Relaxed);
    }

    /// Notes that there was no connection to write through.
    pub(super) fn could_not_write(&self) {
        self.write_failed.store(true, Ordering::Relaxed);
    }

    /// Notes how a read ended; `None` is a success.
    pub(super) fn read(&self, failure: Option<&DieselError>) {
        self.read_failed.store(failure.is_some_and(is_trouble), Ordering::Relaxed);
    }

    /// Notes that there was no connection to read through.
    pub(super) fn could_not_read(&self) {
        self.read_failed.store(true, Ordering::Relaxed);
    }

    /// What is wrong.
    pub(super) fn troubles(&self) -> Vec<&'static str> {
        let found = [(&self.write_failed, UNWRITABLE), (&self.read_failed, UNREADABLE)];
        let wrong = found.into_iter().filter(|(failed, _)| failed.load(Ordering::Relaxed));
        wrong.map(|(_, text)| text).collect()
    }
}

/// Whether the database itself is in trouble, and not only the statement wrong.
fn is_trouble(error: &DieselError) -> bool {
    use DatabaseErrorKind::{CheckViolation, ForeignKeyViolation, NotNullViolation, UniqueViolation};
    match error {
        DieselError::DatabaseError(kind, _) => {
            !matches!(kind, CheckViolation | ForeignKeyViolation | NotNullViolation | UniqueViolation)
        }
        DieselError::BrokenTransactionManager => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: DatabaseErrorKind) -> DieselError {
        DieselError::DatabaseError(kind, Box::new("disk I/O error".to_owned()))
    }

    #[test]
    fn a_success_ends_the_trouble() {
        let health = Health::default();
        health.wrote(Some(&failure(DatabaseErrorKind::Unknown)));
        health.could_not_read();
        assert_eq!(health.troubles(), [UNWRITABLE, UNREADABLE]);
        health.read(None);
        assert_eq!(health.troubles(), [UNWRITABLE]);
        health.wrote(None);
        assert!(health.troubles().is_empty());
    }

    #[test]
    fn a_wrong_statement_is_no_trouble() {
        let health = Health::default();
        health.wrote(Some(&failure(DatabaseErrorKind::UniqueViolation)));
        health.read(Some(&DieselError::NotFound));
        assert!(health.troubles().is_empty());
        health.could_not_write();
        assert_eq!(health.troubles(), [UNWRITABLE]);
    }
}
