//! Who is asking: what is known of the request that the present task works for.
//!
//! Set once, at the edge, around the handler; read wherever a log line or the history names who asked. It must not
//! decide anything.

use std::time::Instant;

tokio::task_local! {
    static REQUEST: Request;
}

/// A request under way.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its id, as answered to the client.
    pub id: String,
    /// When its head was read.
    pub received: Instant,
}

impl Request {
    /// Runs `work` as part of this request.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        REQUEST.scope(self, work).await
    }
}

/// `work` as part of the request that the present task works for, wherever it is run.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let request = REQUEST.try_with(Request::clone).ok();
    async move {
        match request {
            Some(request) => request.scope(work).await,
            None => work.await,
        }
    }
}

/// The id of the request that the present task works for.
#[must_use]
pub fn request_id() -> Option<String> {
    REQUEST.try_with(|request| request.id.clone()).ok()
}

/// When the request that the present task works for came in; now, where there is none.
#[must_use]
pub fn received() -> Instant {
    REQUEST.try_with(|request| request.received).unwrap_or_else(|_| Instant::now())
}
