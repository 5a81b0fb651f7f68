//! What a run was asked for, by the environment.

use std::env;

/// How much is measured.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// How often each contender runs.
    pub(crate) rounds: usize,
    /// How many events one run has.
    pub(crate) events: i64,
    /// The figures that are wanted; none named: all.
    only: Vec<String>,
}

impl Settings {
    /// `ROUNDS`, `EVENTS`, `ONLY`; what is not set or empty is as usual.
    pub(crate) fn from_environment() -> Self {
        Self {
            rounds: number("ROUNDS", 5),
            events: number("EVENTS", 300_000),
            only: text("ONLY")
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }

    /// Whether one of these figures is wanted.
    pub(crate) fn want(&self, names: &[&str]) -> bool {
        self.only.is_empty() || names.iter().any(|name| self.wants(name))
    }

    /// What to type for the same run.
    pub(crate) fn command(&self) -> String {
        let only = if self.only.is_empty() {
            String::new()
        } else {
            format!(" ONLY={}", self.only.join(","))
        };
        format!(
            "make bench ROUNDS={} EVENTS={}{only}",
            self.rounds, self.events
        )
    }

    fn wants(&self, name: &str) -> bool {
        self.only.iter().any(|only| only == name)
    }
}

fn text(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn number<N: std::str::FromStr>(name: &str, usual: N) -> N {
    let text = text(name);
    if text.is_empty() {
        return usual;
    }
    text.parse()
        .unwrap_or_else(|_| panic!("{name}={text} is not a number: give a whole number above 0"))
}
