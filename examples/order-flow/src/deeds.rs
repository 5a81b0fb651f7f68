//! What a receiver did, by its own count: once for each idempotency key.

use std::collections::{HashMap, HashSet};

/// What a receiver did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deeds {
    by_key: HashMap<String, String>,
    /// How often each thing was done: once, or something is wrong.
    done: HashMap<String, u64>,
    /// Requests under a key that was known: answered as before, and nothing done.
    repeats: u64,
    /// Requests under a key that had stood for something else.
    contradictions: u64,
}

impl Deeds {
    /// Does something, unless it was done under this key. Says whether it was new.
    pub(crate) fn act(&mut self, key: &str, what: &str) -> bool {
        match self.by_key.get(key) {
            Some(known) => {
                self.repeats += 1;
                self.contradictions += u64::from(known != what);
                false
            }
            None => {
                self.by_key.insert(key.to_owned(), what.to_owned());
                *self.done.entry(what.to_owned()).or_default() += 1;
                true
            }
        }
    }

    /// How many things were done, those done twice twice.
    pub(crate) fn count(&self) -> u64 {
        self.done.values().sum()
    }

    /// How many requests came again.
    pub(crate) fn repeats(&self) -> u64 {
        self.repeats
    }

    /// What is wrong: something was done twice, or was not to be done, or was not done and
    /// nobody excused it.
    pub(crate) fn flaw(
        &self,
        wanted: &HashSet<String>,
        excused: impl Fn(&str) -> bool,
    ) -> Option<String> {
        if self.contradictions > 0 {
            return Some(format!("{} keys meant two things", self.contradictions));
        }
        let first = |mut flaws: Vec<&String>, what: &str| {
            flaws.sort();
            let first = flaws.first()?;
            Some(match flaws.len() {
                1 => format!("{what}: {first}"),
                more => format!("{what}: {first} and {} more", more - 1),
            })
        };
        let twice = self.done.iter().filter(|(_, times)| **times > 1);
        let unwanted = self.done.keys().filter(|what| !wanted.contains(*what));
        let missing = wanted
            .iter()
            .filter(|what| !self.done.contains_key(*what) && !excused(what));
        first(twice.map(|(what, _)| what).collect(), "done twice")
            .or_else(|| first(unwanted.collect(), "nobody asked for it"))
            .or_else(|| first(missing.collect(), "missing"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Deeds;

    fn wanted() -> HashSet<String> {
        ["charge 1", "charge 2"].map(str::to_owned).into()
    }

    #[test]
    fn a_repeat_under_its_key_does_nothing() {
        let mut deeds = Deeds::default();
        assert!(deeds.act("a", "charge 1"));
        assert!(!deeds.act("a", "charge 1"));
        assert!(deeds.act("b", "charge 2"));
        assert_eq!((deeds.count(), deeds.repeats()), (2, 1));
        assert_eq!(deeds.flaw(&wanted(), |_| false), None);
    }

    #[test]
    fn what_is_done_twice_or_for_nobody_or_not_at_all_is_seen() {
        let flaw = |acts: &[(&str, &str)]| {
            let mut deeds = Deeds::default();
            for (key, what) in acts {
                deeds.act(key, what);
            }
            deeds.flaw(&wanted(), |what| what == "charge 2")
        };
        assert_eq!(flaw(&[("a", "charge 1")]), None, "the other is excused");
        let cases: [(&[(&str, &str)], &str); 4] = [
            (
                &[("a", "charge 1"), ("b", "charge 1")],
                "done twice: charge 1",
            ),
            (
                &[("a", "charge 1"), ("b", "charge 3")],
                "nobody asked for it: charge 3",
            ),
            (&[("b", "charge 2")], "missing: charge 1"),
            (
                &[("a", "charge 1"), ("a", "charge 2")],
                "1 keys meant two things",
            ),
        ];
        for (acts, expected) in cases {
            assert_eq!(flaw(acts).as_deref(), Some(expected));
        }
    }
}
