//! Answers that get lost: something is done, and whoever asked for it cannot know.

use std::sync::atomic::{AtomicU32, Ordering};

/// `COMMIT` as a simple query of the protocol of Postgres.
const COMMIT: &[u8] = b"Q\x00\x00\x00\x0bCOMMIT\x00";
/// What every event of a sender holds. A statement that brings it to the hub's database
/// stands for a transaction of its own.
const EVENT: &[u8] = b"\"sku\": \"sku-";

/// How many answers are still to get lost.
#[derive(Debug, Default)]
pub(super) struct Answers {
    to_commits: AtomicU32,
    to_appends: AtomicU32,
}

/// What an answer is given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::attack) enum Asked {
    /// A COMMIT.
    Commit,
    /// A statement that stores events of senders.
    Append,
}

impl Answers {
    pub(super) fn lose(&self, asked: Asked, answers: u32) {
        self.of(asked).store(answers, Ordering::SeqCst);
    }

    pub(super) fn left(&self) -> u32 {
        self.to_commits.load(Ordering::SeqCst) + self.to_appends.load(Ordering::SeqCst)
    }

    /// Whether the answer to this is to get lost; counts it if it is.
    pub(super) fn is_to_lose(&self, said: &[u8]) -> bool {
        let asked = if said.ends_with(COMMIT) {
            Asked::Commit
        } else if self.to_appends.load(Ordering::SeqCst) > 0 && has_event(said) {
            Asked::Append
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
        }
    }
}

fn has_event(said: &[u8]) -> bool {
    said.windows(EVENT.len()).any(|window| window == EVENT)
}

#[cfg(test)]
mod tests {
    use super::{Answers, Asked, COMMIT, has_event};
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
}
