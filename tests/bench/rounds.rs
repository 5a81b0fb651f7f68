//! Several measurements of one thing.

use serde::Serialize;

/// The middle, the range, and every measurement in its round.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Spread {
    /// The middle one; of an even number the mean of the two in the middle.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
    /// All of them, as they were taken.
    pub(crate) rounds: Vec<f64>,
}

impl Spread {
    /// `None` of nothing.
    pub(crate) fn of(rounds: Vec<f64>) -> Option<Self> {
        let mut sorted = rounds.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle)?;
        let lower = if sorted.len().is_multiple_of(2) {
            *sorted.get(middle - 1)?
        } else {
            upper
        };
        Some(Self {
            median: f64::midpoint(lower, upper),
            min: *sorted.first()?,
            max: *sorted.last()?,
            rounds,
        })
    }
}
