//! `http_basic`: a credential against the file of users.
//!
//! Invariant: passwords are compared away from the threads that answer requests, a few at a time, and each credential
//! once for as long as its verdict holds. A stranger costs as much as a wrong password.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::file::{State, UserFile};
use super::header::Credential;
use super::htpasswd::Entry;
use super::verdicts::Verdict;
use super::{Refusal, internal};
use crate::error::Result;

/// How often things are done anew, and how much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The file is looked at no more often than this.
    pub look_every: Duration,
    /// How long a verdict holds.
    pub hold: Duration,
    /// How many wrong credentials are remembered.
    pub most_bad: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { look_every: Duration::from_secs(1), hold: Duration::from_secs(300), most_bad: 4096 }
    }
}

/// The users, and what was found out about credentials.
pub struct Basic {
    file: UserFile,
    /// Passwords compared at one time: the others of the machine's processors are for other work.
    turns: Semaphore,
    /// Passwords compared so far.
    compared: AtomicU64,
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Basic").finish_non_exhaustive()
    }
}

impl Basic {
    /// Reads the file of users. It waits for the disk.
    ///
    /// # Errors
    /// Where the file cannot be read, or holds a hash that is not of bcrypt.
    pub fn open(path: &Path, limits: Limits) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Ok(Self {
            file: UserFile::open(path, limits)?,
            turns: Semaphore::new(cores.div_ceil(2)),
            compared: AtomicU64::new(0),
        })
    }

    /// Passwords compared so far.
    #[must_use]
    pub fn compared(&self) -> u64 {
        self.compared.load(Ordering::Relaxed)
    }

    /// The user that a credential proves.
    pub(super) async fn verify(self: &Arc<Self>, credential: Credential) -> Result<String, Refusal> {
        let state = self.state().await?;
        let verdict = match state.verdicts.recall(&credential) {
            Some(verdict) => verdict,
            None => self.compare_in_turn(state, credential.clone()).await?,
        };
        match verdict {
            Verdict::Good => Ok(credential.user),
            Verdict::Bad => Err(Refusal::Unauthenticated),
        }
    }

    async fn state(self: &Arc<Self>) -> Result<Arc<State>, Refusal> {
        if let Some(state) = self.file.fresh() {
            return Ok(state);
        }
        let basic = Arc::clone(self);
        spawn_blocking(move || basic.file.look()).await.map_err(|_| internal())
    }

    async fn compare_in_turn(
        self: &Arc<Self>,
        state: Arc<State>,
        credential: Credential,
    ) -> Result<Verdict, Refusal> {
        let _turn = self.turns.acquire().await.map_err(|_| internal())?;
        // Others may have brought the same credential meanwhile.
        if let Some(verdict) = state.verdicts.recall(&credential) {
            return Ok(verdict);
        }
        let basic = Arc::clone(self);
        spawn_blocking(move || basic.compare(&state, &credential)).await.map_err(|_| internal())?
    }

    fn compare(&self, state: &State, credential: &Credential) -> Result<Verdict, Refusal> {
        let users = state.users.as_ref().ok_or_else(|| broken("Problem reading auth user file"))?;
        let hash = match users.find(&credential.user) {
            Some(Entry::Bcrypt(hash)) => hash,
            Some(Entry::Unsupported) => return Err(unsupported(&credential.user)),
            None => users.nobody(),
        };
        self.compared.fetch_add(1, Ordering::Relaxed);
        let fits = bcrypt::verify(&credential.password, hash).map_err(|_| unsupported(&credential.user))?;
        let is_known = users.find(&credential.user).is_some();
        let verdict = if fits && is_known { Verdict::Good } else { Verdict::Bad };
        state.verdicts.remember(credential, verdict);
        Ok(verdict)
    }
}

fn broken(what: &str) -> Refusal {
    Refusal::Broken(format!("Invalid configuration file. {what}"))
}

fn unsupported(user: &str) -> Refusal {
    broken(&format!("Only bcrypt digested passwords are supported for {user}"))
}
