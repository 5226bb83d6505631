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
    /// Who asks, where it was proved.
    pub user: Option<String>,
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

/// Runs `work` as asked for by this user, who was found out only on the way.
pub async fn as_user<F: Future>(user: String, work: F) -> F::Output {
    match REQUEST.try_with(Request::clone) {
        Ok(request) => Request { user: Some(user), ..request }.scope(work).await,
        Err(_) => work.await,
    }
}

/// Who asks for what the present task does: the user, where there is one, and the id of the request.
#[must_use]
pub fn asker() -> Option<String> {
    let name = |Request { id, user, .. }: &Request| match user {
        Some(user) => format!("{user} {id}"),
        None => id.clone(),
    };
    REQUEST.try_with(name).ok()
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
        Request { id: "req-1".to_owned(), user: None, received: Instant::now() }
    }

    #[tokio::test]
    async fn the_asker_is_the_request_and_its_user() {
        assert_eq!(asker(), None);
        assert_eq!(as_user("admin".to_owned(), async { asker() }).await, None);
        assert_eq!(request().scope(async { asker() }).await.as_deref(), Some("req-1"));
        let work = as_user("admin".to_owned(), async { asker() });
        assert_eq!(request().scope(work).await.as_deref(), Some("admin req-1"));
    }
}
