//! The processes that share one database: who is alive, who leads, who owns a node.
//!
//! Invariant: only the database decides, by its own clock. What a process knows of itself is a lease that ends
//! before the others take it for dead; unattended work carries the term of its leader and is void in another.

mod guard;
mod keeper;
mod lease;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use uuid::Uuid;

pub use self::guard::{Guard, Held, allows, may_write};
use self::keeper::Keeper;
pub use self::lease::Lease;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::cluster::{Dead, Orphan, Registration};
use crate::store::{Job, QueryResult, Session};

/// One process: which of all that had the name of its instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The name of the instance.
    pub name: Arc<str>,
    /// The first process of the name has 1.
    pub epoch: i64,
}

impl Owner {
    /// As two columns have it.
    #[must_use]
    pub fn stored(name: Option<String>, epoch: Option<i64>) -> Option<Self> {
        name.zip(epoch).map(|(name, epoch)| Self { name: name.into(), epoch })
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.name {
            "" => f.write_str("no instance"),
            name => write!(f, "instance {name}"),
        }
    }
}

/// The leadership of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Who leads.
    pub holder: Owner,
    /// Counts the changes of leadership.
    pub epoch: i64,
}

/// Who leads, as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leader {
    /// The name of the instance.
    pub instance: String,
    /// Microseconds since its last ping, by the database's clock.
    pub ping_age_us: i64,
}

/// An instance, as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its name, and which process of that name.
    pub owner: Owner,
    /// The process.
    pub uuid: Uuid,
    /// Where it listens.
    pub address: String,
    /// Of the program.
    pub version: String,
    /// When the process started, by the database's clock.
    pub started_at: Timestamp,
    /// When it was last known to live; `None` where it has ended in order.
    pub heartbeat_at: Option<Timestamp>,
    /// Whether that is recent enough.
    pub is_alive: bool,
    /// Whether it does the unattended work.
    pub is_leader: bool,
}

/// When what is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between two heartbeats, and two pings of the leader.
    pub ping: Duration,
    /// Without a heartbeat for so long a process is dead.
    pub grace: Duration,
    /// Between two attempts to lead.
    pub claim: Duration,
}

impl Timing {
    /// Where nobody else can be there, and a heartbeat is only for those who look at the list.
    pub const SOLE: Self =
        Self { ping: Duration::from_secs(30), grace: Duration::from_secs(90), claim: Duration::from_secs(1) };

    /// The grace period as the database counts it.
    #[must_use]
    pub fn grace_us(&self) -> i64 {
        i64::try_from(self.grace.as_micros()).unwrap_or(i64::MAX)
    }
}

/// Who may be there beside this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody: the lock on the database file proves it.
    Sole,
    /// Others, which may change any passive node at any time.
    Several,
}

/// This process among the others.
pub struct Cluster {
    me: Owner,
    sharing: Sharing,
    timing: Timing,
    lease: Arc<Lease>,
    term: watch::Receiver<Option<Term>>,
    keeper: Keeper,
}

impl Cluster {
    /// Enters the process among the others, and begins to keep its lease. Blocks.
    ///
    /// # Errors
    /// Where the database can not be used.
    pub fn join(store: &Store, name: String, address: String, timing: Timing) -> Result<Arc<Self>> {
        let sharing = store.sharing();
        let timing = if sharing == Sharing::Sole { Timing::SOLE } else { timing };
        let registration = Registration { name: name.clone(), uuid: Uuid::new_v4(), address };
        let asked = lease::boottime_us();
        let epoch = store.apart(|session| session.register(&registration))?;
        let me = Owner { name: name.into(), epoch };
        let lease = Arc::new(match sharing {
            Sharing::Sole => Lease::permanent(),
            Sharing::Several => Lease::new(asked, timing.grace),
        });
        let (keeper, term) = Keeper::start(store.clone(), me.clone(), sharing, timing, Arc::clone(&lease))?;
        log::info!("Registered instance={} epoch={}", me.name, me.epoch);
        Ok(Arc::new(Self { me, sharing, timing, lease, term, keeper }))
    }

    /// This process.
    #[must_use]
    pub fn me(&self) -> &Owner {
        &self.me
    }

    /// Who may be there beside it.
    #[must_use]
    pub fn sharing(&self) -> Sharing {
        self.sharing
    }

