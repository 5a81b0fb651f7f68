//! `dragoman replay`.

mod show;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use dragoman_core::TypePattern;
use dragoman_projector::{
    ReplayError, ReplayOutcome, ReplayRequest, ReplaySelection, abandon_replay, plan_replay, replay,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::bound::Bound;
use crate::failure::{Failure, chain};
use crate::globals::Globals;
use crate::hub::Hub;
use crate::lifecycle::Signals;
use crate::output;
use crate::progress::Progress;
use crate::projections::Projection;
use crate::services::instance;

/// Let events of a projection take effect again, on purpose
///
/// Without --yes it shows which events would, and does nothing. Chosen are events that the
/// projection is done with: what it has not come to, what is parked, and what operators
/// skipped are left out; what they edited is taken as edited. Each is sent to the receiver
/// under an idempotency key of this replay, so it acts on it once more; or, with `execute`,
/// its statement is executed once more. The projection goes on meanwhile. Interrupted, the
/// same command goes on where it was.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  dragoman replay crm --from 2026-11-01 --to 4711 --type order.placed\n  dragoman replay crm --from 17 --to 17 --resend --yes --reason 'the customer was deleted there by mistake'\n  dragoman replay crm --refused\n  dragoman replay crm --abandon --reason 'wrong month'"
)]
pub(crate) struct Replay {
    /// The projection
    name: String,
    /// From this position or time on, included: 42, 2026-11-01, 2026-11-01T08:00:00Z
    #[arg(long, value_name = "WHERE", required_unless_present_any = ["abandon", "refused"])]
    from: Option<Bound>,
    /// Up to this position or time, included
    #[arg(long, value_name = "WHERE", required_unless_present_any = ["abandon", "refused"])]
    to: Option<Bound>,
    /// Only this type, or family (order.*); several times for several
    #[arg(long = "type", value_name = "PATTERN")]
    types: Vec<TypePattern>,
    /// Only this subject; several times for several
    #[arg(long = "subject", value_name = "SUBJECT", value_parser = NonEmptyStringValueParser::new())]
    subjects: Vec<String>,
    /// Say that what these events do is to be done again
    #[arg(long)]
    resend: bool,
    /// Do it
    #[arg(long, requires = "reason")]
    yes: bool,
    /// Why, for whoever asks later
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    reason: Option<String>,
    /// Give up the replay that was interrupted; what it has done is done
    #[arg(long, requires = "reason", conflicts_with_all = ["from", "to", "types", "subjects", "resend", "yes", "refused"])]
    abandon: bool,
    /// Show what was refused of the last replay
    #[arg(long, conflicts_with_all = ["from", "to", "types", "subjects", "resend", "yes", "reason"])]
    refused: bool,
    /// Print one JSON document; with --refused, one object a line
    #[arg(long)]
    json: bool,
}

impl Replay {
    pub(crate) async fn run(self, globals: &Globals) -> Result<(), Failure> {
        if self.yes && !self.resend {
            return Err(Failure::usage(
                format!(
                    "what {} does would be done again for these events",
                    self.name
                ),
                "say so by name: --resend; without --yes, the plan is shown",
            ));
        }
        let hub = Hub::open(globals).await?;
        let projections = hub.projections()?;
        let projection = projections.get(&hub.config, &self.name)?;
        match (&self.reason, self.selection()) {
            (Some(reason), _) if self.abandon => self.abandon(&hub, projection, reason).await,
            (Some(reason), Some(selection)) if self.yes => {
                let reason = reason.clone();
                let request = ReplayRequest { selection, reason };
                self.send(&hub, projection, &request).await
            }
            (_, Some(selection)) => self.plan(&hub, projection, &selection).await,
            (_, None) => self.refused(projection).await,
        }
    }

    fn selection(&self) -> Option<ReplaySelection> {
        let mut types = self.types.clone();
        types.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        types.dedup();
        let mut subjects = self.subjects.clone();
        subjects.sort();
        subjects.dedup();
        Some(ReplaySelection {
            from: self.from?.0,
            to: self.to?.0,
            types,
            subjects,
        })
    }

