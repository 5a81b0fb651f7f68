//! Why an event failed, as people read it.

/// The most that is kept of a reason, in characters.
const MAX_REASON: usize = 1_000;

/// A reason of a length that a list can show.
pub(crate) fn shortened(reason: &str) -> String {
    match reason.char_indices().nth(MAX_REASON) {
        Some((end, _)) => format!("{}…", reason.get(..end).unwrap_or_default()),
        None => reason.to_owned(),
    }
}
