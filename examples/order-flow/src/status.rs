//! What the hub says of itself.

use std::collections::BTreeMap;

use serde::Deserialize;
use stage::{Hub, StageError};

/// The part of `dragoman status --json` that is used here.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Status {
    pub(crate) log: Log,
    pub(crate) adapters: BTreeMap<String, Adapter>,
    pub(crate) projections: BTreeMap<String, Projection>,
    pub(crate) halts: Vec<Halt>,
    pub(crate) balanced: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Log {
    pub(crate) stored: u64,
    pub(crate) sealed: u64,
    pub(crate) published: u64,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Adapter {
    pub(crate) stored: u64,
    pub(crate) duplicate: u64,
    pub(crate) ignored: u64,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Projection {
    /// `None`: its database did not say.
    pub(crate) applied: Option<u64>,
    pub(crate) parked_events: Option<u64>,
    pub(crate) skipped: Option<u64>,
}

/// What does not go on, and why.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Halt {
    /// As in `projection crm`.
    pub(crate) component: String,
    pub(crate) code: String,
}

impl Status {
    /// Asks. A status that does not balance is an answer too.
    ///
    /// # Errors
    /// When there is no status.
    pub(crate) async fn ask(hub: &Hub) -> Result<Self, StageError> {
        let spoken = hub.ask(&["status", "--json"]).await?;
        serde_json::from_str(&spoken.stdout).map_err(|error| StageError::Command {
            command: "status --json".to_owned(),
            status: format!("no status ({error})"),
            said: spoken.stderr.trim().to_owned(),
        })
    }

    pub(crate) fn adapter(&self, name: &str) -> Adapter {
        self.adapters.get(name).cloned().unwrap_or_default()
    }

    pub(crate) fn projection(&self, name: &str) -> Projection {
        self.projections.get(name).cloned().unwrap_or_default()
    }
}
