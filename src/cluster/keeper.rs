//! The thread that keeps the lease: heartbeats, and claims and pings of leadership.
//!
//! Invariant: it does nothing else and has a connection of its own, so that no work can hold it up. A process whose
//! name belongs to another one ends at once.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::lease::boottime_us;
use super::{Lease, Owner, Sharing, Term, Timing};
use crate::error::{Error, Result};
use crate::metrics;
use crate::store::{QueryResult, Session, Store};

enum Command {
    Abdicate,
    Leave,
}

/// The handle of the thread.
pub(super) struct Keeper {
    commands: Sender<(Command, Sender<()>)>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Keeper {
    /// Begins to keep the lease; leadership is claimed before this returns. Blocks.
    pub(super) fn start(
        store: Store,
        me: Owner,
        sharing: Sharing,
        timing: Timing,
        lease: Arc<Lease>,
    ) -> Result<(Self, watch::Receiver<Option<Term>>)> {
        let (sender, term) = watch::channel(None);
        let (commands, orders) = channel();
        let mut watchman = Watchman {
            store,
            me,
            sharing,
            timing,
            lease,
            term: sender,
            claims: true,
            claimed: None,
            failing: false,
        };
        watchman.turn();
        let thread = std::thread::Builder::new()
            .name("keeper".to_owned())
            .spawn(move || watchman.run(&orders))
            .map_err(Error::internal)?;
        Ok((Self { commands, thread: Mutex::new(Some(thread)) }, term))
    }

    pub(super) fn abdicate(&self) {
        self.order(Command::Abdicate);
    }

    pub(super) fn leave(&self) {
        self.order(Command::Leave);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            log::error!("The keeper of the lease ended with a panic");
        }
    }

    fn order(&self, command: Command) {
        let (done, answer) = channel();
        if self.commands.send((command, done)).is_ok() {
            // The thread that is gone has nothing to do any more.
            let _ = answer.recv();
        }
    }
}

struct Watchman {
    store: Store,
    me: Owner,
    sharing: Sharing,
    timing: Timing,
    lease: Arc<Lease>,
    term: watch::Sender<Option<Term>>,
    /// Whether it wants to lead.
    claims: bool,
    claimed: Option<Instant>,
    failing: bool,
}

/// What a turn has found.
enum Found {
    Alive(Option<Term>),
    Replaced,
}

impl Watchman {
    fn run(mut self, orders: &Receiver<(Command, Sender<()>)>) {
        let mut next = Instant::now() + self.pause();
        loop {
            match orders.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok((command, done)) => {
                    let is_last = matches!(command, Command::Leave);
                    self.obey(&command);
                    // Nobody may wait any more.
                    let _ = done.send(());
                    if is_last {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.turn();
                    next = Instant::now() + self.pause();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn leads(&self) -> bool {
        self.term.borrow().is_some()
    }

    /// Until the next turn: the claims of those who do not lead have a time of their own.
    fn pause(&self) -> Duration {
        if self.claims && !self.leads() { self.timing.ping.min(self.timing.claim) } else { self.timing.ping }
    }

    fn turn(&mut self) {
        let asked = boottime_us();
        let term = self.term.borrow().clone();
        let is_due = self.claimed.is_none_or(|at| at.elapsed() >= self.timing.claim.mul_f32(0.9));
        let may_claim = self.claims && is_due;
        let (me, grace_us) = (self.me.clone(), self.timing.grace_us());
        let patience_us = may_claim.then_some(self.patience_us());
        match self.store.apart(|session| look(session, &me, term.as_ref(), grace_us, patience_us)) {
            Ok(Found::Alive(now)) => self.alive(asked, now, may_claim),
            Ok(Found::Replaced) => {
                log::error!("Another process runs as instance {}; this one ends", self.me.name);
                std::process::exit(1);
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    log::error!("The heartbeat could not be written, the lease runs out error={error}");
                }
            }
        }
        metrics::get().leads.set(i64::from(self.leads() && self.lease.holds()));
    }

    /// For how long another leader may be silent: the file's lock proves that there is none.
    fn patience_us(&self) -> i64 {
        if self.sharing == Sharing::Sole { -1 } else { self.timing.grace_us() }
    }

    fn alive(&mut self, asked: u64, now: Option<Term>, has_claimed: bool) {
        if std::mem::replace(&mut self.failing, false) {
            log::info!("The heartbeat is written again");
        }
        if self.sharing == Sharing::Several && self.lease.renew(asked) {
            metrics::get().lease_breaks.inc();
            log::warn!("The lease had run out and was begun anew");
        }
        let before = self.term.borrow().clone();
        if has_claimed && before.is_none() {
            self.claimed = Some(Instant::now());
        }
        if before != now {
            match &now {
                Some(term) => log::info!("This instance leads epoch={}", term.epoch),
                None => log::warn!("This instance does not lead any more"),
            }
            self.term.send_replace(now);
        }
    }

    fn obey(&mut self, command: &Command) {
        self.claims = false;
        let term = self.term.send_replace(None);
        let me = self.me.clone();
        let is_last = matches!(command, Command::Leave);
        let outcome = self.store.apart(|session| {
            if let Some(term) = &term {
                session.abdicate(term)?;
            }
            if is_last { session.withdraw(&me) } else { Ok(()) }
        });
        if let Err(error) = outcome {
            log::warn!("The others could not be told that this instance ends error={error}");
        }
    }
}

fn look(
    session: &mut dyn Session,
    me: &Owner,
    term: Option<&Term>,
    grace_us: i64,
    patience_us: Option<i64>,
) -> QueryResult<Found> {
    if !session.heartbeat(me)? {
        return Ok(Found::Replaced);
    }
    if let Some(term) = term
        && session.ping(term, grace_us)?
    {
        return Ok(Found::Alive(Some(term.clone())));
    }
    let claim = |patience_us| session.claim(me, patience_us);
    Ok(Found::Alive(patience_us.map(claim).transpose()?.flatten()))
}
