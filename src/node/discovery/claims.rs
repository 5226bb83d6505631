//! Who decides about a machine: all its addresses are claimed at once, or it is waited for them.
//!
//! Invariant: no value has two holders. Claims are all or nothing, so they never wait for one another in a circle.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The values that are claimed.
#[derive(Debug, Default)]
pub struct Claims {
    held: Mutex<HashSet<String>>,
    released: Notify,
}

/// Values that are claimed until this is dropped.
#[derive(Debug)]
pub struct Claim {
    claims: Arc<Claims>,
    values: Vec<String>,
}

impl Claims {
    /// Waits until none of the values is claimed, and claims them.
    pub async fn claim(self: &Arc<Self>, values: Vec<String>) -> Claim {
        loop {
            let released = self.released.notified();
            tokio::pin!(released);
            // Whoever lets go between the look and the waiting must be heard.
            released.as_mut().enable();
            if self.try_claim(&values) {
                return Claim { claims: Arc::clone(self), values };
            }
            released.await;
        }
    }

    fn try_claim(&self, values: &[String]) -> bool {
        let mut held = self.held();
        if values.iter().any(|value| held.contains(value)) {
            return false;
        }
        held.extend(values.iter().cloned());
        true
    }

    fn held(&self) -> MutexGuard<'_, HashSet<String>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut held = self.claims.held();
        for value in &self.values {
            held.remove(value);
        }
        drop(held);
        self.claims.released.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::future::join_all;

    use super::*;

    #[actix_rt::test]
    async fn who_shares_a_value_waits_and_others_do_not() {
        let claims = Arc::<Claims>::default();
        let of = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let first = claims.claim(of(&["a", "b"])).await;
        let other = claims.claim(of(&["c"])).await;
        assert!(!claims.try_claim(&of(&["b", "d"])));
        drop(first);
        let second = claims.claim(of(&["b", "d"])).await;
        drop((second, other));
        assert!(claims.held().is_empty());
    }

    #[actix_rt::test]
    async fn of_many_at_once_one_at_a_time_goes_on() {
        let claims = Arc::<Claims>::default();
        let (inside, done) = (Cell::new(0), Cell::new(0));
        let one = |number: usize| {
            let (claims, inside, done) = (&claims, &inside, &done);
            async move {
                let claim = claims.claim(vec!["shared".to_owned(), number.to_string()]).await;
                inside.set(inside.get() + 1);
                assert_eq!(inside.get(), 1);
                tokio::task::yield_now().await;
                inside.set(inside.get() - 1);
                done.set(done.get() + 1);
                drop(claim);
            }
        };
        join_all((0..50).map(one)).await;
        assert_eq!(done.get(), 50);
    }
}
