//! Admission: how much posted data is in memory at one time.
//!
//! A body is read only after room for it was reserved; until then it stays where it is, in the kernel's buffers and
//! at the client. What was read from it keeps a part of that room as long as it lives. Invariant: what is held is
//! reserved. Waiters are served in the order of their coming. It must not know how long anybody waits: whoever asks
//! keeps the clock.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};

/// What a callback takes beside what was posted, until its run is over: its connection, the node as the node service
/// shows it, the Change, the transitions on their way to the database. Measured over 10,000 at once.
pub const OVERHEAD_BYTES: usize = 128 * 1024;
/// What one permit stands for: permits are counted in 32 bits, and bodies may be larger.
const UNIT_BYTES: usize = 1024;

/// Room for bodies, shared by all that hold a copy.
#[derive(Clone, Debug)]
pub struct Budget {
    units: u32,
    free: Arc<Semaphore>,
}

impl Budget {
    /// Room for so many bytes. One body always fits: a larger one takes all of it.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let units = units(bytes).max(1);
        let permits = usize::try_from(units).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { units, free: Arc::new(Semaphore::new(permits)) }
    }

    /// An empty reservation.
    #[must_use]
    pub fn reservation(&self) -> Reservation {
        Reservation { budget: self.clone(), held: None, units: 0 }
    }

    /// Bytes that nobody has reserved.
    #[must_use]
    pub fn free_bytes(&self) -> usize {
        self.free.available_permits().saturating_mul(UNIT_BYTES)
    }
}

impl PartialEq for Budget {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.free, &other.free)
    }
}

impl Eq for Budget {}

/// A part of the budget; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    held: Option<OwnedSemaphorePermit>,
    units: u32,
}

impl Reservation {
    /// Makes it large enough for so many bytes, as soon as there is room. Two that grow may wait for each other:
    /// until the clock of one of them ends. Who knows the length reserves it at once.
    ///
    /// # Errors
    /// None in practice: the budget is never closed.
    pub async fn grow_to(&mut self, bytes: usize) -> Result<()> {
        let wanted = units(bytes).min(self.budget.units);
        let missing = wanted.saturating_sub(self.units);
        if missing == 0 {
            return Ok(());
        }
        let free = Arc::clone(&self.budget.free);
        let more = free.acquire_many_owned(missing).await.map_err(Error::internal)?;
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        self.units = wanted;
        Ok(())
    }

    /// Gives back what is beyond so many bytes.
    pub fn shrink_to(&mut self, bytes: usize) {
        let spare = self.units.saturating_sub(units(bytes));
        let given_back = usize::try_from(spare).ok().and_then(|spare| self.held.as_mut()?.split(spare));
        if given_back.is_some() {
            self.units = self.units.saturating_sub(spare);
        }
    }

    /// Makes it large enough for so many bytes if that leaves half of all room to others; answers whether it did.
    pub fn grow_if_plenty(&mut self, bytes: usize) -> bool {
        let missing = units(bytes).saturating_sub(self.units);
        if missing == 0 {
            return true;
        }
        let half = self.budget.units / 2;
        let free = u32::try_from(self.budget.free.available_permits()).unwrap_or(u32::MAX);
        if free.saturating_sub(missing) < half {
            return false;
        }
        let Ok(more) = Arc::clone(&self.budget.free).try_acquire_many_owned(missing) else { return false };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        self.units = self.units.saturating_add(missing);
        true
    }
}

impl PartialEq for Reservation {
    fn eq(&self, other: &Self) -> bool {
        (&self.budget, self.units) == (&other.budget, other.units)
    }
}

/// A body whose room is reserved.
#[derive(Debug)]
pub struct Admitted {
    bytes: Bytes,
    room: Reservation,
}

impl Admitted {
    /// Binds a body to its reservation.
    #[must_use]
    pub fn new(bytes: BytesMut, room: Reservation) -> Self {
        Self { bytes: bytes.freeze(), room }
    }

    /// The bytes, and the room for what is made of them.
    #[must_use]
    pub fn into_parts(self) -> (Bytes, Reservation) {
        (self.bytes, self.room)
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const KIB: usize = 1024;

    /// Whether room is found at once.
    async fn fits(reservation: &mut Reservation, bytes: usize) -> bool {
        timeout(Duration::from_millis(20), reservation.grow_to(bytes)).await.is_ok()
    }

    #[actix_web::test]
    async fn what_does_not_fit_waits_until_room_is_given_back() {
        let budget = Budget::new(10 * KIB);
        let (mut first, mut second) = (budget.reservation(), budget.reservation());
        assert!(fits(&mut first, 8 * KIB).await);
        assert!(!fits(&mut second, 3 * KIB).await);
        drop(first);
        assert!(fits(&mut second, 3 * KIB).await);
        drop(second);
        assert_eq!(budget.free_bytes(), 10 * KIB);
    }

    #[actix_web::test]
    async fn one_body_has_room_whatever_its_size() {
        let budget = Budget::new(10 * KIB);
        let mut large = budget.reservation();
        assert!(fits(&mut large, 1000 * KIB).await);
        assert!(fits(&mut large, 2000 * KIB).await);
        assert_eq!(budget.free_bytes(), 0);
    }

    #[actix_web::test]
    async fn a_reservation_grows_by_what_is_missing() {
        let budget = Budget::new(10 * KIB);
        let mut growing = budget.reservation();
        assert!(fits(&mut growing, 1).await && fits(&mut growing, 4 * KIB).await);
        assert_eq!(budget.free_bytes(), 6 * KIB);
        assert!(fits(&mut growing, 2 * KIB).await);
        assert_eq!(budget.free_bytes(), 6 * KIB);
    }

    #[actix_web::test]
    async fn what_is_given_back_is_there_for_others() {
        let budget = Budget::new(10 * KIB);
        let mut first = budget.reservation();
        assert!(fits(&mut first, 8 * KIB).await);
        first.shrink_to(3 * KIB - 1);
        assert_eq!(budget.free_bytes(), 7 * KIB);
        first.shrink_to(9 * KIB);
        assert_eq!(budget.free_bytes(), 7 * KIB);
        drop(first);
        assert_eq!(budget.free_bytes(), 10 * KIB);
    }

    #[actix_web::test]
    async fn a_reservation_grows_unasked_only_while_half_of_all_is_free() {
        let budget = Budget::new(10 * KIB);
        let (mut first, mut second) = (budget.reservation(), budget.reservation());
        assert!(first.grow_if_plenty(4 * KIB) && first.grow_if_plenty(KIB));
        assert_eq!(budget.free_bytes(), 6 * KIB);
        assert!(!second.grow_if_plenty(2 * KIB));
        assert!(second.grow_if_plenty(KIB));
        assert_eq!(budget.free_bytes(), 5 * KIB);
    }
}
