//! Admission: how much posted data is in memory at one time.
//!
//! A body is read only after room for it was reserved; until then it stays where it is, in the kernel's buffers and
//! at the client. Invariant: the bytes of a body are never there without their reservation. Waiters are served in
//! the order of their coming. It must not know how long anybody waits: whoever asks keeps the clock.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};

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
}

/// A body whose room is reserved, as long as this or any part of its bytes exists.
#[derive(Clone, Debug)]
pub struct Admitted {
    reservation: Arc<Reservation>,
    bytes: Bytes,
}

impl Admitted {
    /// Binds a body to its reservation.
    #[must_use]
    pub fn new(bytes: BytesMut, reservation: Reservation) -> Self {
        let reservation = Arc::new(reservation);
        let owner = Owner { bytes, _reservation: Arc::clone(&reservation) };
        Self { reservation, bytes: Bytes::from_owner(owner) }
    }

    /// The bytes, and what keeps the room beyond their life: a document that was read from them takes room too.
    #[must_use]
    pub fn into_parts(self) -> (Bytes, Arc<Reservation>) {
        (self.bytes, self.reservation)
    }
}

struct Owner {
    bytes: BytesMut,
    _reservation: Arc<Reservation>,
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
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
    async fn room_is_kept_while_any_part_of_the_body_exists() {
        let budget = Budget::new(10 * KIB);
        let mut reservation = budget.reservation();
        assert!(fits(&mut reservation, 4 * KIB).await);
        let (bytes, reservation) = Admitted::new(BytesMut::from("body"), reservation).into_parts();
        let part = bytes.slice(1..2);
        drop((bytes, reservation));
        assert_eq!((part.as_ref(), budget.free_bytes()), (b"o".as_slice(), 6 * KIB));
        drop(part);
        assert_eq!(budget.free_bytes(), 10 * KIB);
    }
}
