//! Who a request of the API comes from.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use dragoman_store::{KeyScope, Store, hash_of_key};
use http::{HeaderMap, header};

use crate::error::chain;

/// How long what is known of a key counts: a revoked key works no longer than this.
const FRESH: Duration = Duration::from_millis(500);
/// How many keys are remembered, valid or not.
const REMEMBERED: usize = 1024;

/// Why a request has no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyFault {
    /// There is no key in it.
    Missing,
    /// The key is none, was revoked, or has ended.
    Invalid,
    /// The database did not say.
    Unavailable,
}

/// The live keys, as they were last seen.
#[derive(Debug)]
pub(crate) struct Keys {
    store: Store,
    /// How long the database may take to answer.
    patience: Duration,
    seen: std::sync::Mutex<HashMap<[u8; 32], Seen>>,
    /// Held while the database is asked, so that of many requests with one key one
    /// asks. Holds when the database last failed to answer.
    asking: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Debug, Clone)]
struct Seen {
    at: Instant,
    scope: Option<Arc<KeyScope>>,
}

impl Keys {
    pub(crate) fn new(store: Store, patience: Duration) -> Self {
        Self {
            store,
            patience,
            seen: std::sync::Mutex::new(HashMap::new()),
            asking: tokio::sync::Mutex::new(None),
        }
    }

    /// What the bearer of the request's key may write.
    ///
    /// # Errors
    /// Why nothing.
    pub(crate) async fn scope(
        &self,
        headers: &HeaderMap,
        now: DateTime<Utc>,
    ) -> Result<Arc<KeyScope>, KeyFault> {
        let key = bearer(headers).ok_or(KeyFault::Missing)?;
        let scope = self.find(hash_of_key(key)).await?;
        let live = scope.filter(|scope| scope.expires_at.is_none_or(|end| end > now));
        live.ok_or(KeyFault::Invalid)
    }

    async fn find(&self, hash: [u8; 32]) -> Result<Option<Arc<KeyScope>>, KeyFault> {
        let asked_for = Instant::now();
        if let Some(seen) = self.seen(&hash) {
            return Ok(seen.scope);
        }
        let mut failed = self.asking.lock().await;
        if let Some(seen) = self.seen(&hash) {
            return Ok(seen.scope);
        }
        // Whoever waited while the database failed somebody else need not wait for the
        // same once more.
        if failed.is_some_and(|failed| failed >= asked_for) {
            return Err(KeyFault::Unavailable);
        }
        let at = Instant::now();
        match tokio::time::timeout(self.patience, self.store.find_key(&hash)).await {
            Ok(Ok(scope)) => {
                let scope = scope.map(Arc::new);
                self.remember(hash, at, scope.clone());
                return Ok(scope);
            }
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&error), "a key could not be looked up");
            }
            Err(_) => tracing::warn!("the database does not answer when asked for a key"),
        }
        *failed = Some(Instant::now());
        Err(KeyFault::Unavailable)
    }

    fn seen(&self, hash: &[u8; 32]) -> Option<Seen> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(hash)
            .filter(|seen| seen.at.elapsed() < FRESH)
            .cloned()
    }

    fn remember(&self, hash: [u8; 32], at: Instant, scope: Option<Arc<KeyScope>>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        seen.insert(hash, Seen { at, scope });
    }
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
