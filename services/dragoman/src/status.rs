//! The flow and the account, computed from the log, the ledger, parking and
//! decisions: never as one counter minus another.

mod gauges;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use dragoman_projector::ProjectionAccount;
use dragoman_store::Store;
use futures_util::future::join_all;
use serde::Serialize;

use crate::failure::{Failure, last_cause};
use crate::projections::{Projection, Projections};

pub(crate) use gauges::describe_metrics;

/// How long a target may take to answer. Counting in the log, which comes after it, takes
/// as long as the log is.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How many gaps are shown one by one.
const NEWEST_GAPS: i64 = 10;

/// What `dragoman status --json` and `/v1/status` show.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Status {
    pub(crate) log: LogStatus,
    pub(crate) adapters: BTreeMap<String, AdapterStatus>,
    pub(crate) projections: BTreeMap<String, ProjectionStatus>,
    pub(crate) halts: Vec<HaltStatus>,
    /// Stretches that Kafka had lost, filled from the log.
    pub(crate) gaps: i64,
    /// The newest of them, newest first.
    pub(crate) newest_gaps: Vec<GapStatus>,
    /// Events that came by SQL and break their schema.
    pub(crate) schema_violations: i64,
    /// Events that are not where they should be; 0, or something is wrong.
    pub(crate) unbalanced_events: i64,
    /// Whether everything is proved to be where it should be. False also when a
    /// target does not answer: then nothing is known to be wrong, and nothing proved.
    pub(crate) balanced: bool,
}

impl Status {
    /// The projections whose target does not answer.
    pub(crate) fn unreachable(&self) -> impl Iterator<Item = &str> {
        self.projections
            .iter()
            .filter(|(_, projection)| projection.unreachable.is_some())
            .map(|(name, _)| name.as_str())
    }
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct LogStatus {
    pub(crate) stored: i64,
    pub(crate) sealed: i64,
    pub(crate) published: i64,
    pub(crate) head_position: i64,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct AdapterStatus {
    pub(crate) received: i64,
    pub(crate) stored: i64,
    pub(crate) duplicate: i64,
    pub(crate) refused: i64,
    pub(crate) ignored: i64,
    pub(crate) quarantined: i64,
}

/// The numbers are null when the target does not answer.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ProjectionStatus {
    /// Everything of the projection at or below this is applied, parked or skipped.
    pub(crate) position: Option<i64>,
    /// Sealed events of the projection that are not yet applied, parked or skipped.
    pub(crate) lag: Option<i64>,
    pub(crate) applied: Option<i64>,
    pub(crate) parked_subjects: Option<i64>,
    pub(crate) parked_events: Option<i64>,
    pub(crate) skipped: Option<i64>,
    /// Why it was paused; absent when it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) paused: Option<String>,
    /// Why its target could not be asked; absent when it could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unreachable: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct GapStatus {
    /// Who found it.
    pub(crate) projection: String,
    pub(crate) topic: String,
    pub(crate) partition: i32,
    /// The last position that Kafka had before the gap.
    pub(crate) after_position: i64,
    /// The first that it has behind it; at the end of a partition, the one that it
    /// should have had last.
    pub(crate) before_position: i64,
    pub(crate) at_end: bool,
    /// How many events were filled in.
    pub(crate) events: i64,
    pub(crate) found_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct HaltStatus {
    pub(crate) component: String,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) remedy: String,
    pub(crate) halted_at: DateTime<Utc>,
}

/// Reads the status.
#[derive(Debug)]
pub(crate) struct StatusReader {
    store: Store,
    projections: Projections,
}

impl StatusReader {
    pub(crate) fn new(store: Store, projections: Projections) -> Self {
        Self { store, projections }
    }

