//! Why an event failed, as people read it.

/// The most that is kept of a reason, in characters.
const MAX_REASON: usize = 1_000;

/// A reason of a length that a list can show, and of characters that Postgres keeps: NUL is
/// none of them.
pub(crate) fn shortened(reason: &str) -> String {
    let text = match reason.char_indices().nth(MAX_REASON) {
        Some((end, _)) => format!("{}…", reason.get(..end).unwrap_or_default()),
        None => reason.to_owned(),
    };
    text.replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::{MAX_REASON, shortened};

    #[test]
    fn a_reason_fits_a_list_and_the_database() {
        assert_eq!(shortened("no \0 number"), "no \u{fffd} number");
        let long = shortened(&"ä".repeat(2 * MAX_REASON));
        assert_eq!(long.chars().count(), MAX_REASON + 1);
        assert!(long.ends_with('…'));
    }
}
