//! When something was signed, for schemes that sign that too.

use chrono::{DateTime, Utc};

use super::Refusal;

/// How far the sender's clock may be from ours, in seconds: what Standard Webhooks, Stripe
/// and Slack say.
const TOLERANCE: u64 = 300;

/// A moment as a sender wrote it: seconds since 1970.
///
/// # Errors
/// When the value of that header is none.
pub(super) fn parse(header: &str, written: &[u8]) -> Result<i64, Refusal> {
    std::str::from_utf8(written)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Refusal::form(header))
}

/// Asked after the signature, so that who cannot sign learns nothing of our clock.
///
/// # Errors
/// When it was too long ago, or is to come.
pub(super) fn require_recent(signed_at: i64, now: DateTime<Utc>) -> Result<(), Refusal> {
    if signed_at.abs_diff(now.timestamp()) > TOLERANCE {
        return Err(Refusal::Timestamp);
    }
    Ok(())
}
