//! Random sequences of inputs against the model of the harness, with time moved by hand.

use proptest::prelude::*;

use super::harness::{Harness, Luck, adoption, order, posting_of, power_off};
use super::*;
use crate::fsm::Birth;
use crate::node::ManageBoot;
use crate::store::Store;
use crate::store::data::Place;
use crate::store::tests::databases;

#[derive(Clone, Debug)]
enum Step {
    Start(bool),
    Abort,
    Reapply(bool),
    Callback(bool),
    Adopt(bool, bool),
    LookAfterData,
    Power,
    Withdraw,
    Commit,
    CommitFails,
    Operation(Luck),
    Reload,
    Pass(u8),
    Alarm,
    Sweep,
    Crash(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let luck = prop_oneof![
        6 => Just(Luck::Good), 1 => Just(Luck::Odd), 1 => Just(Luck::Bad), 1 => Just(Luck::Gone)
    ];
    // The length of a case matters more than its number: most of what can go wrong needs a dozen steps.
    let step = prop_oneof![
        3 => any::<bool>().prop_map(Step::Start),
        1 => Just(Step::Abort),
        1 => any::<bool>().prop_map(Step::Reapply),
        3 => prop::bool::weighted(0.8).prop_map(Step::Callback),
        2 => (any::<bool>(), prop::bool::weighted(0.8)).prop_map(|(new, good)| Step::Adopt(new, good)),
        2 => Just(Step::LookAfterData),
        2 => Just(Step::Power),
        1 => Just(Step::Withdraw),
        8 => Just(Step::Commit),
        1 => Just(Step::CommitFails),
        8 => luck.prop_map(Step::Operation),
        4 => Just(Step::Reload),
        1 => (1u8..120).prop_map(Step::Pass),
        1 => Just(Step::Alarm),
        1 => Just(Step::Sweep),
        1 => any::<bool>().prop_map(Step::Crash),
    ];
    prop::collection::vec(step, 1..120)
}

impl Harness {
    /// A document of its own.
    fn posted(&self, ticket: Ticket, good: bool) -> Arc<Posting> {
        posting_of(format!("{{\"posted\": {ticket}}}").as_bytes(), if good { &[] } else { &["bad"] })
    }

    fn take(&mut self, step: &Step) {
        // A commit holds the mailbox: meanwhile only its report and the end of the operation come through.
        let held = self.commit.is_some() || self.reloading;
        match step {
            Step::Start(managed) if !held => {
                let boot = if *managed { ManageBoot::Managed } else { ManageBoot::Unmanaged };
                let ticket = self.ticket();
                self.feed(Input::Start(ticket, order(boot)));
            }
            Step::Abort if !held => {
                let ticket = self.ticket();
                self.feed(Input::Abort(ticket));
            }
            Step::Reapply(good) if !held => {
                let ticket = self.ticket();
                let posting = self.posted(ticket, *good);
                let source = if ticket.is_multiple_of(2) { Source::Given } else { Source::Stored };
                self.feed(Input::Reapply(ticket, posting, source));
            }
            Step::Callback(good) if !held => {
                let ticket = self.ticket();
                let posting = self.posted(ticket, *good);
                self.feed(Input::Callback(ticket, posting));
            }
            Step::Adopt(new, good) if !held => {
                let ticket = self.ticket();
                let birth = if *new { Birth::Discovery } else { Birth::ActiveIntrospection };
                self.feed(Input::Adopt(ticket, adoption(birth, if *good { &[] } else { &["bad"] })));
            }
            Step::Power if !held => {
                let ticket = self.ticket();
                self.feed(Input::Power(ticket, power_off()));
            }
            Step::LookAfterData if !held => self.feed(Input::LookAfterData),
            Step::Withdraw => {
                let ticket = self.next_ticket;
                if self.asked.remove(&ticket) {
                    self.feed(Input::Withdrawn(ticket));
                    self.answers.remove(&ticket);
                }
            }
            Step::Commit => self.do_commit(),
            Step::CommitFails if self.commit.take().is_some() => {
                self.feed(Input::CommitFailed(Error::unavailable("disk")));
            }
            Step::Operation(luck) if !held => self.do_operation(*luck),
            Step::Reload => self.do_reload(),
            Step::Pass(seconds) => self.now = self.now.plus_seconds(i64::from(*seconds)),
            Step::Alarm if !held => self.feed(Input::Deadline),
            Step::Sweep => self.swept(),
            Step::Crash(committed) => self.crash(*committed),
            _ => {}
        }
    }
}

fn keeps() -> impl Strategy<Value = KeepData> {
    prop_oneof![1 => Just(KeepData::Yes), 1 => Just(KeepData::No), 2 => Just(KeepData::Elsewhere)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 50, ..ProptestConfig::default() })]

    #[test]
    fn the_store_agrees_with_the_model_whatever_happens(steps in steps(), keep in keeps()) {
        for database in databases() {
            let store = Store::open(&database.url, 1).unwrap();
            let mut harness = Harness::with(keep);
            harness.store = Some(store.clone());
            for step in &steps {
                harness.take(step);
                harness.compare();
            }
            harness.settle(Luck::Good);
            harness.compare();
            store.close();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_happens_every_run_ends_once_and_every_caller_is_answered_once(steps in steps(), keep in keeps()) {
        let mut harness = Harness::with(keep);
        for step in &steps {
            harness.take(step);
        }
        harness.settle(Luck::Good);
        // Left alone, every record comes to rest.
        prop_assert!(harness.state().is_none_or(|state| !state.is_active()), "{:?}", harness.state());
        harness.now = harness.now.plus_seconds(1000);
        harness.feed(Input::Deadline);
        harness.settle(Luck::Good);
        prop_assert!(harness.state().is_none_or(State::is_terminal), "{:?}", harness.state());
        prop_assert!(harness.open_runs.is_empty());
        // What could not be stored in time is delivered at last, and what is not kept is gone.
        harness.feed(Input::LookAfterData);
        harness.settle(Luck::Good);
        let places = harness.documents.rows.values().map(|(place, _)| *place);
        let (mut here, mut spooled) = (0, 0);
        places.for_each(|place| match place {
            Place::Here => here += 1,
            Place::Spooled => spooled += 1,
            Place::Elsewhere | Place::Nowhere => {}
        });
        prop_assert_eq!(spooled, 0);
        prop_assert!(here == 0 || keep == KeepData::Yes, "{:?}", harness.documents);
    }
}
