//! Answers that get lost: something is done, and whoever asked for it cannot know.

use std::sync::atomic::{AtomicU32, Ordering};

/// `COMMIT` as a simple query of the protocol of Postgres.
const COMMIT: &[u8] = b"Q\x00\x00\x00\x0bCOMMIT\x00";
/// What every event of a sender holds. A statement that brings it to the hub's database
/// stands for a transaction of its own.
const EVENT: &[u8] = b"\"sku\": \"sku-";
/// The lease of the relay as a parameter, and the length of its epoch, which comes next.
const LEASE: &[u8] = b"\x00\x00\x00\x05relay\x00\x00\x00\x08";
/// How many bytes lie between that and the type of what comes behind the epoch: the epoch,
/// and length, dimensions and flags of an array.
const BETWEEN: usize = 8 + 3 * 4;
/// The type of the late events' numbers, `bigint`. Only the statement that writes a batch
/// into the ledger has them behind an epoch.
const BIGINT: &[u8] = b"\x00\x00\x00\x14";

/// How many answers are still to get lost.
#[derive(Debug, Default)]
pub(super) struct Answers {
    to_commits: AtomicU32,
    to_appends: AtomicU32,
    to_seals: AtomicU32,
}

/// What an answer is given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::attack) enum Asked {
    /// A COMMIT.
    Commit,
    /// A statement that stores events of senders.
    Append,
    /// A statement that writes a batch into the ledger.
    Seal,
}

impl Answers {
    pub(super) fn lose(&self, asked: Asked, answers: u32) {
        self.of(asked).store(answers, Ordering::SeqCst);
    }

    pub(super) fn left(&self) -> u32 {
        let all = [&self.to_commits, &self.to_appends, &self.to_seals];
        all.iter().map(|left| left.load(Ordering::SeqCst)).sum()
    }

    /// Whether the answer to this is to get lost; counts it if it is.
    pub(super) fn is_to_lose(&self, said: &[u8]) -> bool {
        let asked = if said.ends_with(COMMIT) {
            Asked::Commit
        } else if self.to_appends.load(Ordering::SeqCst) > 0 && has_event(said) {
            Asked::Append
        } else if self.to_seals.load(Ordering::SeqCst) > 0 && is_seal(said) {
            Asked::Seal
        } else {
            return false;
        };
        let one_less = |left: u32| left.checked_sub(1);
        self.of(asked)
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
            .is_ok()
    }

    const fn of(&self, asked: Asked) -> &AtomicU32 {
        match asked {
            Asked::Commit => &self.to_commits,
            Asked::Append => &self.to_appends,
            Asked::Seal => &self.to_seals,
        }
    }
}

fn has_event(said: &[u8]) -> bool {
    said.windows(EVENT.len()).any(|window| window == EVENT)
}

fn is_seal(said: &[u8]) -> bool {
    let mut windows = said.windows(LEASE.len()).enumerate();
    windows.any(|(place, window)| {
        let behind = place + LEASE.len() + BETWEEN;
        window == LEASE && said.get(behind..behind + BIGINT.len()) == Some(BIGINT)
    })
}

#[cfg(test)]
mod tests {
    use super::{Answers, Asked, COMMIT, LEASE, has_event, is_seal};
    use crate::history::data;

    #[test]
    fn answers_are_lost_as_often_as_asked_for() {
        let answers = Answers::default();
        assert!(!answers.is_to_lose(COMMIT));
        answers.lose(Asked::Commit, 1);
        assert!(!answers.is_to_lose(data(1).as_bytes()));
        assert!(answers.is_to_lose(COMMIT));
        assert!(!answers.is_to_lose(COMMIT));
        assert_eq!(answers.left(), 0);
    }

    #[test]
    fn events_of_senders_are_known() {
        assert!(has_event(data(1).as_bytes()));
        assert!(!has_event(COMMIT));
    }

    #[test]
    fn a_seal_is_known_by_what_stands_behind_the_epoch() {
        let epoch = 7_i64.to_be_bytes();
        let seqs = [0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20];
        let seal = [b"Bind", LEASE, &epoch, &seqs].concat();
        assert!(is_seal(&seal));
        assert!(!is_seal(&[b"Bind", LEASE, &epoch].concat()));
        assert!(!is_seal(&[b"Bind", LEASE, &epoch, &[0; 16]].concat()));
    }
}
