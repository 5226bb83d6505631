//! What requests write of tasks: creation, stop, retry, removal.
//!
//! Invariant: each is one transaction under a condition on the task's status; a stop holds for the children in the same
//! transaction.

use super::jobs::{about_task, count_child, over};
use super::model::{Outcome, Status};
use crate::clock::Timestamp;
use crate::store::tasks::{Change, TaskRow};
use crate::store::{Job, QueryResult, Session};

/// Creates a task and releases it.
#[derive(Clone, Debug)]
pub(super) struct Create {
    pub row: TaskRow,
    pub now: Timestamp,
}

impl Job for Create {
    type Output = Option<TaskRow>;

    fn run(&self, session: &mut dyn Session) -> QueryResult<Option<TaskRow>> {
        session.insert_tasks(std::slice::from_ref(&self.row))?;
        let queued = Change::to(Status::Queued, self.now);
        session.change_task(&self.row.id, &[Status::Requested], None, &queued, self.now)?;
        session.task(&self.row.id)
    }
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    Unknown,
    /// It is not possible with this status.
    Refused(Status),
    /// There is nothing that failed.
    NothingFailed,
    /// It was tried as often as it may be.
    OutOfAttempts,
}

/// Whether children are stopped as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagate {
    /// They are.
    Children,
    /// Those at work go on to their end; no more are begun.
    Nothing,
}

/// Asks a task to stop.
#[derive(Clone, Debug)]
pub(super) struct Terminate {
    pub id: String,
    pub propagate: Propagate,
    pub by: Option<String>,
    pub now: Timestamp,
}

impl Job for Terminate {
    type Output = Answer;

    fn run(&self, session: &mut dyn Session) -> QueryResult<Answer> {
        let Self { id, propagate, by, now } = self;
        let Some(row) = session.task(id)? else { return Ok(Answer::Unknown) };
        let asked = |change: Change| Change {
            terminate_us: Some(Some(now.0)),
            terminated_by: Some(by.clone()),
            ..change
        };
        let stopped = asked(
            Change::to(Status::Terminated, *now)
                .with_result(Outcome::Failure, Some("Action terminated.".to_owned())),
        );
        if session.change_task(id, &[Status::Requested, Status::Queued], None, &stopped, *now)? {
            self.tell(session, "Action terminated.")?;
            over(session, &row)?;
            if row.parent_id.is_some() {
                count_child(session, &row, Outcome::Failure, Some("Action terminated."), *now)?;
            }
            return Ok(Answer::Done);
        }
        let stopping = asked(Change::to(Status::Terminating, *now));
        if !session.change_task(id, &[Status::Running], None, &stopping, *now)? {
            return Ok(Answer::Refused(row.status.parse().unwrap_or(Status::Complete)));
        }
        self.tell(session, "Termination was asked for.")?;
        let waiting = [Status::Requested, Status::Queued];
        // In one statement each: there may be very many, and everybody else waits for the writer.
        session.add_entities(id, row.retry, &waiting, Outcome::Failure)?;
        let never_begun = session.change_children(id, row.retry, &waiting, &stopped, *now)?;
        if never_begun > 0 {
            // Read again: the row is locked only by now.
            let result = session.task(id)?.map(|row| row.result_status).unwrap_or_default();
            let before: Outcome = result.parse().unwrap_or(Outcome::Incomplete);
            let after = before.after_failure().name().to_owned();
            let change = Change { result_status: Some(after), ..Change::default() };
            session.change_task(id, &[Status::Terminating], None, &change, *now)?;
        }
        if *propagate == Propagate::Children {
            session.change_children(id, row.retry, &[Status::Running], &stopping, *now)?;
        }
        Ok(Answer::Done)
    }
}

impl Terminate {
    fn tell(&self, session: &mut dyn Session, text: &str) -> QueryResult<()> {
        let by = self.by.as_deref().map(|user| format!(" by {user}")).unwrap_or_default();
        let text = format!("{}{by}.", text.trim_end_matches('.'));
        session.add_messages(&self.id, &[about_task(&self.id, text, false, self.now)]).map(drop)
    }
}

/// Queues a task anew for what failed.
#[derive(Clone, Debug)]
pub(super) struct Retry {
    pub id: String,
    pub now: Timestamp,
}

impl Job for Retry {
    type Output = Answer;

    fn run(&self, session: &mut dyn Session) -> QueryResult<Answer> {
        let Self { id, now } = self;
        let Some(row) = session.task(id)? else { return Ok(Answer::Unknown) };
        let status: Status = row.status.parse().unwrap_or(Status::Running);
        if !status.is_final() || row.parent_id.is_some() {
            return Ok(Answer::Refused(status));
        }
        let entities = session.entities(std::slice::from_ref(id))?;
        let (good, bad): (Vec<_>, Vec<_>) =
            entities.into_iter().partition(|(_, _, outcome)| outcome == Outcome::Success.name());
        if bad.is_empty() || row.result_status == Outcome::Success.name() {
            return Ok(Answer::NothingFailed);
        }
        if row.retry >= row.max_retry {
            let text = "Retry requested, out of attempts.".to_owned();
            session.add_messages(id, &[about_task(id, text, true, *now)])?;
            return Ok(Answer::OutOfAttempts);
        }
        let retry = row.retry.saturating_add(1);
        let result = if good.is_empty() { Outcome::Incomplete } else { Outcome::Success };
        let change = Change {
            retry: Some(retry),
            result_message: Some(None),
            finished_us: Some(None),
            terminate_us: Some(None),
            terminated_by: Some(None),
            ..Change::to(Status::Queued, *now).with_result(result, None)
        };
        if !session.change_task(id, &[Status::Terminated, Status::Complete], None, &change, *now)? {
            return Ok(Answer::Refused(status));
        }
        for (_, entity, _) in good {
            session.add_entity(id, retry, &entity, Outcome::Success)?;
        }
        let text = "Retrying task for failed entities.".to_owned();
        session.add_messages(id, &[about_task(id, text, false, *now)])?;
        Ok(Answer::Done)
    }
}

/// Removes tasks and their messages.
#[derive(Clone, Debug)]
pub(super) struct Drop(pub Vec<String>);

impl Job for Drop {
    type Output = usize;

    fn run(&self, session: &mut dyn Session) -> QueryResult<usize> {
        session.delete_tasks(&self.0)
    }
}
