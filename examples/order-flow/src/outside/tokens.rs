//! Access tokens that live for ten seconds.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long a token lives.
pub(super) const LIFE: Duration = Duration::from_secs(10);

/// Tokens that were given.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    given: u64,
    living: HashMap<String, Instant>,
}

impl Tokens {
    /// A new one.
    pub(super) fn give(&mut self, now: Instant) -> String {
        self.given += 1;
        self.living
            .retain(|_, born| now.duration_since(*born) < LIFE);
        let token = format!("token-{}-{:016x}", self.given, rand::random::<u64>());
        self.living.insert(token.clone(), now);
        token
    }

    /// Whether somebody who shows this may come in.
    pub(super) fn admit(&self, shown: Option<&str>, now: Instant) -> bool {
        let token = shown.and_then(|value| value.strip_prefix("Bearer "));
        let born = token.and_then(|token| self.living.get(token));
        born.is_some_and(|born| now.duration_since(*born) < LIFE)
    }

    /// Nobody may.
    pub(super) fn forget(&mut self) {
        self.living.clear();
    }

    pub(super) fn given(&self) -> u64 {
        self.given
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{LIFE, Tokens};

    #[test]
    fn a_token_is_good_for_ten_seconds_and_not_after_it_was_forgotten() {
        let mut tokens = Tokens::default();
        let now = Instant::now();
        let shown = format!("Bearer {}", tokens.give(now));
        assert!(tokens.admit(Some(&shown), now + LIFE / 2));
        assert!(!tokens.admit(Some(&shown), now + LIFE));
        assert!(!tokens.admit(Some("Bearer other"), now) && !tokens.admit(None, now));
        tokens.forget();
        assert!(!tokens.admit(Some(&shown), now));
    }
}