    /// Reads all of it. Counts the whole log, so not for each second.
    ///
    /// # Errors
    /// When the hub's database does not answer.
    pub(crate) async fn read(&self) -> Result<Status, Failure> {
        let from = |error| Failure::from_error(&error);
        let totals = self.store.log_totals().await.map_err(from)?;
        let adapters = self.store.adapter_totals().await.map_err(from)?;
        let halts = self.store.halts().await.map_err(from)?;
        let gaps = self.store.gaps(NEWEST_GAPS).await.map_err(from)?;
        let accounts = self.accounts().await;
        let unbalanced = (totals.head.0 - totals.sealed).abs()
            + adapters
                .values()
                .map(|totals| totals.unbalanced())
                .sum::<i64>()
            + accounts
                .values()
                .flatten()
                .map(ProjectionAccount::unbalanced)
                .sum::<i64>();
        let proved = accounts.values().all(Result::is_ok);
        let paused = self.store.paused().await.map_err(from)?;
        let mut projections: BTreeMap<String, ProjectionStatus> = accounts
            .into_iter()
            .map(|(name, account)| (name, account.into()))
            .collect();
        for pause in paused {
            if let Some(projection) = projections.get_mut(&pause.projection) {
                projection.paused = Some(pause.reason);
            }
        }
        Ok(Status {
            log: LogStatus {
                stored: totals.stored,
                sealed: totals.sealed,
                published: totals.published.0,
                head_position: totals.head.0,
            },
            adapters: adapters
                .into_iter()
                .map(|(name, totals)| (name, totals.counts.into()))
                .collect(),
            projections,
            halts: halts.into_iter().map(HaltStatus::from).collect(),
            gaps: totals.gaps,
            newest_gaps: gaps.into_iter().map(GapStatus::from).collect(),
            schema_violations: totals.schema_violations,
            unbalanced_events: unbalanced,
            balanced: unbalanced == 0 && proved,
        })
    }

    /// The account of each projection, or why its target could not be asked.
    async fn accounts(&self) -> BTreeMap<String, Result<ProjectionAccount, String>> {
        let asked =
            self.projections
                .iter()
                .map(|(name, projection)| async move {
                    (name.to_owned(), self.account(projection).await)
                });
        join_all(asked).await.into_iter().collect()
    }

    async fn account(&self, projection: &Projection) -> Result<ProjectionAccount, String> {
        let definition = &projection.definition;
        let asked = projection.target.look_and_count(&definition.name);
        let moment = tokio::time::timeout(ANSWER_WITHIN, asked)
            .await
            .map_err(|_| format!("no answer within {} seconds", ANSWER_WITHIN.as_secs()))?
            .map_err(|error| last_cause(&error))?;
        dragoman_projector::account(definition, &self.store, moment)
            .await
            .map_err(|error| last_cause(&error))
    }
}

impl From<Result<ProjectionAccount, String>> for ProjectionStatus {
    fn from(account: Result<ProjectionAccount, String>) -> Self {
        match account {
            Ok(account) => Self {
                position: Some(account.position.0),
                lag: Some(account.lag),
                applied: Some(account.applied),
                parked_subjects: Some(account.parked_subjects),
                parked_events: Some(account.parked_events),
                skipped: Some(account.skipped),
                paused: None,
                unreachable: None,
            },
            Err(why) => Self {
                unreachable: Some(why),
                ..Self::default()
            },
        }
    }
}

impl From<dragoman_store::AdapterCounts> for AdapterStatus {
    fn from(counts: dragoman_store::AdapterCounts) -> Self {
        Self {
            received: counts.received,
            stored: counts.stored,
            duplicate: counts.duplicate,
            refused: counts.refused,
            ignored: counts.ignored,
            quarantined: counts.quarantined,
        }
    }
}

impl From<dragoman_store::Gap> for GapStatus {
    fn from(gap: dragoman_store::Gap) -> Self {
        Self {
            projection: gap.projection,
            topic: gap.topic,
            partition: gap.partition,
            after_position: gap.after.0,
            before_position: gap.before.0,
            at_end: gap.at_end,
            events: gap.events,
            found_at: gap.found_at,
        }
    }
}

impl From<dragoman_store::Halt> for HaltStatus {
    fn from(halt: dragoman_store::Halt) -> Self {
        Self {
            component: halt.component,
            code: halt.code,
            message: halt.message,
            remedy: halt.remedy,
            halted_at: halt.halted_at,
        }
    }
}
