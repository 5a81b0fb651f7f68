//! A replay from its beginning to its end, as it is written down.

use dragoman_core::Position;
use sqlx::PgConnection;

use super::error::TargetError;
use super::replays::{Replay, ReplayRefusal, unfinished};
use super::target::Target;
use crate::{Definition, ReplaySelection};

/// A replay that is to begin.
#[derive(Debug)]
pub(crate) struct NewReplay<'r> {
    pub(crate) generation: i32,
    pub(crate) definition: &'r Definition,
    pub(crate) selection: &'r ReplaySelection,
    pub(crate) through: Position,
    /// Nothing at or below is selected.
    pub(crate) position: Position,
    pub(crate) reason: &'r str,
}

impl Target {
    /// Begins a replay, unless one is unfinished. Returns the one that is now, of
    /// whatever selection.
    pub(crate) async fn take_up_replay(&self, new: &NewReplay<'_>) -> Result<Replay, TargetError> {
        const DOING: &str = "beginning a replay";
        let refused = || TargetError::during(DOING);
        let selection = serde_json::to_string(new.selection)
            .map_err(|error| refused()(sqlx::Error::Encode(error.into())))?;
        let mut transaction = self.begin(DOING).await?;
        sqlx::query(
            "insert into dragoman_projection.replays
                 (projection, generation, definition_hash, selection, through, position, reason)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (projection) where state = 'running' do nothing",
        )
        .bind(&new.definition.name)
        .bind(new.generation)
        .bind(new.definition.hash.as_slice())
        .bind(selection)
        .bind(new.through.0)
        .bind(new.position.0)
        .bind(new.reason)
        .execute(&mut *transaction)
        .await
        .map_err(refused())?;
        let replay = unfinished(&mut transaction, &new.definition.name).await?;
        transaction.commit().await.map_err(refused())?;
        replay.ok_or_else(|| refused()(sqlx::Error::RowNotFound))
    }

    /// Writes down what came of events, and that everything at or below a position is
    /// settled. False when the replay is not where it was left: another process has it,
    /// or it was abandoned.
    pub(crate) async fn advance_replay(
        &self,
        replay: &Replay,
        to: Position,
        resent: i64,
        refusals: &[ReplayRefusal],
    ) -> Result<bool, TargetError> {
        const DOING: &str = "recording what was sent again";
        let mut transaction = self.begin(DOING).await?;
        match move_replay(&mut transaction, replay, to).await? {
            Moved::Now => {}
            Moved::Before => return Ok(true),
            Moved::Not => return Ok(false),
        }
        record_replayed(&mut transaction, replay.id, resent, refusals).await?;
        transaction
            .commit()
            .await
            .map_err(TargetError::during(DOING))?;
        Ok(true)
    }

    /// Ends a replay that has come to its end.
    pub(crate) async fn finish_replay(&self, id: i64) -> Result<(), TargetError> {
        sqlx::query(
            "update dragoman_projection.replays
             set state = 'done', ended_at = clock_timestamp()
             where id = $1 and state = 'running' and position >= through",
        )
        .bind(id)
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(TargetError::during("ending a replay"))
    }

    /// Gives an unfinished replay up. False when there is none.
    pub(crate) async fn abandon_replay(
        &self,
        projection: &str,
        reason: &str,
    ) -> Result<bool, TargetError> {
        sqlx::query(
            "update dragoman_projection.replays
             set state = 'abandoned', abandoned_reason = $2, ended_at = clock_timestamp()
             where projection = $1 and state = 'running'",
        )
        .bind(projection)
        .bind(reason)
        .execute(&self.pool)
        .await
        .map(|done| done.rows_affected() > 0)
        .map_err(TargetError::during("abandoning a replay"))
    }
}

/// Whether a replay was moved on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moved {
    /// In this transaction.
    Now,
    /// It is there already: the answer to the commit of a try before this one got lost.
    Before,
    /// It is not where it was left: another process has it, or it was abandoned.
    Not,
}

/// Takes the row of a replay by compare-and-set on its position, and moves it to another.
pub(crate) async fn move_replay(
    connection: &mut PgConnection,
    replay: &Replay,
    to: Position,
) -> Result<Moved, TargetError> {
    let moved = sqlx::query(
        "update dragoman_projection.replays set position = $3
         where id = $1 and position = $2 and state = 'running'",
    )
    .bind(replay.id)
    .bind(replay.position.0)
    .bind(to.0)
    .execute(&mut *connection)
    .await
    .map_err(TargetError::during("moving a replay on"))?;
    if moved.rows_affected() > 0 {
        return Ok(Moved::Now);
    }
    let there = stands_at(connection, replay.id, to).await?;
    Ok(if there { Moved::Before } else { Moved::Not })
}

/// Writes down what came of events, with the move behind them.
pub(crate) async fn record_replayed(
    connection: &mut PgConnection,
    replay: i64,
    resent: i64,
    refusals: &[ReplayRefusal],
) -> Result<(), TargetError> {
    sqlx::query("update dragoman_projection.replays set resent = resent + $2 where id = $1")
        .bind(replay)
        .bind(resent)
        .execute(&mut *connection)
        .await
        .map_err(TargetError::during("recording what was sent again"))?;
    insert_refusals(connection, replay, refusals).await
}

async fn stands_at(
    connection: &mut PgConnection,
    id: i64,
    position: Position,
) -> Result<bool, TargetError> {
    sqlx::query_scalar(
        "select exists (select from dragoman_projection.replays
                        where id = $1 and position = $2 and state = 'running')",
    )
    .bind(id)
    .bind(position.0)
    .fetch_one(connection)
    .await
    .map_err(TargetError::during("looking where a replay stands"))
}

async fn insert_refusals(
    connection: &mut PgConnection,
    replay: i64,
    refusals: &[ReplayRefusal],
) -> Result<(), TargetError> {
    if refusals.is_empty() {
        return Ok(());
    }
    let texts = |pick: fn(&ReplayRefusal) -> &str| refusals.iter().map(pick).collect::<Vec<_>>();
    let positions: Vec<i64> = refusals.iter().map(|one| one.identity.position.0).collect();
    sqlx::query(
        "insert into dragoman_projection.replay_refusals
             (replay, position, source, id, subject, reason)
         select $1, * from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])",
    )
    .bind(replay)
    .bind(positions)
    .bind(texts(|one| &one.identity.source))
    .bind(texts(|one| &one.identity.id))
    .bind(texts(|one| &one.subject))
    .bind(texts(|one| &one.reason))
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(TargetError::during("recording what was refused"))
}
