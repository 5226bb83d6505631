//! How many requests may be under way, and how many of them may take long.
//!
//! Invariant: a request that is older than [`PATIENCE`] holds one of the slow places, which are half of the
//! permits: BMCs that hang leave the other half to the rest. One that finds no slow place is dropped with its
//! connection, and made again when there is one; so every request must be safe to repeat.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::metrics::{self, Counted};

/// How long a request may take before it needs a slow place.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of the requests that one call has led to.
#[derive(Debug, Default)]
pub struct Course {
    is_slow: Cell<bool>,
    dropped: Cell<u32>,
}

impl Course {
    /// How many requests were dropped half-way; each may have taken effect.
    pub fn dropped(&self) -> u32 {
        self.dropped.get()
    }

    fn drop_one(&self) {
        self.dropped.set(self.dropped.get().saturating_add(1));
        metrics::get().retries.with_label_values(&["slow"]).inc();
    }
}

/// The permits of the process.
#[derive(Debug)]
pub struct Limiter {
    permits: Semaphore,
    slow: Semaphore,
}

impl Limiter {
    /// So many permits, half of them for the slow.
    pub fn new(permits: usize) -> Self {
        let permits = permits.min(Semaphore::MAX_PERMITS);
        Self { permits: Semaphore::new(permits), slow: Semaphore::new((permits / 2).max(1)) }
    }

    /// Makes a request, once it has its permit. A call that was slow once waits for a slow place from then on.
    pub async fn run<F: Future>(&self, course: &Course, make: impl Fn() -> F) -> F::Output {
        if !course.is_slow.get() {
            if let Some(output) = self.run_quickly(course, &make).await {
                return output;
            }
            course.drop_one();
        }
        // Neither semaphore is ever closed. The place comes first: who waits for it must hold no permit.
        let _place = self.slow.acquire().await;
        let _permit = self.permits.acquire().await;
        let _counted = Counted::new(&metrics::get().permits.with_label_values(&["slow"]));
        make().await
    }

    /// `None` where the request became slow and there was no place for it.
    async fn run_quickly<F: Future>(&self, course: &Course, make: &impl Fn() -> F) -> Option<F::Output> {
        let _permit = self.permits.acquire().await;
        // Made only now: a request's own deadline must not run while it waits for its permit.
        let request = make();
        let counted = Counted::new(&metrics::get().permits.with_label_values(&["fast"]));
        tokio::pin!(request);
        if let Ok(output) = tokio::time::timeout(PATIENCE, &mut request).await {
            return Some(output);
        }
        drop(counted);
        course.is_slow.set(true);
        let _place = self.slow.try_acquire().ok()?;
        let _counted = Counted::new(&metrics::get().permits.with_label_values(&["slow"]));
        Some(request.await)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures_util::future::{join_all, select};
    use tokio::time::{Instant, sleep, timeout};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn no_more_requests_than_permits_are_under_way() {
        let (limiter, under_way, most) = (Limiter::new(4), Cell::new(0), Cell::new(0));
        let request = async || {
            under_way.set(under_way.get() + 1);
            most.set(most.get().max(under_way.get()));
            sleep(SECOND).await;
            under_way.set(under_way.get() - 1);
        };
        let began = Instant::now();
        let courses: Vec<Course> = (0..12).map(|_| Course::default()).collect();
        join_all(courses.iter().map(|course| limiter.run(course, &request))).await;
        assert_eq!((most.get(), began.elapsed()), (4, SECOND * 3));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_hang_leave_half_of_the_permits_to_the_rest() {
        let limiter = Limiter::new(10);
        let hanging = async || {
            limiter.run(&Course::default(), pending::<()>).await;
        };
        let stuck = join_all((0..100).map(|_| hanging()));
        let rest = async {
            // All hundred have had their five seconds by then: ten at first, then five at a time.
            sleep(PATIENCE * 21).await;
            let began = Instant::now();
            let courses: Vec<Course> = (0..50).map(|_| Course::default()).collect();
            join_all(courses.iter().map(|course| limiter.run(course, || sleep(SECOND)))).await;
            began.elapsed()
        };
        tokio::pin!(stuck, rest);
        match select(stuck, rest).await {
            futures_util::future::Either::Right((took, _)) => assert_eq!(took, SECOND * 10),
            futures_util::future::Either::Left(_) => panic!("they hang for ever"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_request_with_a_place_goes_on_and_one_without_is_made_again() {
        let limiter = Limiter::new(3);
        let (first, second) = (Course::default(), Course::default());
        let made = Cell::new(0);
        let slow = async || {
            made.set(made.get() + 1);
            sleep(SECOND * 8).await;
        };
        let began = Instant::now();
        tokio::join!(limiter.run(&first, &slow), limiter.run(&second, &slow));
        assert_eq!((first.dropped() + second.dropped(), made.get()), (1, 3));
        assert_eq!(began.elapsed(), SECOND * 16);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_slow_place_holds_no_permit() {
        let limiter = Limiter::new(2);
        let (one, two) = (Course::default(), Course::default());
        let stuck =
            async { tokio::join!(limiter.run(&one, pending::<()>), limiter.run(&two, pending::<()>)) };
        let quick = async {
            sleep(PATIENCE + SECOND).await;
            timeout(SECOND * 2, limiter.run(&Course::default(), || sleep(SECOND))).await
        };
        tokio::select! { _ = stuck => panic!("they hang for ever"), done = quick => assert!(done.is_ok()) }
    }
}
