//! The names of BMCs, resolved a moment ago: posts of unknown machines come in waves, and each asks for the names
//! of all nodes.
//!
//! Invariant: a name is asked for at most once in [`LIFE`], also by posts at one time; what is kept is bounded. A start
//! of a run does not look here: its answer is stored, and has to be of the moment.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

/// How long an answer is good, also that there is none: a name server that does not answer holds up one post, not all.
const LIFE: Duration = Duration::from_secs(60);
/// Names that are kept; more are resolved each time.
const MOST: usize = 10_000;

type Answer = Arc<OnceCell<Vec<IpAddr>>>;

/// What names were resolved to.
#[derive(Default)]
pub struct Names {
    known: Mutex<HashMap<String, (Instant, Answer)>>,
}

impl Names {
    /// The addresses of a name; `resolve` is asked if nobody has asked lately.
    pub(super) async fn addresses(
        &self,
        name: &str,
        resolve: impl AsyncFnOnce(&str) -> Vec<IpAddr>,
    ) -> Vec<IpAddr> {
        let answer = self.answer(name);
        // Whoever comes meanwhile waits for this answer; where the asker goes away, the next one asks.
        answer.get_or_init(|| resolve(name)).await.clone()
    }

    fn answer(&self, name: &str) -> Answer {
        let now = Instant::now();
        let is_fresh = |since: &Instant| now.duration_since(*since) < LIFE;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, answer)) = known.get(name)
            && is_fresh(since)
        {
            return Arc::clone(answer);
        }
        if known.len() >= MOST {
            known.retain(|_, (since, _)| is_fresh(since));
        }
        let answer = Answer::default();
        // Those that are there stay: all are asked for in turn, and each would drive out the one that comes next.
        if known.len() < MOST || known.contains_key(name) {
            known.insert(name.to_owned(), (now, Arc::clone(&answer)));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::future::{join, join_all};

    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// A name server that counts, and changes its answer each time.
    #[derive(Default)]
    struct Server(Cell<u8>);

    impl Server {
        async fn ask(&self, _: &str) -> Vec<IpAddr> {
            self.0.set(self.0.get().wrapping_add(1));
            tokio::time::sleep(Duration::from_secs(3)).await;
            vec![address(self.0.get())]
        }

        async fn through(&self, names: &Names, name: &str) -> Vec<IpAddr> {
            names.addresses(name, async |name| self.ask(name).await).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_name_of_a_bmc_is_resolved_once_for_a_wave_of_posts_and_anew_after_a_minute() {
        let (names, server) = (Names::default(), Server::default());
        let wave = join_all((0..100).map(|_| server.through(&names, "bmc-1"))).await;
        assert!(wave.iter().all(|found| *found == [address(1)]));
        tokio::time::advance(Duration::from_secs(50)).await;
        assert_eq!(server.through(&names, "bmc-1").await, [address(1)]);
        assert_eq!(server.through(&names, "bmc-2").await, [address(2)]);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(server.through(&names, "bmc-1").await, [address(3)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_post_that_is_given_up_leaves_its_question_to_the_next() {
        let (names, server) = (Names::default(), Server::default());
        let given_up = tokio::time::timeout(Duration::from_secs(1), server.through(&names, "bmc-1"));
        let (lost, found) = join(given_up, server.through(&names, "bmc-1")).await;
        assert!(lost.is_err());
        assert_eq!(found, [address(2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_names_are_kept_than_there_is_room_for_and_those_that_are_kept_stay() {
        let (names, server) = (Names::default(), Server::default());
        for number in 0..MOST {
            names.answer(&number.to_string());
        }
        let kept = names.answer("0");
        server.through(&names, "one more").await;
        server.through(&names, "one more").await;
        assert_eq!(server.0.get(), 2);
        assert!(Arc::ptr_eq(&kept, &names.answer("0")));
        tokio::time::advance(LIFE).await;
        server.through(&names, "one more").await;
        assert_eq!(names.known.lock().unwrap().len(), 1);
    }
}
