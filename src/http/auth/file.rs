//! The file of users: read at the start, and again when it changes.
//!
//! Invariant: users and what is remembered of them are replaced together, so that no verdict outlives its line.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::basic::Limits;
use super::htpasswd::Users;
use super::verdicts::Verdicts;
use crate::error::{Error, Result};

/// One state of the file.
pub(super) struct State {
    stamp: Option<Stamp>,
    /// Its users; nothing where it could not be read.
    pub(super) users: Option<Users>,
    /// What is remembered of them.
    pub(super) verdicts: Verdicts,
}

/// What tells one state of the file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    inode: u64,
    modified: (i64, i64),
}

/// The file with its latest state.
pub(super) struct UserFile {
    path: PathBuf,
    limits: Limits,
    latest: Mutex<Latest>,
}

struct Latest {
    state: Arc<State>,
    looked: Instant,
}

impl UserFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// Where it cannot be read, or holds a hash that is not of bcrypt.
    pub(super) fn open(path: &Path, limits: Limits) -> Result<Self> {
        let shown = path.display();
        let (stamp, text) = read(path).map_err(|cause| {
            Error::bad_request(format!("http_basic_auth_user_file: can not read {shown}: {cause}"))
        })?;
        if let Some(line) = Users::first_unsupported(&text) {
            return Err(Error::bad_request(format!(
                "http_basic_auth_user_file: {shown}:{line}: only bcrypt digested passwords are supported"
            )));
        }
        let state = Arc::new(State::new(Some(stamp), Some(Users::parse(&text)), limits));
        let latest = Mutex::new(Latest { state, looked: Instant::now() });
        Ok(Self { path: path.to_owned(), limits, latest })
    }

    /// The latest state, if it need not be looked for anew. Of those who ask at one time, one is told to look.
    pub(super) fn fresh(&self) -> Option<Arc<State>> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.looked.elapsed() < self.limits.look_every {
            return Some(Arc::clone(&latest.state));
        }
        latest.looked = Instant::now();
        None
    }

    /// Looks whether the file changed, and reads it if so. It waits for the disk.
    pub(super) fn look(&self) -> Arc<State> {
        let known = Arc::clone(&self.latest.lock().unwrap_or_else(PoisonError::into_inner).state);
        let stamp = fs::metadata(&self.path).ok().map(|found| Stamp::of(&found));
        if stamp.is_some() && stamp == known.stamp {
            return known;
        }
        let state = Arc::new(self.read_again());
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).state = Arc::clone(&state);
        state
    }

    fn read_again(&self) -> State {
        let path = self.path.display();
        match read(&self.path) {
            Ok((stamp, text)) => {
                log::info!("The users were read again path={path}");
                if let Some(line) = Users::first_unsupported(&text) {
                    log::error!("A password is not digested by bcrypt path={path} line={line}");
                }
                State::new(Some(stamp), Some(Users::parse(&text)), self.limits)
            }
            Err(cause) => {
                log::error!("The users can not be read: nobody is let in. cause={cause} path={path}");
                State::new(None, None, self.limits)
            }
        }
    }
}

impl State {
    fn new(stamp: Option<Stamp>, users: Option<Users>, limits: Limits) -> Self {
        Self { stamp, users, verdicts: Verdicts::new(limits.hold, limits.most_bad) }
    }
}

impl Stamp {
    fn of(found: &fs::Metadata) -> Self {
        Self { size: found.size(), inode: found.ino(), modified: (found.mtime(), found.mtime_nsec()) }
    }
}

/// The stamp is taken first: a change between the two is seen at the next look.
fn read(path: &Path) -> io::Result<(Stamp, String)> {
    let stamp = Stamp::of(&fs::metadata(path)?);
    Ok((stamp, fs::read_to_string(path)?))
}
