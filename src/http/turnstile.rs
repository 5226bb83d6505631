//! Connections that are accepted at once, and served in turn.
//!
//! A rack that boots posts all at once. What is left in the kernel's backlog when that is full has a connection for
//! the client and none for us: its data is never read, and a ramdisk that waits in vain for an answer gives up. So
//! each connection is accepted, which costs little until it is read; a bounded number is read at a time, in the order
//! of coming. Invariant: the clock of a request runs from the moment its connection was accepted; who waited too long
//! is let through to be told so, a few at a time. It must not know what is asked: whoever has read it gives the place
//! up.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_rt::net::TcpStream;
use actix_web::dev::{Extensions, Service};
use futures_util::future::LocalBoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;

use crate::metrics::{self, Counted};

/// How many are told at the same time that they waited too long.
const REFUSED_AT_ONCE: usize = 32;

thread_local! {
    /// The connections that this thread serves.
    static SERVED: RefCell<HashMap<SocketAddr, Place>> = RefCell::default();
}

/// The place of a connection.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// When the connection was accepted.
    pub accepted: Instant,
    permit: Rc<RefCell<Option<OwnedSemaphorePermit>>>,
}

impl Place {
    /// Lets the next one in: what comes over this connection was read, and takes no more than it has reserved.
    pub(super) fn give_up(&self) {
        drop(self.permit.borrow_mut().take());
    }
}

/// Hands the place of a connection on to the requests that come over it.
pub(super) fn hand_on(connection: &TcpStream, data: &mut Extensions) {
    let Ok(peer) = connection.peer_addr() else { return };
    if let Some(place) = SERVED.with_borrow(|served| served.get(&peer).cloned()) {
        data.insert(place);
    }
}

/// The places of a listener, shared by its workers.
#[derive(Debug)]
pub(super) struct Places {
    read: Arc<Semaphore>,
    refused: Arc<Semaphore>,
    patience: Duration,
}

impl Places {
    /// So many connections are read at a time; each waits for its place for as long as `patience`.
    pub(super) fn new(read: usize, patience: Duration) -> Arc<Self> {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        Arc::new(Self { read: semaphore(read), refused: semaphore(REFUSED_AT_ONCE), patience })
    }

    /// A place, in turn; `None` only while the server ends.
    async fn take(&self, accepted: Instant) -> Option<Place> {
        let _counted = Counted::new(&metrics::get().held_connections);
        let patience = accepted + self.patience;
        let permit = match timeout_at(patience.into(), Arc::clone(&self.read).acquire_owned()).await {
            Ok(permit) => permit.ok()?,
            Err(_) => Arc::clone(&self.refused).acquire_owned().await.ok()?,
        };
        Some(Place { accepted, permit: Rc::new(RefCell::new(Some(permit))) })
    }
}

/// A service of connections behind a turnstile.
pub(super) struct Turnstile<S> {
    inner: Rc<S>,
    places: Arc<Places>,
}

impl<S> Turnstile<S> {
    pub(super) fn new(inner: S, places: Arc<Places>) -> Self {
        Self { inner: Rc::new(inner), places }
    }
}

impl<S> Service<TcpStream> for Turnstile<S>
where
    S: Service<TcpStream, Response = ()> + 'static,
{
    type Response = ();
    type Error = S::Error;
    type Future = LocalBoxFuture<'static, Result<(), S::Error>>;

    fn poll_ready(&self, ctx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(ctx)
    }

    fn call(&self, connection: TcpStream) -> Self::Future {
        let (inner, places, accepted) = (Rc::clone(&self.inner), Arc::clone(&self.places), Instant::now());
        Box::pin(async move {
            let Some(place) = places.take(accepted).await else { return Ok(()) };
            let _known = connection.peer_addr().ok().map(|peer| Known::new(peer, place));
            inner.call(connection).await
        })
    }
}

/// An entry of the table, as long as its connection is served.
struct Known(SocketAddr);

impl Known {
    fn new(peer: SocketAddr, place: Place) -> Self {
        SERVED.with_borrow_mut(|table| table.insert(peer, place));
        Self(peer)
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        SERVED.with_borrow_mut(|table| table.remove(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use actix_web::dev::fn_service;
    use tokio::net::TcpListener;
    use tokio::sync::Notify;

    use super::*;

    async fn connection(listener: &TcpListener) -> (TcpStream, tokio::net::TcpStream) {
        let client = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener.accept().await.unwrap().0, client)
    }

    #[actix_web::test]
    async fn connections_are_served_in_turn_and_know_when_they_were_accepted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (go, served) = (Rc::new(Notify::new()), Rc::new(RefCell::new(Vec::new())));
        let (wait, seen) = (Rc::clone(&go), Rc::clone(&served));
        let inner = fn_service(move |io: TcpStream| {
            let (wait, seen) = (Rc::clone(&wait), Rc::clone(&seen));
            async move {
                let mut data = Extensions::new();
                hand_on(&io, &mut data);
                seen.borrow_mut()
                    .push((io.peer_addr().unwrap(), data.get::<Place>().map(|place| place.accepted)));
                wait.notified().await;
                Ok::<(), Infallible>(())
            }
        });
        let inner = actix_web::dev::ServiceFactory::new_service(&inner, ()).await.unwrap();
        let turnstile = Turnstile::new(inner, Places::new(1, Duration::from_secs(60)));
        let before = Instant::now();
        let (first, a) = connection(&listener).await;
        let (second, b) = connection(&listener).await;
        let calls = futures_util::future::join(turnstile.call(first), turnstile.call(second));
        let accepted = Instant::now();
        let calls = actix_rt::spawn(calls);
        tokio::task::yield_now().await;
        assert_eq!(served.borrow().len(), 1);
        go.notify_one();
        while served.borrow().len() < 2 {
            tokio::task::yield_now().await;
        }
        go.notify_one();
        calls.await.unwrap();
        let served = served.borrow();
        assert_eq!([served[0].0, served[1].0], [a.local_addr().unwrap(), b.local_addr().unwrap()]);
        assert!(served.iter().all(|(_, at)| (before..=accepted).contains(&at.unwrap())));
        assert!(SERVED.with_borrow(HashMap::is_empty));
    }

    #[actix_web::test]
    async fn who_waits_too_long_is_let_through_to_be_told_so() {
        let places = Places::new(0, Duration::from_millis(5));
        let began = Instant::now();
        assert!(places.take(began).await.is_some());
        assert!(began.elapsed() >= Duration::from_millis(5));
    }

    #[actix_web::test]
    async fn a_place_that_is_given_up_lets_the_next_one_in() {
        let places = Places::new(1, Duration::from_secs(60));
        let first = places.take(Instant::now()).await.unwrap();
        let second = places.take(Instant::now());
        first.give_up();
        assert!(
            timeout_at((Instant::now() + Duration::from_secs(5)).into(), second).await.unwrap().is_some()
        );
    }
}
