//! Reading the log through, a stretch at a time.

use dragoman_core::{Identity, Position, RecordedEvent};
use sqlx::Postgres;
use sqlx::pool::PoolConnection;

use crate::members::read_whole;
use crate::{Store, StoreError};

/// Reads the log on from a place. It holds one session for as long as it lives: a
/// database cannot become an older one under a session, so whoever has compared the
/// event at that place with what this reader finds there need not compare again.
#[derive(Debug)]
pub struct LogReader {
    session: PoolConnection<Postgres>,
    after: Position,
    types: Vec<String>,
}

/// A part of the log without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Its events of the types that are wanted, by position.
    pub events: Vec<RecordedEvent>,
    /// Its last event, of whatever type.
    pub last: Identity,
}

impl Store {
    /// A reader of the events behind a position. Those of other types than the named
    /// ones are passed over.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn log_reader(
        &self,
        after: Position,
        types: Vec<String>,
    ) -> Result<LogReader, StoreError> {
        let session = self.pool.acquire().await;
        Ok(LogReader {
            session: session.map_err(StoreError::during("beginning to read the log"))?,
            after,
            types,
        })
    }
}

impl LogReader {
    /// Who the event is behind which it reads on, as the ledger has it. `None` above the
    /// end of the ledger, and before the first event.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn place(&mut self) -> Result<Option<Identity>, StoreError> {
        let found: Option<(String, String)> = sqlx::query_as(
            "select source, id from dragoman.sealed_events
             where batch = (select batch from dragoman.ledger
                            where first_position <= $1 and event_count > 0
                            order by first_position desc limit 1)
               and position = $1",
        )
        .bind(self.after.0)
        .fetch_optional(&mut *self.session)
        .await
        .map_err(StoreError::during("reading the sealed log"))?;
        Ok(found.map(|(source, id)| Identity {
            position: self.after,
            source,
            id,
        }))
    }

    /// The next stretch, about so many events long: it ends where a batch does. `None`
    /// when the ledger ends here.
    ///
    /// # Errors
    /// When the database does not answer: the reader is of no use then.
    pub async fn next(&mut self, about: usize) -> Result<Option<Stretch>, StoreError> {
        let mut events =
            read_whole(&mut *self.session, self.after, about, Some(&self.types)).await?;
        let Some(last) = events.last().map(RecordedEvent::identity) else {
            return Ok(None);
        };
        self.after = last.position;
        events.retain(|event| self.types.contains(&event.event.event_type));
        Ok(Some(Stretch { events, last }))
    }
}
