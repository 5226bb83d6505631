//! The file of users: read at the start, and again when it changes.
//!
//! Invariant: users and what is remembered of them are replaced together, so that no verdict outlives its line.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::basic::Limits;
use super::htpasswd::Users;
use super::verdicts::Verdicts;
use super::watched::Watched;
use crate::error::{Error, Result};

/// One state of the file.
pub(super) struct State {
    /// Its users; nothing where it could not be read.
    pub(super) users: Option<Users>,
    /// What is remembered of them.
    pub(super) verdicts: Verdicts,
}

/// The file with its latest state.
pub(super) struct UserFile {
    limits: Limits,
    watched: Watched<State>,
}

/// Why the file can not be used at the start.
enum Unusable {
    Unread(io::Error),
    Unsupported(usize),
}

impl From<io::Error> for Unusable {
    fn from(cause: io::Error) -> Self {
        Self::Unread(cause)
    }
}

impl UserFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// Where it cannot be read, or holds a hash that is not of bcrypt.
    pub(super) fn open(path: &Path, limits: Limits) -> Result<Self> {
        let make = |text: &str| match Users::first_unsupported(text) {
            Some(line) => Err(Unusable::Unsupported(line)),
            None => Ok(State::new(Some(Users::parse(text)), limits)),
        };
        let shown = path.display();
        let watched = Watched::open(path, limits.look_every, make).map_err(|why| {
            Error::bad_request(match why {
                Unusable::Unread(cause) => {
                    format!("http_basic_auth_user_file: can not read {shown}: {cause}")
                }
                Unusable::Unsupported(line) => format!(
                    "http_basic_auth_user_file: {shown}:{line}: only bcrypt digested passwords are supported"
                ),
            })
        })?;
        Ok(Self { limits, watched })
    }

    /// The latest state, if it need not be looked for anew. Of those who ask at one time, one is told to look.
    pub(super) fn fresh(&self) -> Option<Arc<State>> {
        self.watched.fresh()
    }

    /// Looks whether the file changed, and reads it if so. It waits for the disk.
    pub(super) fn look(&self) -> Arc<State> {
        self.watched.look(|text| Some(State::new(self.users(text), self.limits)))
    }

    fn users(&self, text: io::Result<&str>) -> Option<Users> {
        let path = self.watched.path().display();
        match text {
            Ok(text) => {
                log::info!("The users were read again path={path}");
                if let Some(line) = Users::first_unsupported(text) {
                    log::error!("A password is not digested by bcrypt path={path} line={line}");
                }
                Some(Users::parse(text))
            }
            Err(cause) => {
                log::error!("The users can not be read: nobody is let in. cause={cause} path={path}");
                None
            }
        }
    }
}

impl State {
    fn new(users: Option<Users>, limits: Limits) -> Self {
        Self { users, verdicts: Verdicts::new(limits.hold, limits.most_bad) }
    }
}
