//! What goes wrong while a soak is sent: one thing after the other, drawn from the seed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::stage::{Stage, TABLE};
use crate::attack::crew::{Crew, Role};
use crate::attack::wire::Asked;
use crate::{Process, end_leases};

/// The rest between two strokes.
const REST: std::ops::Range<u64> = 1_000..4_000;
/// A table is rebuilt only while the log is shorter: it is read from its first event.
const MOST_TO_REBUILD: u64 = 1_000_000;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy)]
enum Stroke {
    Killed(Role),
    HubSessionsEnded,
    TargetSessionsEnded,
    CommitAnswerLost,
    RebuildBegun,
    RebuildKilled,
}

impl Stroke {
    /// Each as often as it stands here.
    const ALL: [Self; 12] = [
        Self::Killed(Role::Ingest),
        Self::Killed(Role::Ingest),
        Self::Killed(Role::Relay),
        Self::Killed(Role::Relay),
        Self::Killed(Role::Relay),
        Self::Killed(Role::Projection),
        Self::HubSessionsEnded,
        Self::TargetSessionsEnded,
        Self::CommitAnswerLost,
        Self::CommitAnswerLost,
        Self::RebuildBegun,
        Self::RebuildKilled,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Killed(Role::Ingest) => "ingest_killed",
            Self::Killed(Role::Relay) => "relay_killed",
            Self::Killed(Role::Projection) => "projection_killed",
            Self::Killed(Role::Courier) => "courier_killed",
            Self::HubSessionsEnded => "hub_sessions_ended",
            Self::TargetSessionsEnded => "target_sessions_ended",
            Self::CommitAnswerLost => "commit_answer_lost",
            Self::RebuildBegun => "rebuild_begun",
            Self::RebuildKilled => "rebuild_killed",
        }
    }
}

/// A storm over a hub.
pub(super) struct Storm<'a> {
    stage: &'a Stage,
    random: StdRng,
    next: Instant,
    rebuild: Option<Process>,
    strokes: BTreeMap<&'static str, u32>,
}

impl<'a> Storm<'a> {
    pub(super) fn over(stage: &'a Stage, seed: u64) -> Self {
        Self {
            stage,
            random: StdRng::seed_from_u64(seed),
            next: Instant::now(),
            rebuild: None,
            strokes: BTreeMap::new(),
        }
    }

    /// Strikes when it is time.
    pub(super) async fn blow(&mut self, crew: &mut Crew<'_>, events: u64) {
        self.tend_rebuild().await;
        if Instant::now() < self.next {
            return;
        }
        let stroke = Stroke::ALL[self.random.random_range(0..Stroke::ALL.len())];
        let rest = self.random.random_range(REST);
        if self.strike(stroke, crew, events).await {
            *self.strokes.entry(stroke.name()).or_default() += 1;
            self.next = Instant::now() + Duration::from_millis(rest);
        }
    }

    /// Whether there was anything to be struck.
    async fn strike(&mut self, stroke: Stroke, crew: &mut Crew<'_>, events: u64) -> bool {
        match stroke {
            Stroke::Killed(role) => crew.first(role).kill(),
            Stroke::HubSessionsEnded => self.stage.project.database.end_sessions().await,
            Stroke::TargetSessionsEnded => self.stage.target.end_sessions().await,
            Stroke::CommitAnswerLost => self.stage.wire.lose(Asked::Commit, 1),
            Stroke::RebuildBegun => {
                if self.rebuild.is_some() || events > MOST_TO_REBUILD {
                    return false;
                }
                self.rebuild = Some(self.stage.project.rebuild(TABLE));
            }
            Stroke::RebuildKilled => {
                let Some(mut rebuild) = self.rebuild.take() else {
                    return false;
                };
                rebuild.kill();
            }
        }
        true
    }

    async fn tend_rebuild(&mut self) {
        let Some(rebuild) = &mut self.rebuild else {
            return;
        };
        if let Some(status) = rebuild.exit_status() {
            // One that met another stroke, or the lease of a killed one, gives up.
            if status.success() {
                *self.strokes.entry("rebuild_done").or_default() += 1;
            } else {
                end_leases(&self.stage.project.database).await;
            }
            self.rebuild = None;
        }
    }

    /// It is over; how often what went wrong.
    pub(super) fn pass(mut self) -> BTreeMap<&'static str, u32> {
        if let Some(rebuild) = &mut self.rebuild {
            rebuild.kill();
        }
        self.stage.wire.lose_nothing();
        self.strokes
    }
}
