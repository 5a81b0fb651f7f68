//! Bringing readers that are new to their partitions to where Kafka goes on: the log is
//! read once for all of them, and each gets its part.

use std::collections::BTreeSet;
use std::sync::Arc;

use dragoman_core::{Position, RecordedEvent, chain, partition_for};
use dragoman_store::Stretch;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::answer_limit::AnswerLimit;
use super::cursor::{Cursor, Place};
use super::lane::Lane;
use super::read_ahead::{ReadAhead, Reading};
use super::session::{Session, StepEnd};
use crate::Reader;

/// The longest stretch of the log that is read at once, in events.
const LONGEST: usize = 4_000;
/// How many parts wait for a reader.
const WAITING: usize = 1;

/// What a reader has to do before it reads Kafka.
#[derive(Debug)]
pub(super) struct Beginning {
    /// Where Kafka goes on.
    pub(super) to: Place,
    parts: mpsc::Receiver<Part>,
}

/// A reader's part of a stretch of the log.
#[derive(Debug)]
struct Part {
    events: Vec<RecordedEvent>,
    /// The end of the stretch.
    through: Place,
}

/// The readers that begin together.
#[derive(Debug)]
pub(super) struct Beginners {
    until: Position,
    readers: Vec<Beginner>,
}

#[derive(Debug)]
struct Beginner {
    reader: Reader,
    types: BTreeSet<String>,
    after: Position,
    parts: mpsc::Sender<Part>,
}

impl Beginners {
    /// None yet, who are to be brought to this position.
    pub(super) const fn until(until: Position) -> Self {
        Self {
            until,
            readers: Vec::new(),
        }
    }

    /// Takes a reader up that begins where its cursor stands.
    pub(super) fn join(&mut self, cursor: &Cursor, next_offset: i64) -> Beginning {
        let (sender, parts) = mpsc::channel(WAITING);
        self.readers.push(Beginner {
            reader: cursor.reader.clone(),
            types: cursor.types.clone(),
            after: cursor.position(),
            parts: sender,
        });
        Beginning {
            to: Place {
                position: self.until,
                identity: None,
                next_offset: Some(next_offset),
            },
            parts,
        }
    }

    /// Reads the log for all of them, in a task of its own. `None` when nobody begins. A
    /// reader that gets no more of its parts brings itself the rest.
    pub(super) fn start(self, session: &Arc<Session>) -> Option<AbortOnDropHandle<()>> {
        if self.readers.is_empty() {
            return None;
        }
        let session = Arc::clone(session);
        let task = tokio::spawn(async move {
            if let Err(end) = self.read(&session).await {
                session.end_for(end);
            }
        });
        Some(AbortOnDropHandle::new(task))
    }

    async fn read(mut self, session: &Session) -> Result<(), StepEnd> {
        let lowest = self.readers.iter().map(|beginner| beginner.after).min();
        let mut position = lowest.unwrap_or(self.until);
        let types: BTreeSet<&String> = self.readers.iter().flat_map(|one| &one.types).collect();
        let together = session.options.batch_limit.max(1) * self.readers.len();
        let mut log = ReadAhead::start(
            &session.store,
            Reading {
                projection: session.name().to_owned(),
                place: Place::at(position),
                types: types.into_iter().cloned().collect(),
                about: together.min(LONGEST),
                limit: AnswerLimit::default(),
            },
        );
        while position < self.until && !self.readers.is_empty() {
            let stretch = match log.next().await {
                Ok(Some(stretch)) => stretch,
                Ok(None) => break,
                Err(error) if error.is_unavailable() => {
                    tracing::debug!(
                        projection = session.name(), error = %chain(&error),
                        "the log is no longer read for all that begin; each reads on by itself"
                    );
                    break;
                }
                Err(error) => return Err(error.into()),
            };
            position = stretch.last.position;
            self.hand_out(stretch).await;
        }
        Ok(())
    }

