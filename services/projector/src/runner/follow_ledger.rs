//! Following the ledger itself, in one line, as the one that holds the lease.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dragoman_core::RecordedEvent;
use dragoman_store::{Leadership, Lease};
use tokio_util::task::AbortOnDropHandle;

use super::ProjectorError;
use super::cursor::{Cursor, Place};
use super::drain::Drainer;
use super::halt::{clear_halt, component};
use super::lineage::read_on;
use super::patience::{Quit, patiently};
use super::session::{Session, SessionEnd, StepEnd};
use crate::{Reader, Stop, telemetry};

/// The rest after a look that found something, and the longest one.
const BUSY: Duration = Duration::from_millis(5);
const IDLE: Duration = Duration::from_millis(200);
/// How often parked subjects, and a stop, are looked at.
const TICK: Duration = Duration::from_millis(300);
/// How long giving the lease back may take.
const RETURNING: Duration = Duration::from_secs(2);

/// Stands by until the lease is to be had, then follows the ledger until the session
/// is over.
pub(super) async fn follow_ledger(session: &Arc<Session>) {
    match take_lease(session).await {
        Ok(Some(lease)) => lead(session, lease).await,
        Ok(None) => {}
        Err(error) => session.end(Err(error)),
    }
}

async fn take_lease(session: &Session) -> Result<Option<Lease>, ProjectorError> {
    let name = component(session.name());
    let ttl = session.options.lease_ttl;
    let quit = Quit::with(&session.over);
    loop {
        let asked = patiently(session.name(), &quit, || async {
            session
                .store
                .acquire_lease(&name, &session.options.instance, ttl)
                .await
                .map_err(ProjectorError::store(session.name()))
        });
        match asked.await? {
            None => return Ok(None),
            Some(Some(lease)) => return Ok(Some(lease)),
            Some(None) => {
                if !quit.rest(ttl / 5).await {
                    return Ok(None);
                }
            }
        }
    }
}

async fn lead(session: &Arc<Session>, lease: Lease) {
    tracing::info!(
        projection = session.name(),
        epoch = lease.epoch,
        "following the ledger"
    );
    let leadership = Arc::new(Leadership::new(lease));
    let keeper = {
        let (leadership, store) = (Arc::clone(&leadership), session.store.clone());
        AbortOnDropHandle::new(tokio::spawn(async move { leadership.keep(&store).await }))
    };
    let quit = session.quit(leadership.loss());
    clear_halt(&session.store, session.name()).await;
    match follow(session, quit).await {
        Ok(never) => match never {},
        Err(StepEnd::Quit) if leadership.loss().is_cancelled() => {
            session.end(Ok(SessionEnd::LostLease));
        }
        Err(end) => session.end_for(end),
    }
    session.over.cancel();
    drop(keeper);
    telemetry::stopped(session.name(), false);
    if leadership.holds() {
        let lease = leadership.lease();
        let returned = tokio::time::timeout(RETURNING, session.store.release_lease(&lease)).await;
        if !matches!(returned, Ok(Ok(()))) {
            tracing::debug!("the lease was not given back; it runs out");
        }
    }
}

async fn follow(session: &Arc<Session>, quit: Quit) -> Result<Infallible, StepEnd> {
    // Whoever held the lease before may have moved on since this one opened.
    let opened = session.look(&quit).await?;
    let types = session.definition.events.keys().cloned().collect();
    let cursor = Cursor::new(
        Reader::Ledger,
        types,
        &opened.generation,
        &opened.checkpoints,
    );
    let mut follower = Follower {
        session,
        cursor,
        quit,
        drainer: Drainer::default(),
    };
    let ended = follower.run().await;
    session.close(&mut follower.cursor).await;
    ended
}

struct Follower<'a> {
    session: &'a Arc<Session>,
    cursor: Cursor,
    quit: Quit,
    drainer: Drainer,
}