    /// When what is done.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// The lease of this process.
    #[must_use]
    pub fn lease(&self) -> &Arc<Lease> {
        &self.lease
    }

    /// The term of this process, while it leads.
    #[must_use]
    pub fn term(&self) -> Option<Term> {
        self.term.borrow().clone().filter(|_| self.lease.holds())
    }

    /// The database for unattended work: everything that is written through it is void if this process does not lead
    /// any more. `None` while it does not.
    #[must_use]
    pub fn leading(&self, store: &Store) -> Option<Store> {
        self.term().map(|term| store.under(term))
    }

    /// Waits until this process leads. To be asked again each time: it may last for a moment only.
    pub async fn lead(&self, store: &Store) -> Store {
        let mut term = self.term.clone();
        loop {
            if let Some(store) = self.leading(store) {
                return store;
            }
            let pause = self.timing.claim.min(Duration::from_secs(1));
            // The sender ends with the process.
            drop(tokio::time::timeout(pause, term.changed()).await);
            tokio::task::yield_now().await;
        }
    }

    /// Whose nodes are to be taken over now, if any: those of silent processes only by one that has not been silent
    /// itself, as after a trouble of the database everybody is.
    #[must_use]
    pub fn dead(&self) -> Dead<'_> {
        match self.sharing {
            Sharing::Sole => Dead::Others(&self.me),
            Sharing::Several if self.lease.unbroken() >= self.timing.grace => {
                Dead::Silent(self.timing.grace_us())
            }
            Sharing::Several => Dead::Predecessors(&self.me),
        }
    }

    /// Lets another lead. Blocks.
    pub fn abdicate(&self) {
        self.keeper.abdicate();
    }

    /// Ends the lease: what is still owned is anybody's. Blocks.
    pub fn leave(&self) {
        self.keeper.leave();
    }
}

/// What may be asked of the cluster.
#[async_trait(?Send)]
pub trait Members {
    /// All instances, by name.
    async fn instances(&self) -> Result<Vec<Instance>>;

    /// Who leads, or led last.
    async fn leader(&self) -> Result<Option<Leader>>;
}

/// The cluster, as the database has it.
pub struct StoredMembers {
    /// This process.
    pub cluster: Arc<Cluster>,
    /// The database.
    pub store: Store,
}

#[async_trait(?Send)]
impl Members for StoredMembers {
    async fn instances(&self) -> Result<Vec<Instance>> {
        let grace_us = self.cluster.timing.grace_us();
        self.store.read(move |session| session.instances(grace_us)).await
    }

    async fn leader(&self) -> Result<Option<Leader>> {
        self.store.read(|session| session.leader()).await
    }
}

/// Takes orphans over; answers which.
#[derive(Clone, Debug)]
pub struct TakeOver {
    /// Which.
    pub orphans: Vec<Orphan>,
    /// By whom.
    pub me: Owner,
}

impl Job for TakeOver {
    type Output = Vec<Uuid>;

    fn nodes(&self) -> Vec<Uuid> {
        self.orphans.iter().map(|orphan| orphan.node).collect()
    }

    fn run(&self, session: &mut dyn Session) -> QueryResult<Vec<Uuid>> {
        let mut taken = Vec::new();
        for orphan in &self.orphans {
            if session.take_over(orphan, &self.me)? {
                taken.push(orphan.node);
            }
        }
        Ok(taken)
    }
}

/// Owns a passive node while something is done for it.
#[derive(Clone, Debug)]
pub struct Hold {
    /// The node.
    pub node: Uuid,
    /// The version that its record has to have; one more from then on.
    pub version: i64,
    /// Who.
    pub me: Owner,
}

impl Job for Hold {
    type Output = bool;

    fn run(&self, session: &mut dyn Session) -> QueryResult<bool> {
        session.hold(self.node, self.version, &self.me)
    }
}

/// Gives back what was held.
#[derive(Clone, Debug)]
pub struct Release(pub Hold);

impl Job for Release {
    type Output = ();

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        let Hold { node, version, me } = &self.0;
        session.release(*node, version.saturating_add(1), me)
    }
}

/// Why a call is not made any more.
pub const NOT_OURS: &str = "The node belongs to another instance now";

/// What was asked for under a term that is over.
pub(crate) fn deposed() -> Error {
    Error::conflict("Another instance leads now; nothing was written")
}