    async fn hand_out(&mut self, stretch: Stretch) {
        let until = self.until;
        let through = if stretch.last.position <= until {
            Place {
                position: stretch.last.position,
                identity: Some(stretch.last),
                next_offset: None,
            }
        } else {
            Place::at(until)
        };
        let mut parts: Vec<Vec<RecordedEvent>> = self.readers.iter().map(|_| Vec::new()).collect();
        for event in stretch.events {
            if event.position > until {
                break;
            }
            let hash = event.event.subject_hash();
            let whose = self.readers.iter().position(|one| one.has(&event, hash));
            if let Some(part) = whose.and_then(|whose| parts.get_mut(whose)) {
                part.push(event);
            }
        }
        let mut gone = Vec::new();
        for (one, events) in self.readers.iter().zip(parts) {
            let through = through.clone();
            let sent = one.parts.send(Part { events, through }).await;
            gone.push(sent.is_err());
        }
        let mut gone = gone.into_iter();
        self.readers.retain(|_| gone.next() == Some(false));
    }
}

impl Beginner {
    fn has(&self, event: &RecordedEvent, hash: i32) -> bool {
        match self.reader {
            Reader::Partition {
                partition,
                partitions,
                ..
            } => {
                partition == partition_for(hash, partitions)
                    && self.types.contains(&event.event.event_type)
            }
            Reader::Ledger => false,
        }
    }
}

impl Lane {
    /// Brings the reader to where Kafka goes on.
    ///
    /// # Errors
    /// See [`StepEnd`].
    pub(super) async fn begin(&mut self, mut beginning: Beginning) -> Result<(), StepEnd> {
        loop {
            let part = tokio::select! {
                biased;
                () = self.quit.cancelled() => return Err(StepEnd::Quit),
                part = beginning.parts.recv() => part,
            };
            let Some(mut part) = part else { break };
            if part.through.position == beginning.to.position {
                // The owner record is to say from where on Kafka is read, so that a later
                // start finds what Kafka has lost since.
                part.through.next_offset = beginning.to.next_offset;
            }
            self.bring(part).await?;
        }
        let to = &beginning.to;
        self.session.fill(&mut self.cursor, to, &self.quit).await?;
        if self.cursor.position() == to.position {
            self.cursor.anchor(to.next_offset);
        }
        Ok(())
    }

    async fn bring(&mut self, part: Part) -> Result<(), StepEnd> {
        let through = self.session.identified(&part.through, &self.quit).await?;
        let mut events = part.events;
        events.retain(|event| event.position > self.cursor.position() && self.cursor.wants(event));
        let limit = self.session.options.batch_limit.max(1);
        while self.cursor.position() < through.position {
            let rest = events.split_off(events.len().min(limit));
            let window = std::mem::replace(&mut events, rest);
            let to = match window.last() {
                Some(last) if !events.is_empty() => Place::of(last, None),
                _ => through.clone(),
            };
            self.bring_window(&window, &to).await?;
            if self.cursor.position() != to.position {
                // The owner record had moved. Wherever it stands now: nothing behind it is
                // taken for done that is not, nor done again.
                self.session
                    .fill(&mut self.cursor, &through, &self.quit)
                    .await?;
            }
        }
        Ok(())
    }

    async fn bring_window(&mut self, window: &[RecordedEvent], to: &Place) -> Result<(), StepEnd> {
        if window.is_empty() && to.next_offset.is_none() {
            self.cursor.pass(to.clone());
            return self.session.note_passed(&mut self.cursor, &self.quit).await;
        }
        let applied = self
            .session
            .apply(&mut self.cursor, window, to, &self.quit)
            .await;
        match applied {
            Err(StepEnd::LostOwnership) => {
                self.session
                    .resynchronise(&mut self.cursor, &self.quit)
                    .await
            }
            applied => applied.map(|_| ()),
        }
    }
}
