//! Inputs that are nearly right.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

/// The longest input, in bytes.
const LONGEST: usize = 8 << 10;

/// Makes inputs of examples and words.
pub(crate) struct Spoiler {
    random: StdRng,
    examples: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
}

impl Spoiler {
    pub(crate) fn new(seed: u64, examples: Vec<Vec<u8>>, words: Vec<Vec<u8>>) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self {
            random,
            examples,
            words,
        }
    }

    /// An example with some changes in it.
    pub(crate) fn spoilt(&mut self) -> Vec<u8> {
        let example = self.examples.choose(&mut self.random);
        let mut input = example.cloned().unwrap_or_default();
        for _ in 0..self.random.random_range(0..8) {
            self.change(&mut input);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let place = self.random.random_range(0..=input.len());
        let (from, to) = {
            let other = self.random.random_range(0..=input.len());
            (place.min(other), place.max(other))
        };
        match self.random.random_range(0..7) {
            0 => {
                if let Some(byte) = input.get_mut(place) {
                    *byte ^= 1 << self.random.random_range(0..8);
                }
            }
            1 => drop(input.drain(from..to.min(from + 16))),
            2 => input.insert(place, self.random.random()),
            3 => {
                let word = self.words.choose(&mut self.random).cloned();
                input.splice(place..place, word.unwrap_or_default());
            }
            4 => {
                let part = input[from..to].repeat(self.random.random_range(1..40));
                input.splice(to..to, part);
                input.truncate(LONGEST);
            }
            5 => {
                let other = self.examples.choose(&mut self.random).cloned();
                let other = other.unwrap_or_default();
                let begin = self.random.random_range(0..=other.len());
                input.splice(place..place, other[begin..].iter().copied());
            }
            _ => input.truncate(place),
        }
    }
}
