//! Keyed hashes, compared in constant time.

use dragoman_settings::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;

use super::{HmacAlgorithm, OptionProblem, Refusal, require_secrets};

/// Secrets of which any one may have signed. `Debug` does not show them.
pub(super) struct Macs {
    algorithm: HmacAlgorithm,
    keys: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Macs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Macs")
            .field("algorithm", &self.algorithm)
            .field("keys", &self.keys.len())
            .finish()
    }
}

impl Macs {
    pub(super) fn new(algorithm: HmacAlgorithm, keys: Vec<Vec<u8>>) -> Self {
        Self { algorithm, keys }
    }

    /// HMAC-SHA256 with the bytes of each secret as they are.
    ///
    /// # Errors
    /// When there is no secret.
    pub(super) fn sha256(secrets: &[Secret]) -> Result<Self, Vec<OptionProblem>> {
        Self::of(HmacAlgorithm::Sha256, secrets)
    }

    /// The same with a hash of the sender's choice.
    pub(super) fn of(
        algorithm: HmacAlgorithm,
        secrets: &[Secret],
    ) -> Result<Self, Vec<OptionProblem>> {
        require_secrets(secrets.len())?;
        let keys = secrets
            .iter()
            .map(|secret| secret.expose().as_bytes().to_vec());
        Ok(Self::new(algorithm, keys.collect()))
    }

    /// # Errors
    /// [`Refusal::Signature`] when [`verify`](Self::verify) says no.
    pub(super) fn require(&self, parts: &[&[u8]], signatures: &[Vec<u8>]) -> Result<(), Refusal> {
        if self.verify(parts, signatures) {
            Ok(())
        } else {
            Err(Refusal::Signature)
        }
    }

    /// Whether one of the signatures is the one of these parts, put together, with one
    /// of the secrets. How long it takes depends on how many there are, and on nothing
    /// that is secret.
    fn verify(&self, parts: &[&[u8]], signatures: &[Vec<u8>]) -> bool {
        let mut found = false;
        for key in &self.keys {
            let expected = match self.algorithm {
                HmacAlgorithm::Sha256 => mac::<Hmac<Sha256>>(key, parts),
                HmacAlgorithm::Sha512 => mac::<Hmac<Sha512>>(key, parts),
            };
            // Never `None`: an HMAC takes keys of any length (RFC 2104, section 2).
            let Some(expected) = expected else { continue };
            for signature in signatures {
                found |= bool::from(expected.ct_eq(signature));
            }
        }
        found
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().to_vec())
}
