//! Sending some events: subjects beside each other, each subject's events in order.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dragoman_core::Position;
use dragoman_faults::{Bug, CrashPoint, crash, planted};
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::page::Page;
use super::steps::Replaying;
use super::{End, runs};
use crate::runner::ProjectorError;
use crate::runner::patience::patiently;
use crate::sinks::http::{Letter, Persistence, Receiver};
use crate::{Order, Replay, ReplayRefusal};

/// How long calls under way are waited for when it is time to quit.
const CLOSING: Duration = Duration::from_secs(5);
/// How often it is looked whether nothing goes through.
const LOOK: Duration = Duration::from_secs(1);

/// Of each event that was tried to the end: whether the receiver took it, or why not.
type Outcomes = HashMap<Position, Result<(), String>>;

/// What is written down of a batch: as much of it as has come to its end without a gap.
#[derive(Debug, Default)]
struct Settled {
    /// Everything selected at or below is settled.
    through: Position,
    resent: i64,
    refusals: Vec<ReplayRefusal>,
}

impl Settled {
    /// `through`: no other event that is selected is at or below.
    fn of(letters: &[Letter], mut outcomes: Outcomes, through: Position) -> Self {
        let mut settled = Self {
            through,
            ..Self::default()
        };
        for Letter { event, .. } in letters {
            match outcomes.remove(&event.position) {
                Some(Ok(())) => settled.resent += 1,
                Some(Err(reason)) => settled.refusals.push(ReplayRefusal {
                    identity: event.identity(),
                    subject: event.event.subject.clone(),
                    reason,
                }),
                None => {
                    settled.through = Position(event.position.0 - 1);
                    break;
                }
            }
        }
        settled
    }
}

impl Replaying<'_> {
    /// Sends a page, and writes down what came of it.
    pub(super) async fn send(
        &self,
        receiver: &Receiver,
        replay: &mut Replay,
        page: Page,
    ) -> Result<(), End> {
        let through = page.through;
        let letters = page.letters(replay);
        if planted(Bug::ReplayProgressBeforeCalls) {
            let nothing_yet = Settled {
                through,
                ..Settled::default()
            };
            self.record(replay, nothing_yet).await?;
        }
        let outcomes = self.deliver(receiver, &letters).await;
        crash(CrashPoint::ReplayBeforeProgress);
        let settled = Settled::of(&letters, outcomes, through);
        self.record(replay, settled).await
    }

    /// Delivers events. Those that were not tried to the end when it was time to quit have
    /// no outcome.
    async fn deliver(&self, receiver: &Receiver, letters: &[Letter]) -> Outcomes {
        let outcomes = Mutex::new(Outcomes::new());
        let closing = CancellationToken::new();
        let lines = stream::iter(self.lines(letters));
        let sending = lines.for_each_concurrent(None, |line| async {
            for letter in line {
                let delivered = receiver
                    .deliver(letter, Persistence::UntilPatienceEnds, &closing)
                    .await;
                let Some(outcome) = delivered else { return };
                let outcome = outcome.map_err(|failure| failure.reason);
                outcomes
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(letter.event.position, outcome);
                crash(CrashPoint::ReplayMidBatch);
            }
        });
        let closed = async {
            self.quit.cancelled().await;
            closing.cancel();
            sleep(CLOSING).await;
        };
        tokio::select! {
            () = sending => {}
            () = closed => {}
            () = self.say_when_nothing_goes_through(receiver) => {}
        }
        outcomes
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn record(&self, replay: &mut Replay, settled: Settled) -> Result<(), End> {
        if settled.through <= replay.position {
            return Ok(());
        }
        let unmoved = &*replay;
        let attempt = || async {
            let advanced = self.pages.target.advance_replay(
                unmoved,
                settled.through,
                settled.resent,
                &settled.refusals,
            );
            advanced.await.map_err(ProjectorError::target(self.name()))
        };
        let advanced = if self.quit.is_cancelled() {
            timeout(CLOSING, attempt()).await.ok().transpose()?
        } else {
            patiently(self.name(), &self.quit, attempt).await?
        };
        if !advanced.ok_or(End::Quit)? {
            return Err(runs(self.definition()).into());
        }
        replay.position = settled.through;
        replay.resent += settled.resent;
        replay.refused += i64::try_from(settled.refusals.len()).unwrap_or(i64::MAX);
        Ok(())
    }

    /// Events that must not pass each other, line by line.
    fn lines<'l>(&self, letters: &'l [Letter]) -> Vec<Vec<&'l Letter>> {
        let mut lines: BTreeMap<&str, Vec<&Letter>> = BTreeMap::new();
        for letter in letters {
            let line = match self.definition().order {
                Order::Subject => letter.event.event.subject.as_str(),
                Order::Total => "",
            };
            lines.entry(line).or_default().push(letter);
        }
        lines.into_values().collect()
    }

    /// Never ends.
    async fn say_when_nothing_goes_through(&self, receiver: &Receiver) {
        let mut looks = interval(LOOK);
        let mut said = None;
        loop {
            looks.tick().await;
            let standstill = receiver.standstill();
            let code = standstill.as_ref().map(|standstill| standstill.code);
            if let Some(standstill) = standstill.filter(|_| code != said) {
                tracing::warn!(
                    projection = self.name(),
                    code = standstill.code,
                    "{}; the replay waits",
                    standstill.message
                );
            }
            said = code;
        }
    }
}
