//! What makes the content of an event the same.

use dragoman_core::Event;
use sha2::{Digest, Sha256};

/// SHA-256 over type, subject, content type and data, each preceded by its length in
/// bytes as eight octets: the same as `dragoman.content_hash`. Never the time, which
/// a sender may set anew with every try.
#[must_use]
pub fn content_hash(event: &Event) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [
        &event.event_type,
        &event.subject,
        &event.content_type,
        &event.data,
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}
