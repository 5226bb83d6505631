//! Who is asking: what is known of the request that the present task works for.
//!
//! Set at the edge, around the handler, and by whoever goes on with a request's work elsewhere (a node's actor, other
//! threads); read wherever a log line, the history or a call of another service names who asked. It must not decide
//! anything.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

tokio::task_local! {
    static REQUEST: Request;
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The id of the request, as answered to the client.
    pub request_id: Arc<str>,
    /// The user, where it was proved.
    pub user: Option<Arc<str>>,
}

/// As the history has it: the user, where there is one, and the id of the request.
impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => write!(f, "{user} {}", self.request_id),
            None => f.write_str(&self.request_id),
        }
    }
}

impl Asker {
    /// A request of nobody in particular.
    #[must_use]
    pub fn anonymous(request_id: &str) -> Self {
        Self { request_id: request_id.into(), user: None }
    }

    /// Who is named in the history; nothing where that was a part of the service.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        let (user, id) = match text.rsplit_once(' ') {
            Some((user, id)) => (Some(user), id),
            None => (None, text),
        };
        id.starts_with(ID_PREFIX).then(|| Self { request_id: id.into(), user: user.map(Arc::from) })
    }
}

/// What the ids of requests begin with.
pub const ID_PREFIX: &str = "req-";

/// A request under way.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub asker: Asker,
    /// When its head was read; when the work was taken up, where that goes on without the client.
    pub received: Instant,
}

impl Request {
    /// Runs `work` as part of this request.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        REQUEST.scope(self, work).await
    }
}

fn current() -> Option<Request> {
    REQUEST.try_with(Request::clone).ok()
}

/// `work` as part of the request that the present task works for, wherever it is run.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let request = current();
    async move {
        match request {
            Some(request) => request.scope(work).await,
            None => work.await,
        }
    }
}

/// The same for work that blocks, on a thread of its own.
pub fn carried_blocking<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let request = current();
    move || match request {
        Some(request) => REQUEST.sync_scope(request, work),
        None => work(),
    }
}

/// Does a step, which may begin work that is to be [`carried`], for this asker; for nobody where there is none.
pub fn on_behalf<T>(asker: Option<Asker>, step: impl FnOnce() -> T) -> T {
    match asker {
        Some(asker) => REQUEST.sync_scope(Request { asker, received: Instant::now() }, step),
        None => step(),
    }
}

/// Runs `work` as asked for by this user, who was found out only on the way.
pub async fn as_user<F: Future>(user: String, work: F) -> F::Output {
    match current() {
        Some(Request { asker: Asker { request_id, .. }, received }) => {
            let asker = Asker { request_id, user: Some(user.into()) };
            Request { asker, received }.scope(work).await
        }
        None => work.await,
    }
}

/// Who asks for what the present task does.
#[must_use]
pub fn asker() -> Option<Asker> {
    REQUEST.try_with(|request| request.asker.clone()).ok()
}

/// The id of the request that the present task works for.
#[must_use]
pub fn request_id() -> Option<Arc<str>> {
    REQUEST.try_with(|request| Arc::clone(&request.asker.request_id)).ok()
}

/// When the request that the present task works for came in; now, where there is none.
#[must_use]
pub fn received() -> Instant {
    REQUEST.try_with(|request| request.received).unwrap_or_else(|_| Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request { asker: Asker::anonymous("req-1"), received: Instant::now() }
    }

    fn shown() -> Option<String> {
        asker().map(|asker| asker.to_string())
    }

    #[tokio::test]
    async fn the_asker_is_the_request_and_its_user() {
        assert_eq!(asker(), None);
        assert_eq!(as_user("admin".to_owned(), async { asker() }).await, None);
        assert_eq!(request().scope(async { shown() }).await.as_deref(), Some("req-1"));
        let work = as_user("admin".to_owned(), async { shown() });
        assert_eq!(request().scope(work).await.as_deref(), Some("admin req-1"));
    }

    #[tokio::test]
    async fn work_is_carried_to_tasks_and_threads() {
        let begun = on_behalf(Some(Asker::anonymous("req-2")), || {
            (tokio::spawn(carried(async { shown() })), tokio::task::spawn_blocking(carried_blocking(shown)))
        });
        assert_eq!(asker(), None);
        assert_eq!(begun.0.await.unwrap().as_deref(), Some("req-2"));
        assert_eq!(begun.1.await.unwrap().as_deref(), Some("req-2"));
    }

    #[test]
    fn an_asker_is_found_again_in_the_history() {
        for text in ["req-1", "admin req-1", "a b req-1"] {
            assert_eq!(Asker::named(text).unwrap().to_string(), text);
        }
        assert_eq!(Asker::named("supervisor"), None);
        assert_eq!(Asker::named("rollcall db import"), None);
    }
}
