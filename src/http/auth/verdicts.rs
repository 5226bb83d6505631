//! What is remembered of credentials, so that a request costs no bcrypt.
//!
//! Invariant: no password is kept, only a digest; what is kept ends after a time
//! and is bounded in number: good verdicts by the users there are, bad ones by a limit. It lives and dies with the
//! users that it was found by.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq as _;

use super::digest::{Digest, DigestKey};
use super::header::Credential;
use super::recent::Recent;

/// Whether a credential is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The password is the user's.
    Good,
    /// It is not, or there is no such user.
    Bad,
}

/// The verdicts of one state of the file.
pub(super) struct Verdicts {
    key: DigestKey,
    /// How long a verdict holds.
    hold: Duration,
    kept: Mutex<Kept>,
}

struct Kept {
    /// The one good password of a user.
    good: HashMap<String, (Digest, Instant)>,
    bad: Recent<()>,
}

impl Verdicts {
    /// `most` bounds the bad ones.
    pub(super) fn new(hold: Duration, most: usize) -> Self {
        let kept = Mutex::new(Kept { good: HashMap::new(), bad: Recent::new(most) });
        Self { key: DigestKey::new(), hold, kept }
    }

    /// What is known of a credential.
    pub(super) fn recall(&self, credential: &Credential) -> Option<Verdict> {
        let (digest, now) = (self.digest(credential), Instant::now());
        let mut kept = self.kept();
        if let Some((good, until)) = kept.good.get(&credential.user)
            && now < *until
            && bool::from(good.ct_eq(&digest))
        {
            return Some(Verdict::Good);
        }
        kept.bad.get(&digest, now).map(|()| Verdict::Bad)
    }

    /// Keeps a verdict.
    pub(super) fn remember(&self, credential: &Credential, verdict: Verdict) {
        let (digest, now) = (self.digest(credential), Instant::now());
        let until = now.checked_add(self.hold).unwrap_or(now);
        let mut kept = self.kept();
        match verdict {
            Verdict::Good => drop(kept.good.insert(credential.user.clone(), (digest, until))),
            Verdict::Bad => kept.bad.insert(digest, (), until),
        }
    }

    fn digest(&self, Credential { user, password }: &Credential) -> Digest {
        self.key.digest(&[user, password])
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Each change is one insertion: there is no half of it to be afraid of.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(user: &str, password: &str) -> Credential {
        Credential { user: user.to_owned(), password: password.to_owned() }
    }

    #[test]
    fn a_verdict_is_of_one_credential() {
        let verdicts = Verdicts::new(Duration::from_secs(60), 8);
        assert_eq!(verdicts.recall(&credential("ann", "x")), None);
        verdicts.remember(&credential("ann", "x"), Verdict::Good);
        verdicts.remember(&credential("ann", "y"), Verdict::Bad);
        assert_eq!(verdicts.recall(&credential("ann", "x")), Some(Verdict::Good));
        assert_eq!(verdicts.recall(&credential("ann", "y")), Some(Verdict::Bad));
        assert_eq!(verdicts.recall(&credential("an", "nx")), None);
        assert_eq!(verdicts.recall(&credential("bob", "x")), None);
    }

    #[test]
    fn a_verdict_ends_with_its_time() {
        let verdicts = Verdicts::new(Duration::ZERO, 8);
        verdicts.remember(&credential("ann", "x"), Verdict::Good);
        verdicts.remember(&credential("ann", "y"), Verdict::Bad);
        assert_eq!(verdicts.recall(&credential("ann", "x")), None);
        assert_eq!(verdicts.recall(&credential("ann", "y")), None);
    }

    #[test]
    fn guesses_are_bounded_and_push_out_no_user() {
        let verdicts = Verdicts::new(Duration::from_secs(60), 8);
        verdicts.remember(&credential("ann", "x"), Verdict::Good);
        for guess in 0..100 {
            verdicts.remember(&credential("ann", &guess.to_string()), Verdict::Bad);
            assert!(verdicts.kept().bad.len() <= 8);
        }
        assert_eq!(verdicts.recall(&credential("ann", "x")), Some(Verdict::Good));
    }
}
