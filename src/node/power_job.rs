//! The job to power a machine off whose run has timed out: what follows an attempt.
//!
//! Invariant: a job ends with success, or when it was tried often enough; the run's history tells the last outcome.

use uuid::Uuid;

use super::machine::power_text;
use crate::clock::Timestamp;
use crate::store::power_jobs::PowerJob;
use crate::store::{Job, QueryResult, Session};

/// Seconds until each further attempt; after the last one it is given up.
const AGAIN_AFTER_S: [i64; 6] = [30, 120, 480, 1800, 7200, 21_600];

/// An attempt was made.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The machine.
    pub node: Uuid,
    /// The run that has timed out.
    pub run: Uuid,
    /// The error is why the power is not known to be off.
    pub outcome: Result<(), String>,
    /// The present moment.
    pub now: Timestamp,
}

impl Tried {
    /// What became of the power, for the history.
    #[must_use]
    pub fn power(&self) -> String {
        power_text(self.outcome.clone())
    }
}

impl Job for Tried {
    type Output = ();

    fn nodes(&self) -> Vec<Uuid> {
        vec![self.node]
    }

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        session.set_run_power(self.run, &self.power())?;
        let Some(job) = session.power_job(self.node)?.filter(|job| job.run == self.run) else {
            return Ok(());
        };
        let pause = usize::try_from(job.attempts).ok().and_then(|tried| AGAIN_AFTER_S.get(tried));
        match (&self.outcome, pause) {
            (Err(_), Some(seconds)) => {
                let job = PowerJob { attempts: job.attempts.saturating_add(1), ..job };
                session.postpone_power_job(job, self.now.plus_seconds(*seconds))
            }
            _ => session.drop_power_job(self.node),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::on_each;

    #[test]
    fn a_power_off_that_failed_is_tried_again_later_and_given_up_in_the_end() {
        on_each(|store, _| {
            let (node, run) = (Uuid::new_v4(), Uuid::new_v4());
            store.write_blocking(Added(node, run)).unwrap();
            let mut now = Timestamp(1_000_000);
            let due = |now: Timestamp| store.read_blocking(|s| s.power_jobs(now, 9)).unwrap().len();
            for seconds in AGAIN_AFTER_S {
                assert_eq!(due(now), 1);
                store.write_blocking(Tried { node, run, outcome: Err("no".to_owned()), now }).unwrap();
                assert_eq!(due(now.plus_seconds(seconds - 1)), 0);
                now = now.plus_seconds(seconds);
            }
            store.write_blocking(Tried { node, run, outcome: Err("no".to_owned()), now }).unwrap();
            assert_eq!(due(now.plus_seconds(1_000_000)), 0);
        });
    }

    #[test]
    fn success_ends_the_job_and_a_late_report_spares_that_of_the_next_run() {
        on_each(|store, _| {
            let (node, run) = (Uuid::new_v4(), Uuid::new_v4());
            let now = Timestamp(1_000_000);
            let jobs = || store.read_blocking(|s| s.power_job(node)).unwrap();
            store.write_blocking(Added(node, run)).unwrap();
            store.write_blocking(Tried { node, run: Uuid::new_v4(), outcome: Ok(()), now }).unwrap();
            assert!(jobs().is_some());
            store.write_blocking(Tried { node, run, outcome: Ok(()), now }).unwrap();
            assert_eq!(jobs(), None);
        });
    }

    struct Added(Uuid, Uuid);

    impl Job for Added {
        type Output = ();

        fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
            session.put_power_job(self.0, self.1, Timestamp(0))
        }
    }
}
