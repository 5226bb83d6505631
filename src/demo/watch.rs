//! One look at all nodes every so often, shared by all who want to know.
//!
//! Invariant: only introspections of this run are shown; what an earlier run left in the database is not.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::NaiveDateTime;
use tokio::sync::watch;
use uuid::Uuid;

use super::api::{Api, Status};

/// The least pause between two looks; one that takes long is followed by a longer pause.
const PERIOD: Duration = Duration::from_millis(100);

/// What was seen last.
pub type Seen = Arc<HashMap<Uuid, Status>>;

/// Looks until it is dropped.
pub struct Watcher {
    seen: watch::Receiver<Seen>,
    task: actix_rt::task::JoinHandle<()>,
}

impl Watcher {
    /// Begins to look. What is there already is not of this run.
    ///
    /// # Errors
    /// Where not even the first look succeeds.
    pub async fn start(api: Rc<Api>) -> Result<Self, String> {
        let earlier: HashMap<Uuid, NaiveDateTime> =
            api.statuses().await?.into_iter().map(|status| (status.uuid, status.started_at)).collect();
        let (sender, seen) = watch::channel(Seen::default());
        let task = actix_rt::spawn(async move {
            loop {
                let begun = Instant::now();
                match api.statuses().await {
                    Ok(statuses) => {
                        let new = |status: &Status| earlier.get(&status.uuid) != Some(&status.started_at);
                        let new = statuses.into_iter().filter(new).map(|status| (status.uuid, status));
                        sender.send_replace(Arc::new(new.collect()));
                    }
                    Err(error) => log::warn!("The list of introspections could not be read error={error}"),
                }
                actix_rt::time::sleep(PERIOD.max(begun.elapsed().saturating_mul(2))).await;
            }
        });
        Ok(Self { seen, task })
    }

    /// What is seen, now and later.
    #[must_use]
    pub fn seen(&self) -> watch::Receiver<Seen> {
        self.seen.clone()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}
