//! Signatures of webhooks, as a sender makes them, and secrets.

use std::fs::File;
use std::io::Read;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::StageError;

/// `sha256=` and the HMAC-SHA256 of a body in hexadecimal: what GitHub sends in
/// `X-Hub-Signature-256`.
///
/// # Errors
/// None that a key of ordinary length can cause.
pub fn hmac_sha256(secret: &str, body: &[u8]) -> Result<String, StageError> {
    Ok(format!("sha256={}", mac(secret, &[body])?))
}

/// What Stripe sends in `Stripe-Signature`. `moment`: seconds since 1970.
///
/// # Errors
/// As [`hmac_sha256`].
pub fn stripe_signature(secret: &str, moment: u64, body: &[u8]) -> Result<String, StageError> {
    let signature = mac(secret, &[moment.to_string().as_bytes(), b".", body])?;
    Ok(format!("t={moment},v1={signature}"))
}

fn mac(secret: &str, parts: &[&[u8]]) -> Result<String, StageError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|error| StageError::Unexpected(format!("the secret is no key: {error}")))?;
    for part in parts {
        mac.update(part);
    }
    Ok(hex::encode(mac.finalize().into_bytes()))
}

/// 128 bits that nobody can guess, in hexadecimal: a secret, or a name that nobody has.
///
/// # Errors
/// When the system has no randomness to give.
pub fn random_secret() -> Result<String, StageError> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(StageError::system("reading randomness"))?;
    Ok(hex::encode(bytes))
}
