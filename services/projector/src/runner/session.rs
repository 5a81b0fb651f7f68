//! What the parts of a running projection share, from opening to the next opening.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dragoman_core::{Identity, Position};
use dragoman_store::{LineageError, Store};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::patience::{Quit, patiently};
use super::{ProjectorError, RunnerOptions};
use crate::sinks::http::Receiver;
use crate::{Definition, Generation, Opened, Target};

/// How many steps one instance has under way in its target at once.
const STEPS_AT_ONCE: usize = 4;

/// Why a session ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionEnd {
    /// The projection was asked to stop.
    Stopped,
    /// An operator paused it.
    Paused,
    /// Another generation, mode or definition took over: open again.
    Superseded,
    /// The lease of a ledger follower is another's.
    LostLease,
    /// The Kafka client has stopped reading while there is something to read: join again.
    ReaderStalled,
}

/// Why a piece of work within a session did not come to its end.
#[derive(Debug)]
pub(super) enum StepEnd {
    /// It was time to quit.
    Quit,
    /// Another process owns the reader, or a commit went through whose answer was lost.
    LostOwnership,
    /// Another generation, mode or definition took over.
    Superseded,
    /// The Kafka client has stopped reading while there is something to read.
    ReaderStalled,
    /// A person is needed.
    Halted(ProjectorError),
}

impl From<ProjectorError> for StepEnd {
    fn from(error: ProjectorError) -> Self {
        Self::Halted(error)
    }
}

/// Shared by the parts of a session. The first of them that ends it says why.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) options: RunnerOptions,
    pub(super) definition: Arc<Definition>,
    pub(super) store: Store,
    pub(super) target: Target,
    pub(super) generation: Generation,
    /// Whom events are sent to, when they are.
    pub(super) receiver: Option<Arc<Receiver>>,
    /// Cancelled when the session ends, for whatever reason.
    pub(super) over: CancellationToken,
    pub(super) slots: Semaphore,
    /// Why nothing goes through to the receiver, as it was last left for `status`.
    pub(super) reported: Mutex<Option<&'static str>>,
    /// The highest end of the ledger that was seen.
    head: AtomicI64,
    end: Mutex<Option<Result<SessionEnd, ProjectorError>>>,
}

impl Session {
    pub(super) fn new(
        options: RunnerOptions,
        definition: Arc<Definition>,
        store: Store,
        target: Target,
        generation: Generation,
        receiver: Option<Arc<Receiver>>,
        stop: &CancellationToken,
    ) -> Self {
        Self {
            receiver,
            options,
            definition,
            store,
            target,
            generation,
            over: stop.child_token(),
            slots: Semaphore::new(STEPS_AT_ONCE),
            reported: Mutex::default(),
            head: AtomicI64::new(0),
            end: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.definition.name
    }

    /// Ends the session. Only the first word counts.
    pub(super) fn end(&self, how: Result<SessionEnd, ProjectorError>) {
        self.end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(how);
        self.over.cancel();
    }

    /// Ends the session for what a piece of work met, unless that was only its own end.
    pub(super) fn end_for(&self, end: StepEnd) {
        match end {
            StepEnd::Quit | StepEnd::LostOwnership => {}
            StepEnd::Superseded => self.end(Ok(SessionEnd::Superseded)),
            StepEnd::ReaderStalled => self.end(Ok(SessionEnd::ReaderStalled)),
            StepEnd::Halted(error) => self.end(Err(error)),
        }
    }

    /// How it ended, once it has.
    pub(super) fn how_it_ended(&self) -> Result<SessionEnd, ProjectorError> {
        self.end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .unwrap_or(Ok(SessionEnd::Stopped))
    }

    /// Quits when the session is over, or `ground` is lost.
    pub(super) fn quit(&self, ground: CancellationToken) -> Quit {
        Quit::new(self.over.clone(), ground)
    }

    /// The checkpoints as they are now, of this session's generation.
    pub(super) async fn look(&self, quit: &Quit) -> Result<Opened, StepEnd> {
        let looked = patiently(self.name(), quit, || async {
            self.target
                .look(self.name())
                .await
                .map_err(ProjectorError::target(self.name()))
        })
        .await?;
        let opened = looked.ok_or(StepEnd::Quit)?.ok_or(StepEnd::Superseded)?;
        if opened.generation.number == self.generation.number {
            Ok(opened)
        } else {
            Err(StepEnd::Superseded)
        }
    }

    /// The highest end of the ledger seen so far.
    pub(super) fn known_head(&self) -> Position {
        Position(self.head.load(Ordering::Relaxed))
    }

    /// Asks where the ledger ends. What was seen once cannot go away.
    ///
    /// # Errors
    /// When it ends before what was seen, or the database does not answer.
    pub(super) async fn look_at_head(&self) -> Result<Position, ProjectorError> {
        // Read before the question is asked: answers of others may overtake this one.
        let before = self.known_head();
        let head = self.store.head().await;
        let head = head.map_err(ProjectorError::store(self.name()))?;
        if head < before {
            let outside = Identity {
                position: before,
                source: "(any)".to_owned(),
                id: "(any)".to_owned(),
            };
            return Err(self.beyond("what was sealed a moment ago".to_owned(), outside, head));
        }
        self.head.fetch_max(head.0, Ordering::Relaxed);
        Ok(head)
    }

    /// The error for an event that the ledger should have and has not.
    pub(super) fn beyond(
        &self,
        whose: String,
        outside: Identity,
        head: Position,
    ) -> ProjectorError {
        ProjectorError::Lineage {
            projection: self.name().to_owned(),
            source: Box::new(LineageError::Beyond {
                whose,
                outside,
                head,
            }),
        }
    }
}
