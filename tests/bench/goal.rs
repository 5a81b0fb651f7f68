//! What a figure is to reach.

use std::fmt;

/// A bound on ours, by itself or beside another's.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// At least so many times the peer's.
    PeerAtLeast(f64),
    /// At most so many times the peer's.
    PeerAtMost(f64),
    /// At least so many times the limit.
    LimitAtLeast(f64),
    /// At most so many times the limit.
    LimitAtMost(f64),
    /// At most so much, in the figure's unit.
    AtMost(f64),
}

/// The numbers of a row that goals look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached {
    /// Ours.
    pub(crate) ours: f64,
    /// Ours divided by the peer's.
    pub(crate) by_peer: Option<f64>,
    /// Ours divided by the limit.
    pub(crate) by_limit: Option<f64>,
}

impl Goal {
    /// Whether it is reached; what was not measured is not.
    pub(crate) fn is_met(self, reached: Reached) -> bool {
        let Reached {
            ours,
            by_peer,
            by_limit,
        } = reached;
        match self {
            Self::PeerAtLeast(bound) => by_peer.is_some_and(|ratio| ratio >= bound),
            Self::PeerAtMost(bound) => by_peer.is_some_and(|ratio| ratio <= bound),
            Self::LimitAtLeast(bound) => by_limit.is_some_and(|ratio| ratio >= bound),
            Self::LimitAtMost(bound) => by_limit.is_some_and(|ratio| ratio <= bound),
            Self::AtMost(bound) => ours <= bound,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PeerAtLeast(bound) => write!(formatter, "≥ {bound} × peer"),
            Self::PeerAtMost(bound) => write!(formatter, "≤ {bound} × peer"),
            Self::LimitAtLeast(bound) => write!(formatter, "≥ {bound} × limit"),
            Self::LimitAtMost(bound) => write!(formatter, "≤ {bound} × limit"),
            Self::AtMost(bound) => write!(formatter, "≤ {bound}"),
        }
    }
}
