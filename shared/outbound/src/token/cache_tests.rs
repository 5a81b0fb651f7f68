#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use http::HeaderValue;
use tokio::sync::Semaphore;
use tokio::time::{advance, timeout};

use super::{Outcome, Source, TokenCache};
use crate::token::Grant;
use crate::{TokenError, TokenProblem};

/// Gives tokens that are numbered from 1, as it is told.
#[derive(Debug)]
struct Server {
    asked: AtomicUsize,
    life: Option<Duration>,
    /// Who may be answered.
    gate: Semaphore,
    failures: Mutex<VecDeque<bool>>,
}

impl Source for Arc<Server> {
    async fn token(&self) -> Result<Grant, TokenError> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.gate.acquire().await.unwrap().forget();
        if self.failures.lock().unwrap().pop_front().unwrap_or(false) {
            return Err(TokenError::Unusable {
                origin: "https://id.example".into(),
                problem: TokenProblem::Form,
            });
        }
        Ok(Grant {
            authorization: HeaderValue::from_str(&number.to_string()).unwrap(),
            life: self.life,
        })
    }
}

/// A server that answers at once.
fn server(life: Option<u64>, failures: &[bool]) -> (Arc<Server>, TokenCache<Arc<Server>>) {
    let server = Arc::new(Server {
        asked: AtomicUsize::new(0),
        life: life.map(Duration::from_secs),
        gate: Semaphore::new(1000),
        failures: Mutex::new(failures.iter().copied().collect()),
    });
    (Arc::clone(&server), TokenCache::new(server))
}

fn number(outcome: Outcome) -> usize {
    let token = outcome.unwrap();
    token.authorization.to_str().unwrap().parse().unwrap()
}

/// Lets what was started beside come to its end.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

async fn pass(seconds: f64) {
    advance(Duration::from_secs_f64(seconds)).await;
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn however_many_wait_there_is_one_request() {
    let (server, cache) = server(Some(3600), &[]);
    let numbers = join_all((0..500).map(|_| cache.token())).await;
    assert!(numbers.into_iter().map(number).all(|number| number == 1));
    assert_eq!(number(cache.token().await), 1);
    assert_eq!(server.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn at_80_percent_it_is_renewed_beside_the_calls() {
    let (server, cache) = server(Some(100), &[]);
    assert_eq!(number(cache.token().await), 1);
    pass(79.9).await;
    assert_eq!(number(cache.token().await), 1);
    settle().await;
    assert_eq!(server.asked.load(Ordering::SeqCst), 1);
    // The renewal hangs: everybody goes on with the old one, and nobody starts another.
    server.gate.forget_permits(1000);
    pass(0.2).await;
    for _ in 0..20 {
        assert_eq!(number(cache.token().now_or_never().unwrap()), 1);
        settle().await;
    }
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
    server.gate.add_permits(1);
    settle().await;
    assert_eq!(number(cache.token().await), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_fails_no_call_and_is_tried_again_once_a_second() {
    let (server, cache) = server(Some(100), &[false, true, true, true]);
    assert_eq!(number(cache.token().await), 1);
    pass(80.0).await;
    for _ in 0..20 {
        assert_eq!(number(cache.token().await), 1);
        pass(0.1).await;
    }
    // At 80.0, 81.0: twenty calls in two seconds.
    assert_eq!(server.asked.load(Ordering::SeqCst), 3);
    pass(18.5).await;
    // It has ended, and there is no other: now its failure is theirs.
    assert!(cache.token().await.is_err());
    pass(1.0).await;
    assert_eq!(number(cache.token().await), 5);
}

#[tokio::test(start_paused = true)]
async fn a_server_in_trouble_is_asked_once_a_second_at_the_most() {
    let (server, cache) = server(None, &[true, true]);
    for _ in 0..50 {
        assert!(cache.token().await.is_err());
    }
    assert_eq!(server.asked.load(Ordering::SeqCst), 1);
    pass(1.0).await;
    assert!(
        join_all((0..50).map(|_| cache.token()))
            .await
            .iter()
            .all(Result::is_err)
    );
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_life_it_is_used_until_it_is_refused() {
    let (server, cache) = server(None, &[]);
    let first = cache.token().await.unwrap();
    pass(1e6).await;
    assert!(Arc::ptr_eq(&first, &cache.token().await.unwrap()));
    assert_eq!(number(cache.renewed(&first).await), 2);
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn many_who_are_refused_together_renew_once() {
    let (server, cache) = server(Some(3600), &[]);
    let first = cache.token().await.unwrap();
    let renewed = join_all((0..100).map(|_| cache.renewed(&first))).await;
    assert!(renewed.into_iter().map(number).all(|number| number == 2));
    // Somebody whose refusal comes late finds that it was done.
    assert_eq!(number(cache.renewed(&first).await), 2);
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_lives_for_no_time_is_still_used_once() {
    let (server, cache) = server(Some(0), &[]);
    assert_eq!(number(cache.token().await), 1);
    assert_eq!(number(cache.token().await), 2);
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn who_started_it_may_give_up_and_the_others_get_it() {
    let (server, cache) = server(Some(100), &[]);
    server.gate.forget_permits(1000);
    assert!(
        timeout(Duration::from_secs(1), cache.token())
            .await
            .is_err()
    );
    let waiting = cache.token();
    server.gate.add_permits(1);
    let outcome = timeout(Duration::from_secs(1), waiting).await;
    assert_eq!(number(outcome.unwrap()), 1);
    assert_eq!(server.asked.load(Ordering::SeqCst), 1);
}