    async fn plan(
        &self,
        hub: &Hub,
        projection: &Projection,
        selection: &ReplaySelection,
    ) -> Result<(), Failure> {
        let (definition, target) = (&projection.definition, &projection.target);
        let plan = plan_replay(definition, &hub.store, target, selection).await;
        let plan = plan.map_err(failure)?;
        if self.json {
            return output::json(&show::plan_object(&self.name, selection, &plan));
        }
        show::plan(&self.name, definition, selection, &plan)
    }

    async fn send(
        &self,
        hub: &Hub,
        projection: &Projection,
        request: &ReplayRequest,
    ) -> Result<(), Failure> {
        let mut signals = Signals::listen()?;
        let stop = CancellationToken::new();
        let progress = Progress::start(&self.name);
        let instance = instance();
        let show = |reached: dragoman_projector::ReplayProgress| {
            progress.show(reached.position, reached.through);
        };
        let (definition, target) = (&projection.definition, &projection.target);
        let sending = replay(
            definition, &hub.store, target, request, &instance, &show, &stop,
        );
        let outcome = tokio::select! {
            outcome = sending => outcome.map_err(failure),
            () = stop_twice(&mut signals, &stop) => Err(Failure::failed(
                "stopped at once",
                "the same command goes on: what was under way is sent again under the same keys, or was undone",
            )),
        };
        progress.end();
        self.ended(projection, &outcome?).await
    }

    async fn ended(&self, projection: &Projection, outcome: &ReplayOutcome) -> Result<(), Failure> {
        let replay = &outcome.replay;
        let refusals = projection
            .target
            .replay_refusals(replay.id, show::REFUSALS)
            .await;
        let refusals = refusals.map_err(|error| Failure::from_error(&error))?;
        if self.json {
            output::json(&show::outcome_object(&self.name, outcome, &refusals))?;
        } else {
            show::outcome(&self.name, &projection.definition, outcome, &refusals)?;
        }
        if !outcome.finished {
            return Err(Failure::failed(
                format!(
                    "stopped at position {} of {}",
                    replay.position, replay.through
                ),
                format!(
                    "the same command goes on from there; or give it up: dragoman replay {} --abandon --reason …",
                    self.name
                ),
            ));
        }
        if replay.refused > 0 {
            return Err(Failure::Wanting);
        }
        Ok(())
    }

    async fn abandon(
        &self,
        hub: &Hub,
        projection: &Projection,
        reason: &str,
    ) -> Result<(), Failure> {
        let (definition, target) = (&projection.definition, &projection.target);
        abandon_replay(definition, &hub.store, target, reason, &instance())
            .await
            .map_err(failure)?;
        if self.json {
            return output::json(&json!({ "projection": self.name, "abandoned": true }));
        }
        output::line(&format!(
            "the replay of {} is given up; what it has done is done",
            self.name
        ))
    }

    async fn refused(&self, projection: &Projection) -> Result<(), Failure> {
        let target = &projection.target;
        let last = target.last_replay(&self.name).await;
        let last = last.map_err(|error| Failure::from_error(&error))?;
        let Some(replay) = last else {
            return Err(Failure::usage(
                format!("nothing of {} was ever replayed", self.name),
                "`dragoman parked list` shows what was refused the first time",
            ));
        };
        let refusals = target.replay_refusals(replay.id, i64::MAX).await;
        let refusals = refusals.map_err(|error| Failure::from_error(&error))?;
        if self.json {
            let mut objects = refusals.iter().map(show::refusal_object);
            return objects.try_for_each(|object| output::json(&object));
        }
        if refusals.is_empty() {
            return output::line("nothing was refused");
        }
        output::line(&show::refusals(&refusals))
    }
}

/// The first signal stops in order, the second at once.
async fn stop_twice(signals: &mut Signals, stop: &CancellationToken) {
    signals.next().await;
    output::error_line(
        "stopping: calls under way are waited for, a transaction is undone; a second signal stops at once",
    );
    stop.cancel();
    signals.next().await;
}

fn failure(error: ReplayError) -> Failure {
    if error.is_usage() {
        Failure::usage(error.to_string(), error.remedy())
    } else {
        Failure::failed(chain(&error), error.remedy())
    }
}
