//! Runs whose callback has to carry a token.

use super::harness::{Harness, Luck, order, posting, settings};
use super::*;
use crate::error::Kind;
use crate::node::ManageBoot;
use crate::node::token::Token;

/// A waiting node whose run has this token.
fn waiting(token: &Token) -> Harness {
    let required = Settings { tokens: Tokens::Required, ..(*settings()).clone() };
    let mut harness = Harness::new();
    harness.machine = NodeMachine::new(Uuid::nil(), Arc::new(required), None, Timeline::default());
    let ticket = harness.ticket();
    let order = StartOrder { token: Some(token.digest()), ..*order(ManageBoot::Managed) };
    harness.feed(Input::Start(ticket, Box::new(order)));
    harness.settle(Luck::Good);
    assert_eq!(harness.state(), Some(State::Waiting));
    harness
}

/// What comes of data that carries this token.
fn post(harness: &mut Harness, token: Option<&Token>, failures: &[&str]) -> Result<()> {
    let mut posting = Arc::into_inner(posting(failures)).unwrap();
    posting.token = token.map(Token::digest);
    let ticket = harness.ticket();
    harness.feed(Input::Callback(ticket, Arc::new(posting)));
    harness.settle(Luck::Good);
    harness.answers[&ticket].clone()
}

#[test]
fn data_without_the_runs_token_changes_nothing_whatever_it_says() {
    let token = Token::random();
    let mut harness = waiting(&token);
    let before = harness.row.clone();
    for carried in [None, Some(&Token::random())] {
        for failures in [&[][..], &["Ramdisk reported error: no"]] {
            assert_eq!(post(&mut harness, carried, failures).unwrap_err().kind, Kind::Forbidden);
        }
    }
    assert_eq!(harness.row, before);
    assert_eq!(harness.timeline.entries.iter().filter(|entry| entry.event == "refused").count(), 4);
    assert_eq!(post(&mut harness, Some(&token), &[]), Ok(()));
    let row = harness.row.unwrap();
    assert_eq!((row.state, row.token), (State::Finished, None));
}

#[test]
fn a_token_that_was_renewed_is_void() {
    let (first, second) = (Token::random(), Token::random());
    let mut harness = waiting(&first);
    let ticket = harness.ticket();
    harness.feed(Input::Token(ticket, second.digest()));
    harness.settle(Luck::Good);
    assert_eq!(harness.answers[&ticket], Ok(()));
    assert_eq!(harness.timeline.entries.last().unwrap().event, "token");
    assert!(post(&mut harness, Some(&first), &[]).is_err());
    assert_eq!(post(&mut harness, Some(&second), &[]), Ok(()));
}

#[test]
fn only_a_waiting_run_is_given_another_token() {
    let mut harness = Harness::new();
    let ticket = harness.ticket();
    harness.feed(Input::Token(ticket, Token::random().digest()));
    assert_eq!(harness.answers[&ticket].as_ref().unwrap_err().kind, Kind::NotFound);
    let token = Token::random();
    let mut harness = waiting(&token);
    post(&mut harness, Some(&token), &[]).unwrap();
    let ticket = harness.ticket();
    harness.feed(Input::Token(ticket, Token::random().digest()));
    assert_eq!(harness.answers[&ticket].as_ref().unwrap_err().kind, Kind::Conflict);
}

#[test]
fn a_run_without_a_token_takes_no_data_where_one_is_required() {
    let mut harness = waiting(&Token::random());
    let row = harness.row.as_mut().unwrap();
    row.token = None;
    let required = Settings { tokens: Tokens::Required, ..(*settings()).clone() };
    let row = harness.row.clone();
    harness.machine = NodeMachine::new(Uuid::nil(), Arc::new(required), row, harness.timeline.clone());
    assert_eq!(post(&mut harness, Some(&Token::random()), &[]).unwrap_err().kind, Kind::Forbidden);
}
