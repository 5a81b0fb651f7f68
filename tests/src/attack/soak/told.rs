//! What a sender was told, in a bit for each event: ten million of them are little then.

/// A set of numbers from 1.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    words: Vec<u64>,
}

impl Numbers {
    /// Puts a number in, and says whether it was not there before.
    pub(super) fn insert(&mut self, number: u64) -> bool {
        let (word, bit) = place(number);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let before = self.words[word];
        self.words[word] |= bit;
        before & bit == 0
    }

    pub(super) fn has(&self, number: u64) -> bool {
        let (word, bit) = place(number);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// How many of these are not in the other.
    pub(super) fn missing_in(&self, other: &Self) -> u64 {
        let missing = |(index, word): (usize, &u64)| {
            let there = other.words.get(index).copied().unwrap_or(0);
            u64::from((word & !there).count_ones())
        };
        self.words.iter().enumerate().map(missing).sum()
    }
}

fn place(number: u64) -> (usize, u64) {
    let word = usize::try_from(number / 64).expect("numbers of a soak fit into memory");
    (word, 1 << (number % 64))
}

/// What was told of each number. What is in neither set nobody knows: it may be there,
/// once, or not.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    pub(super) acknowledged: Numbers,
    /// Refused, or rolled back.
    pub(super) refused: Numbers,
}

#[cfg(test)]
mod tests {
    use super::Numbers;

    #[test]
    fn numbers_are_in_once_and_those_that_miss_are_counted() {
        let mut sent = Numbers::default();
        for number in [1, 63, 64, 1_000] {
            assert!(sent.insert(number));
            assert!(!sent.insert(number), "{number} is there already");
        }
        assert!(sent.has(64) && !sent.has(65) && !sent.has(1_000_000));
        let mut found = Numbers::default();
        found.insert(63);
        found.insert(5);
        assert_eq!(sent.missing_in(&found), 3);
        assert_eq!(found.missing_in(&sent), 1);
    }
}
