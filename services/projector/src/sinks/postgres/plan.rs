//! What is to become of the events of a step, before any of them is written.

use std::collections::HashSet;

use dragoman_faults::{Bug, planted};

use super::evaluate::Evaluated;
use crate::Order;
use crate::bookkeeping::decisions::Decided;

/// The events of a step, each in one place and in order.
#[derive(Debug, Default)]
pub(super) struct Plan<'a, 'e> {
    /// An operator decided to skip them.
    pub(super) skipped: Vec<&'a Evaluated<'e>>,
    /// They are to be written.
    pub(super) effective: Vec<&'a Evaluated<'e>>,
    /// They do nothing, for a reason. With a total order it is one at most, and
    /// nothing after it is planned.
    pub(super) failed: Vec<(&'a Evaluated<'e>, String)>,
    /// Their subject is parked, or one of its events failed before them.
    pub(super) behind: Vec<&'a Evaluated<'e>>,
}

impl<'a, 'e> Plan<'a, 'e> {
    /// `parked`: the subjects that are parked already, each with its topic.
    pub(super) fn of(
        events: impl IntoIterator<Item = &'a Evaluated<'e>>,
        order: Order,
        decided: &Decided,
        parked: &HashSet<(String, String)>,
    ) -> Self {
        let mut plan = Self::default();
        let mut blocked: HashSet<(&str, &str)> = parked
            .iter()
            .map(|(topic, subject)| (topic.as_str(), subject.as_str()))
            .collect();
        for event in events {
            if decided.is_skipped(event.event()) {
                plan.skipped.push(event);
            } else if blocked.contains(&event.subject()) && !planted(Bug::ParkWithoutFollowers) {
                plan.behind.push(event);
            } else if let Err(reason) = &event.work {
                if planted(Bug::DropPoison) {
                    continue;
                }
                plan.failed.push((event, reason.clone()));
                if order == Order::Total {
                    break;
                }
                blocked.insert(event.subject());
            } else {
                plan.effective.push(event);
            }
        }
        plan
    }
}
