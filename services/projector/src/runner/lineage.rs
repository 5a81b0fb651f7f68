//! Is this the ledger that the projection was built from?

use std::time::Duration;

use dragoman_core::{Position, RecordedEvent};
use dragoman_store::{LineageError, Store, Tail};

use super::ProjectorError;
use super::cursor::Place;
use crate::{Checkpoint, Target, TargetError};

/// How long the relay waits for a target that does not answer.
const ANSWER: Duration = Duration::from_secs(5);

/// The last events of a projection's checkpoints, for the relay's comparison of
/// lineages; none, and a warning, when the target does not answer within five seconds.
pub async fn known_tails(target: &Target, projection: &str) -> Vec<Tail> {
    let why: Option<TargetError> = match tokio::time::timeout(ANSWER, target.look(projection)).await
    {
        Ok(Ok(opened)) => {
            return opened.map_or_else(Vec::new, |opened| tails(projection, &opened.checkpoints));
        }
        Ok(Err(error)) => Some(error),
        Err(_) => None,
    };
    tracing::warn!(
        projection,
        error = why.as_ref().map(tracing::field::display),
        "its database does not answer: its checkpoints are not compared with the ledger now"
    );
    Vec::new()
}

/// Compares what the checkpoints say with the ledger.
///
/// # Errors
/// When one of them is not the ledger's, or the hub's database does not answer.
pub(super) async fn compare(
    store: &Store,
    projection: &str,
    checkpoints: &[Checkpoint],
) -> Result<(), ProjectorError> {
    store
        .check_lineage(&tails(projection, checkpoints))
        .await
        .map_err(ProjectorError::lineage(projection))
}

fn tails(projection: &str, checkpoints: &[Checkpoint]) -> Vec<Tail> {
    checkpoints
        .iter()
        .filter_map(|checkpoint| {
            Some(Tail {
                whose: format!("projection {projection}, {}", checkpoint.reader),
                identity: checkpoint.identity.clone()?,
            })
        })
        .collect()
}

/// Reads the ledger on from a place, and makes sure that it is the ledger that the
/// place is of: the event there is read once more and compared.
///
/// # Errors
/// When it is another, or the hub's database does not answer.
pub(super) async fn read_on(
    store: &Store,
    projection: &str,
    place: &Place,
    limit: usize,
) -> Result<Vec<RecordedEvent>, ProjectorError> {
    let refused = || ProjectorError::store(projection);
    let Some(known) = &place.identity else {
        return store
            .read_after(place.position, limit)
            .await
            .map_err(refused());
    };
    let before = Position(place.position.0 - 1);
    let mut events = store
        .read_after(before, limit.saturating_add(1))
        .await
        .map_err(refused())?;
    let whose = || format!("projection {projection}, the ledger");
    let differs = match events.first() {
        Some(first) if first.identity() == *known => return Ok(events.split_off(1)),
        Some(first) => LineageError::Other {
            whose: whose(),
            outside: known.clone(),
            inside: first.identity(),
        },
        None => LineageError::Beyond {
            whose: whose(),
            outside: known.clone(),
            head: store.head().await.map_err(refused())?,
        },
    };
    Err(ProjectorError::lineage(projection)(differs))
}
