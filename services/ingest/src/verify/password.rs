//! Secrets that are sent as they are, compared in constant time.

use std::fmt;

use dragoman_settings::Secret;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::{OptionProblem, require_secrets};

/// Secrets of which any one may be shown. Only their hashes are kept, so that neither
/// the length of one nor how much of it was right can be timed.
pub(super) struct Passwords(Vec<[u8; 32]>);

impl fmt::Debug for Passwords {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} secrets", self.0.len())
    }
}

impl Passwords {
    /// # Errors
    /// When there is none, or an empty one: anybody could show that.
    pub(super) fn new(secrets: &[Secret]) -> Result<Self, Vec<OptionProblem>> {
        require_secrets(secrets.len())?;
        let empty = secrets.iter().position(|secret| secret.expose().is_empty());
        if let Some(number) = empty {
            return Err(vec![OptionProblem::new(
                &["secrets"],
                format!("secret number {} is empty", number + 1),
                "give one that only the sender knows",
            )]);
        }
        let hashes = secrets
            .iter()
            .map(|secret| hash(secret.expose().as_bytes()));
        Ok(Self(hashes.collect()))
    }

    /// Whether that is one of them.
    pub(super) fn matches(&self, shown: &[u8]) -> Choice {
        let shown = hash(shown);
        self.0.iter().fold(Choice::from(0), |found, secret| {
            found | secret.ct_eq(&shown)
        })
    }
}

/// Whether two texts are the same, in a time that says nothing of where they differ.
pub(super) fn is_same(one: &[u8], other: &[u8]) -> Choice {
    hash(one).ct_eq(&hash(other))
}

fn hash(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}