impl Follower<'_> {
    async fn run(&mut self) -> Result<Infallible, StepEnd> {
        self.identify().await?;
        self.wait_for_an_operator(None).await?;
        self.work().await
    }

    async fn work(&mut self) -> Result<Infallible, StepEnd> {
        let mut rest = BUSY;
        let mut ticked = Instant::now();
        loop {
            if self.quit.is_cancelled() {
                return Err(StepEnd::Quit);
            }
            if ticked.elapsed() >= TICK {
                self.session.drain(&self.cursor, &mut self.drainer).await?;
                ticked = Instant::now();
            }
            if self.step().await? {
                rest = BUSY;
                continue;
            }
            self.rest(rest).await?;
            rest = (rest * 2).min(IDLE);
        }
    }

    /// Rests, unless something that was sent has come to its end.
    async fn rest(&mut self, duration: Duration) -> Result<(), StepEnd> {
        tokio::select! {
            biased;
            () = self.quit.cancelled() => Err(StepEnd::Quit),
            finished = self.cursor.finished() => {
                let (cursor, quit) = (&mut self.cursor, &self.quit);
                self.session.take_note(cursor, finished, quit).await
            }
            () = tokio::time::sleep(duration) => Ok(()),
        }
    }

    /// Reads on and lets what it finds take effect. False when nothing was there.
    async fn step(&mut self) -> Result<bool, StepEnd> {
        let events = self.read().await?;
        let Some(last) = events.last() else {
            self.session
                .note_passed(&mut self.cursor, &self.quit)
                .await?;
            return Ok(false);
        };
        let to = Place::of(last, None);
        let wanted: Vec<RecordedEvent> = events
            .into_iter()
            .filter(|event| self.cursor.wants(event))
            .collect();
        if wanted.is_empty() {
            self.cursor.pass(to);
            self.session
                .note_passed(&mut self.cursor, &self.quit)
                .await?;
            return Ok(true);
        }
        let applied = self
            .session
            .apply(&mut self.cursor, &wanted, &to, &self.quit)
            .await;
        match applied {
            Ok(applied) => {
                self.identify().await?;
                if let Some(stop) = applied.stopped {
                    self.wait_for_an_operator(Some(stop)).await?;
                }
            }
            Err(StepEnd::LostOwnership) => {
                self.session
                    .resynchronise(&mut self.cursor, &self.quit)
                    .await?;
                self.identify().await?;
            }
            Err(end) => return Err(end),
        }
        Ok(true)
    }

    /// What stands in the ledger behind the cursor, a window at the most. The end of
    /// the ledger is looked at first: it costs next to nothing.
    async fn read(&self) -> Result<Vec<RecordedEvent>, StepEnd> {
        let (session, place) = (self.session, self.cursor.reached());
        let events = patiently(session.name(), &self.quit, || async {
            let head = session.look_at_head().await?;
            telemetry::unread(
                session.name(),
                &self.cursor.reader,
                head.0 - place.position.0,
            );
            let waits_for_the_start = head < place.position && place.identity.is_none();
            if head == place.position || waits_for_the_start {
                return Ok(Vec::new());
            }
            let limit = session.options.batch_limit.max(1);
            read_on(&session.store, session.name(), place, limit).await
        });
        events.await?.ok_or(StepEnd::Quit)
    }

    /// Finds out who the event at the cursor is, so that the next read can compare.
    async fn identify(&mut self) -> Result<(), StepEnd> {
        let place = self.cursor.reached();
        if place.identity.is_some() {
            return Ok(());
        }
        let session = self.session;
        let found = patiently(session.name(), &self.quit, || async {
            session
                .store
                .identity_at(place.position)
                .await
                .map_err(ProjectorError::store(session.name()))
        });
        let identity = found.await?.ok_or(StepEnd::Quit)?;
        let place = Place {
            identity,
            ..place.clone()
        };
        self.cursor.pass(place);
        Ok(())
    }

    /// Where a total order stopped it waits until an operator asks for another try or
    /// skips the event. Says so once.
    async fn wait_for_an_operator(&mut self, stop: Option<Stop>) -> Result<(), StepEnd> {
        let mut stop = match stop {
            Some(stop) => Some(stop),
            None => self.stop().await?,
        };
        if let Some(stop) = stop.as_ref().filter(|stop| !stop.retry_asked) {
            tracing::warn!(
                projection = self.session.name(), position = %stop.position, subject = %stop.subject,
                reason = %stop.reason, attempts = stop.attempts,
                "stopped at an event that fails; retry or skip it: `dragoman parked list`"
            );
            telemetry::stopped(self.session.name(), true);
        }
        while stop.is_some_and(|stop| !stop.retry_asked) {
            if !self.quit.rest(TICK).await {
                return Err(StepEnd::Quit);
            }
            stop = self.stop().await?;
        }
        telemetry::stopped(self.session.name(), false);
        Ok(())
    }

    async fn stop(&self) -> Result<Option<Stop>, StepEnd> {
        let session = self.session;
        let asked = patiently(session.name(), &self.quit, || async {
            let stop = session.target.stop(&session.generation).await;
            stop.map_err(ProjectorError::target(session.name()))
        });
        asked.await?.ok_or(StepEnd::Quit)
    }
}
