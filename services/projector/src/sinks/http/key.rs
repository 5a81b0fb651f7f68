//! The key under which a receiver knows that it has done something already.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// How many bytes of the hash a key shows: enough that no two are the same by chance.
const BYTES: usize = 16;

/// What an idempotency key is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyParts<'k> {
    pub(super) source: &'k str,
    pub(super) id: &'k str,
    pub(super) projection: &'k str,
    pub(super) generation: i32,
    /// How often an operator edited the event.
    pub(super) edits: i32,
    /// The replay that sends it again, if one does.
    pub(super) replay: Option<i64>,
}

impl KeyParts<'_> {
    /// The value of `Idempotency-Key`: 32 hexadecimal digits. The same for every attempt
    /// at an event, in every process; another one after an edit and for a replay.
    pub(super) fn key(&self) -> String {
        let mut digest = Sha256::new();
        // With their lengths, so that no two lists of parts are one text.
        for text in [self.source, self.id, self.projection] {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
        digest.update(self.generation.to_be_bytes());
        digest.update(self.edits.to_be_bytes());
        digest.update(self.replay.unwrap_or(0).to_be_bytes());
        let mut key = String::with_capacity(2 * BYTES);
        for byte in digest.finalize().iter().take(BYTES) {
            let _written = write!(key, "{byte:02x}");
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::KeyParts;

    const PARTS: KeyParts<'static> = KeyParts {
        source: "/shop",
        id: "1",
        projection: "crm",
        generation: 1,
        edits: 0,
        replay: None,
    };

    #[test]
    fn a_key_is_the_same_in_every_build() {
        // Changing it makes receivers act a second time on what was under way at an
        // upgrade.
        assert_eq!(PARTS.key(), "2c898355009d3428505051278e4263f5");
    }

    #[test]
    fn whatever_makes_another_call_makes_another_key() {
        let keys = [
            PARTS,
            KeyParts {
                source: "/shop1",
                id: "",
                ..PARTS
            },
            KeyParts { id: "2", ..PARTS },
            KeyParts {
                projection: "crm2",
                ..PARTS
            },
            KeyParts {
                generation: 2,
                ..PARTS
            },
            KeyParts { edits: 1, ..PARTS },
            KeyParts {
                replay: Some(1),
                ..PARTS
            },
            KeyParts {
                replay: Some(2),
                ..PARTS
            },
        ];
        let different: HashSet<String> = keys.iter().map(KeyParts::key).collect();
        assert_eq!(different.len(), keys.len());
    }
}
