//! Keeping a token: one request however many wait, renewed before it ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dragoman_faults::{Bug, planted};
use http::HeaderValue;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Grant, TokenError};

/// A token is renewed when so much of its life is over.
const RENEWED_AT: f64 = 0.8;

/// The least time from a failed request to the next: a server in trouble is not helped by
/// one for each event.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Who gives tokens.
pub(crate) trait Source: Send + Sync + 'static {
    /// A new token.
    fn token(&self) -> impl Future<Output = Result<Grant, TokenError>> + Send;
}

/// A token that may be used.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) authorization: HeaderValue,
    /// When it is renewed and when it ends; `None`: when the receiver refuses it.
    life: Option<Life>,
}

#[derive(Debug, Clone, Copy)]
struct Life {
    renew: Instant,
    end: Instant,
}

type Outcome = Result<Arc<Token>, TokenError>;

/// Keeps the token of one source, for all who call with it.
#[derive(Debug)]
pub(crate) struct TokenCache<S> {
    shared: Arc<Shared<S>>,
}

#[derive(Debug)]
struct Shared<S> {
    source: S,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Arc<Token>>,
    /// Closed when whoever asks was stopped.
    under_way: Option<watch::Receiver<Option<Outcome>>>,
    failed: Option<(Instant, TokenError)>,
}

impl<S: Source> TokenCache<S> {
    pub(crate) fn new(source: S) -> Self {
        let state = Mutex::default();
        Self {
            shared: Arc::new(Shared { source, state }),
        }
    }

    /// A token that has not ended. Nobody waits while there is one: the first who finds it
    /// due for renewal has that done beside the calls, and if it fails the old one is used
    /// on until its end.
    pub(crate) async fn token(&self) -> Outcome {
        if planted(Bug::TokenPerCaller) {
            return self.shared.request().await;
        }
        let outcome = {
            let mut state = self.shared.state();
            let now = Instant::now();
            if let Some(token) = state.valid(now) {
                if token.is_due(now) && state.recent_failure(now).is_none() {
                    self.ask(&mut state);
                }
                return Ok(token);
            }
            self.awaited(&mut state, now)?
        };
        wait_for(outcome).await
    }

    /// A token other than the one that the receiver has refused: what somebody got since,
    /// or a new one.
    pub(crate) async fn renewed(&self, refused: &Arc<Token>) -> Outcome {
        if planted(Bug::TokenPerCaller) {
            return self.shared.request().await;
        }
        let outcome = {
            let mut state = self.shared.state();
            let now = Instant::now();
            if let Some(token) = state.valid(now) {
                if !Arc::ptr_eq(&token, refused) {
                    return Ok(token);
                }
                state.token = None;
            }
            self.awaited(&mut state, now)?
        };
        wait_for(outcome).await
    }

    /// What comes of the request that is under way, or of a new one.
    fn awaited(
        &self,
        state: &mut State,
        now: Instant,
    ) -> Result<watch::Receiver<Option<Outcome>>, TokenError> {
        if state.is_under_way() {
            return Ok(self.ask(state));
        }
        match state.recent_failure(now) {
            Some(error) => Err(error.clone()),
            None => Ok(self.ask(state)),
        }
    }

    /// Joins the request that is under way, or starts one. It runs by itself: it goes on
    /// when the call that started it is given up.
    fn ask(&self, state: &mut State) -> watch::Receiver<Option<Outcome>> {
        if let Some(outcome) = state.under_way.as_ref().filter(|_| state.is_under_way()) {
            return outcome.clone();
        }
        let (sender, outcome) = watch::channel(None);
        state.under_way = Some(outcome.clone());
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            let outcome = shared.request().await;
            if let Err(error) = &outcome {
                let error: &(dyn std::error::Error + 'static) = error;
                tracing::warn!(error, "no access token was given");
            }
            shared.state().settle(&outcome);
            sender.send_replace(Some(outcome));
        });
        outcome
    }
}

impl<S: Source> Shared<S> {
    async fn request(&self) -> Outcome {
        // The life is counted from before the request: the server did not start later.
        let asked = Instant::now();
        let answer = self.source.token().await;
        answer.map(|grant| Arc::new(Token::new(grant, asked)))
    }
}

impl<S> Shared<S> {
    /// The state is whole at every moment, so a panic elsewhere has not broken it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn valid(&self, now: Instant) -> Option<Arc<Token>> {
        self.token.clone().filter(|token| !token.has_ended(now))
    }

    fn is_under_way(&self) -> bool {
        self.under_way
            .as_ref()
            .is_some_and(|outcome| outcome.has_changed().is_ok())
    }

    fn recent_failure(&self, now: Instant) -> Option<&TokenError> {
        self.failed
            .as_ref()
            .filter(|(at, _)| now.duration_since(*at) < AFTER_FAILURE)
            .map(|(_, error)| error)
    }

    fn settle(&mut self, outcome: &Outcome) {
        self.under_way = None;
        match outcome {
            Ok(token) => {
                self.token = Some(Arc::clone(token));
                self.failed = None;
            }
            Err(error) => self.failed = Some((Instant::now(), error.clone())),
        }
    }
}

impl Token {
    fn new(grant: Grant, asked: Instant) -> Self {
        let life = grant.life.and_then(|life| {
            Some(Life {
                renew: asked.checked_add(life.mul_f64(RENEWED_AT))?,
                end: asked.checked_add(life)?,
            })
        });
        Self {
            authorization: grant.authorization,
            life,
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.life.is_some_and(|life| now >= life.renew)
    }

    fn has_ended(&self, now: Instant) -> bool {
        self.life.is_some_and(|life| now >= life.end)
    }
}

/// Whoever waited for a token gets it, even if it has ended by now: a token that lives for
/// no time at all must not be asked for without end.
async fn wait_for(mut outcome: watch::Receiver<Option<Outcome>>) -> Outcome {
    let settled = outcome.wait_for(Option::is_some).await;
    match settled.as_deref() {
        Ok(Some(outcome)) => outcome.clone(),
        Ok(None) | Err(_) => Err(TokenError::Stopped),
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
