//! What waits in the hub, and what an operator says about it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use stage::{Hub, StageError};

/// A subject whose events wait.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Parked {
    pub(crate) projection: String,
    pub(crate) subject: String,
    pub(crate) state: ParkedState,
    pub(crate) events: u64,
    pub(crate) reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ParkedState {
    /// It is tried again without anybody's doing.
    Retrying,
    /// It waits for somebody.
    Held,
}

/// All that waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ParkedList(pub(crate) Vec<Parked>);

impl ParkedList {
    /// Asks.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) async fn ask(hub: &Hub) -> Result<Self, StageError> {
        let said = hub.run(&["parked", "list", "--json"]).await?;
        lines(&said).map(Self)
    }

    /// Whether nothing is tried again by itself.
    pub(crate) fn rests(&self) -> bool {
        self.0
            .iter()
            .all(|parked| parked.state == ParkedState::Held)
    }

    /// The subjects that wait in a projection.
    pub(crate) fn subjects(&self, projection: &str) -> BTreeSet<&str> {
        self.0
            .iter()
            .filter(|parked| parked.projection == projection)
            .map(|parked| parked.subject.as_str())
            .collect()
    }

    /// How many events wait for which reason, one line for each.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let mut reasons: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for parked in &self.0 {
            let reason = (parked.projection.as_str(), parked.reason.as_str());
            *reasons.entry(reason).or_default() += parked.events;
        }
        reasons
            .into_iter()
            .map(|((projection, reason), events)| {
                format!("parked: {events} events of {projection}: {reason}")
            })
            .collect()
    }
}

/// Reads one JSON object a line.
pub(crate) fn lines<T: DeserializeOwned>(said: &str) -> Result<Vec<T>, StageError> {
    said.lines()
        .map(|line| {
            serde_json::from_str(line)
                .map_err(|error| StageError::Unexpected(format!("the hub said `{line}`: {error}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{ParkedList, lines};

    #[test]
    fn reasons_are_counted_by_events() {
        let said = r#"{"projection":"crm","subject":"a","state":"held","events":2,"reason":"no"}
{"projection":"crm","subject":"b","state":"held","events":1,"reason":"no"}"#;
        let list = lines(said).map(ParkedList).unwrap_or_default();
        assert_eq!(list.reasons(), ["parked: 3 events of crm: no"]);
        assert!(list.rests() && list.subjects("crm").len() == 2);
        let trying = said.replacen("held", "retrying", 1);
        assert!(!lines(&trying).map(ParkedList).unwrap_or_default().rests());
    }
}
