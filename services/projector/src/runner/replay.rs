//! Letting events take effect again, on purpose: what an operator asked for by name.
//!
//! ```text
//!   selection ─► pages of the log ─► did it take effect? ─► sent, by subject ─► record
//!   (kept with    by position,        live checkpoints,     under keys of       position by
//!    the replay)  up to `through`     parking, decisions    this replay         compare-and-set
//! ```
//!
//! It moves no checkpoint, and neither parks nor counts anything: live traffic goes on
//! beside it, and the account stays as it is. Killed anywhere, it is taken up where its
//! row stands; what was under way is sent again under the keys that it had.
//!
//! Events that are given to statements are not sent but executed, by position, and what
//! they do is in the transaction that moves the row of the replay: once each, wherever it
//! is killed.

mod error;
mod execute;
mod page;
mod plan;
mod send;
mod steps;
mod way;

use std::sync::Arc;

use dragoman_core::Position;
use dragoman_store::Store;
use tokio_util::sync::CancellationToken;

pub use error::ReplayError;
pub use plan::{LeftOut, PlannedEvent, ReplayPlan, plan_replay};

use super::ProjectorError;
use super::alone::Alone;
use super::patience::Quit;
use crate::{Definition, Opened, Replay, ReplaySelection, Target};
use page::Pages;
use steps::Replaying;
use way::Way;

/// What is to take effect again, and why.
#[derive(Debug, Clone)]
pub struct ReplayRequest {
    /// Which events.
    pub selection: ReplaySelection,
    /// Why. Kept with the replay that it begins.
    pub reason: String,
}

/// How far a replay has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayProgress {
    /// Everything selected at or below is settled.
    pub position: Position,
    /// Where it ends.
    pub through: Position,
    /// Events that were taken, by the receiver or by the database.
    pub resent: i64,
    /// Events that were refused.
    pub refused: i64,
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayOutcome {
    /// The replay, as it is now.
    pub replay: Replay,
    /// Whether it has come to its end; it was asked to stop otherwise.
    pub finished: bool,
}

/// Lets events take effect again that did before: sends each under an idempotency key of
/// this replay, or executes its statement. Takes up an unfinished replay of the same
/// selection. What the receiver or the database refuses is written down, and the rest goes
/// on. At `stop`, calls under way come to their end, and a transaction is given up.
///
/// # Errors
/// When another replay runs, or one of another selection is unfinished, or a statement
/// cannot be executed whatever the event, or as [`run`](super::run()).
pub async fn replay(
    definition: &Arc<Definition>,
    store: &Store,
    target: &Target,
    request: &ReplayRequest,
    instance: &str,
    progress: &(dyn Fn(ReplayProgress) + Send + Sync),
    stop: &CancellationToken,
) -> Result<ReplayOutcome, ReplayError> {
    let way = Way::of(definition)?;
    request.selection.must_choose(definition)?;
    let alone = alone(definition, store, instance).await?;
    let replaying = Replaying {
        pages: Pages {
            definition,
            store,
            target,
            selection: &request.selection,
        },
        way,
        progress,
        quit: Quit::new(stop.clone(), alone.loss()),
    };
    let ended = replaying.run(request).await;
    alone.give_back().await;
    match ended {
        Ok(outcome) if outcome.finished || stop.is_cancelled() => Ok(outcome),
        Err(End::Quit) if stop.is_cancelled() => Err(ReplayError::Stopped {
            projection: definition.name.clone(),
        }),
        // The lease is lost: somebody else has it.
        Ok(_) | Err(End::Quit) => Err(runs(definition)),
        Err(End::Failed(error)) => Err(error),
    }
}

/// Gives up the unfinished replay of a projection. What it has done is done.
///
/// # Errors
/// When there is none, or it runs at the moment, or a database does not answer.
pub async fn abandon_replay(
    definition: &Definition,
    store: &Store,
    target: &Target,
    reason: &str,
    instance: &str,
) -> Result<(), ReplayError> {
    opened(definition, target).await?;
    let alone = alone(definition, store, instance).await?;
    let abandoned = target.abandon_replay(&definition.name, reason).await;
    alone.give_back().await;
    if abandoned.map_err(ProjectorError::target(&definition.name))? {
        Ok(())
    } else {
        Err(ReplayError::NoneUnfinished {
            projection: definition.name.clone(),
        })
    }
}

async fn alone(
    definition: &Definition,
    store: &Store,
    instance: &str,
) -> Result<Alone, ReplayError> {
    let lease = format!("replay {}", definition.name);
    let alone = Alone::take(store, &lease, instance).await;
    let alone = alone.map_err(ProjectorError::store(&definition.name))?;
    alone.ok_or_else(|| runs(definition))
}

fn runs(definition: &Definition) -> ReplayError {
    ReplayError::Runs {
        projection: definition.name.clone(),
    }
}

/// The live generation, which must be of this definition.
async fn opened(definition: &Definition, target: &Target) -> Result<Opened, ProjectorError> {
    let projection = || definition.name.clone();
    let looked = target.look(&definition.name).await;
    let opened = looked
        .map_err(ProjectorError::target(&definition.name))?
        .ok_or_else(|| ProjectorError::NeverOpened {
            projection: projection(),
        })?;
    if opened.generation.definition_hash != definition.hash {
        return Err(ProjectorError::DefinitionChanged {
            projection: projection(),
        });
    }
    Ok(opened)
}

/// Why a replay did not come to its end.
enum End {
    /// It was time to quit: asked to stop, or the lease is lost.
    Quit,
    Failed(ReplayError),
}

impl From<ProjectorError> for End {
    fn from(error: ProjectorError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ReplayError> for End {
    fn from(error: ReplayError) -> Self {
        Self::Failed(error)
    }
}
