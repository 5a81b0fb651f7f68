//! Parts that run side by side, and how they come to an end.
//!
//! The end has two stages. At the first SIGINT or SIGTERM every part stops taking
//! on work and finishes what is in hand, within [`GRACE`]. At the second, or when
//! that time is over, what still runs is dropped: everything durable is a
//! transaction, so nothing is half done by that, only done again.

use std::collections::HashMap;
use std::time::Duration;

use dragoman_store::Store;
use futures_util::future::BoxFuture;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// How long the first stage may take.
const GRACE: Duration = Duration::from_secs(20);
/// A part that has run this long has started well: its last halt is history.
const STARTED_WELL: Duration = Duration::from_secs(5);

/// Why a part stopped by itself.
#[derive(Debug, Clone)]
pub(crate) struct HaltReason {
    /// A stable word, for alarms.
    pub(crate) code: String,
    /// What happened.
    pub(crate) message: String,
    /// What to do.
    pub(crate) remedy: String,
}

/// A service, or an instance of one, that runs until it is told to stop.
pub(crate) struct Part {
    /// `ingest`, `relay`, `projection NAME`: what `status` calls it.
    pub(crate) name: String,
    /// Its work. `Ok` only after it was told to stop.
    pub(crate) work: BoxFuture<'static, Result<(), HaltReason>>,
    /// Whether it writes down its halts, and takes them back, by itself: a relay that
    /// stands by must not take back what another has to say.
    pub(crate) keeps_word: bool,
}

/// What happens to the others when a part halts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnHalt {
    /// They go on (`dragoman dev`).
    GoOn,
    /// The process ends (`dragoman run`).
    End,
}

/// Runs parts until a signal, or (with [`OnHalt::End`]) until the last of them has
/// ended. Halts are written to the database for `status`, and logged.
///
/// # Errors
/// The halt, when there was one.
pub(crate) async fn supervise(
    store: &Store,
    parts: Vec<Part>,
    signals: &mut Signals,
    stop: &CancellationToken,
    on_halt: OnHalt,
) -> Result<(), Failure> {
    let mut tasks = JoinSet::new();
    let mut names = HashMap::new();
    for part in parts {
        let handle = if part.keeps_word {
            tasks.spawn(part.work)
        } else {
            tasks.spawn(clear_when_well(store.clone(), part.name.clone(), part.work))
        };
        names.insert(handle.id(), part.name);
    }
    let mut halted: Vec<(String, HaltReason)> = Vec::new();
    let mut deadline: Option<Instant> = None;
    // Where the others go on, the process stays even when none is left: what halted
    // can then be seen, and commands find the database.
    while !tasks.is_empty() || (on_halt == OnHalt::GoOn && !stop.is_cancelled()) {
        tokio::select! {
            Some(ended) = tasks.join_next_with_id(), if !tasks.is_empty() => {
                if let Some((name, reason)) = outcome(ended, &names) {
                    report(store, &name, &reason).await;
                    halted.push((name, reason));
                    if on_halt == OnHalt::End {
                        stop.cancel();
                    }
                }
                if stop.is_cancelled() && deadline.is_none() {
                    deadline = Some(Instant::now() + GRACE);
                }
            }
            () = signals.next() => {
                if stop.is_cancelled() {
                    tracing::warn!("stopping at once");
                    break;
                }
                tracing::info!("stopping: finishing what is in hand; a second signal stops at once");
                stop.cancel();
                deadline = Some(Instant::now() + GRACE);
            }
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                tracing::warn!(seconds = GRACE.as_secs(), "what was in hand took too long; stopping");
                break;
            }
        }
    }
    tasks.shutdown().await;
    match halted.into_iter().next() {
        None => Ok(()),
        Some((name, reason)) => Err(Failure::failed(
            format!("{name} halted: {}", reason.message),
            reason.remedy,
        )),
    }
}

async fn clear_when_well(
    store: Store,
    name: String,
    mut work: BoxFuture<'static, Result<(), HaltReason>>,
) -> Result<(), HaltReason> {
    tokio::select! {
        result = &mut work => return result,
        () = tokio::time::sleep(STARTED_WELL) => {}
    }
    if let Err(error) = store.clear_halt(&name).await {
        tracing::warn!(%error, part = name, "the word about its last halt stays");
    }
    work.await
}

type Ended = Result<(Id, Result<(), HaltReason>), tokio::task::JoinError>;

fn outcome(ended: Ended, names: &HashMap<Id, String>) -> Option<(String, HaltReason)> {
    let name_of = |id: Id| names.get(&id).cloned().unwrap_or_default();
    match ended {
        Ok((_, Ok(()))) => None,
        Ok((id, Err(reason))) => Some((name_of(id), reason)),
        Err(error) => Some((
            name_of(error.id()),
            HaltReason {
                code: "panicked".to_owned(),
                message: format!("a programming error: {error}"),
                remedy: "report it with the log; start it again meanwhile".to_owned(),
            },
        )),
    }
}

async fn report(store: &Store, name: &str, reason: &HaltReason) {
    tracing::error!(
        part = name,
        code = reason.code,
        remedy = reason.remedy,
        "halted: {}",
        reason.message
    );
    if let Err(error) = store
        .report_halt(name, &reason.code, &reason.message, &reason.remedy)
        .await
    {
        tracing::warn!(%error, "the halt is not shown by `dragoman status`");
    }
}

/// Requests to stop, one for each SIGINT and SIGTERM.
pub(crate) struct Signals(mpsc::UnboundedReceiver<()>);

impl Signals {
    /// From now on the signals do not end the process by themselves. Call it before
    /// anything is started that must be stopped in order.
    ///
    /// # Errors
    /// When the system does not let it listen.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::failed(format!("signals cannot be heard: {error}"), ""))
        };
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if sender.send(()).is_err() {
                    return;
                }
            }
        });
        Ok(Self(receiver))
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            // Only when the listener is gone, and with it the runtime.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::time::Duration;

    use dragoman_store::{Store, StoreOptions};
    use futures_util::FutureExt;
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;

    use super::{HaltReason, OnHalt, Part, Signals, supervise};
    use crate::failure::Failure;

    /// Nothing answers there: halts cannot be written down, and that hinders nobody.
    fn store() -> Store {
        let options = StoreOptions {
            acquire_timeout: Duration::from_millis(50),
            ..StoreOptions::default()
        };
        Store::connect("postgres://nobody@127.0.0.1:1/none", &options).unwrap()
    }

    fn signals() -> (mpsc::UnboundedSender<()>, Signals) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Signals(receiver))
    }

    fn obedient(name: &str, stop: &CancellationToken) -> Part {
        let stop = stop.clone();
        Part {
            name: name.to_owned(),
            work: async move {
                stop.cancelled().await;
                Ok(())
            }
            .boxed(),
            keeps_word: false,
        }
    }

    fn halting(name: &str) -> Part {
        let reason = HaltReason {
            code: "broken".to_owned(),
            message: "something is broken".to_owned(),
            remedy: "mend it".to_owned(),
        };
        Part {
            name: name.to_owned(),
            work: async { Err(reason) }.boxed(),
            keeps_word: false,
        }
    }

    #[tokio::test]
    async fn a_halt_ends_a_process_of_one_service_and_says_why() {
        let stop = CancellationToken::new();
        let (_sender, mut signals) = signals();
        let parts = vec![halting("relay"), obedient("beside", &stop)];
        let result = supervise(&store(), parts, &mut signals, &stop, OnHalt::End).await;
        let Err(Failure::Failed { message, remedy }) = result else {
            panic!("{result:?}");
        };
        assert_eq!(message, "relay halted: something is broken");
        assert_eq!(remedy, "mend it");
    }

    #[tokio::test]
    async fn a_halt_leaves_the_others_running_until_they_are_stopped() {
        let stop = CancellationToken::new();
        let (sender, mut signals) = signals();
        let parts = vec![halting("projection sales"), obedient("ingest", &stop)];
        let (store, token) = (store(), stop.clone());
        let mut running =
            std::pin::pin!(supervise(&store, parts, &mut signals, &token, OnHalt::GoOn));
        let early = tokio::time::timeout(Duration::from_millis(300), &mut running).await;
        assert!(early.is_err(), "it ended with the halted part");
        assert!(!stop.is_cancelled());
        sender.send(()).unwrap();
        assert!(running.await.is_err(), "the halt is told at the end");
    }

    #[tokio::test]
    async fn a_panic_is_a_halt_of_that_part_alone() {
        let stop = CancellationToken::new();
        let (sender, mut signals) = signals();
        let panicking = Part {
            name: "ingest".to_owned(),
            work: async { panic!("oh") }.boxed(),
            keeps_word: true,
        };
        sender.send(()).unwrap();
        let parts = vec![panicking, obedient("relay", &stop)];
        let result = supervise(&store(), parts, &mut signals, &stop, OnHalt::GoOn).await;
        assert!(
            matches!(result, Err(Failure::Failed { message, .. }) if message.starts_with("ingest halted"))
        );
    }

    #[tokio::test]
    async fn the_second_signal_drops_what_does_not_end() {
        let stop = CancellationToken::new();
        let (sender, mut signals) = signals();
        let deaf = Part {
            name: "deaf".to_owned(),
            work: std::future::pending().boxed(),
            keeps_word: true,
        };
        sender.send(()).unwrap();
        sender.send(()).unwrap();
        let store = store();
        let ended = tokio::time::timeout(
            Duration::from_secs(5),
            supervise(&store, vec![deaf], &mut signals, &stop, OnHalt::End),
        );
        assert!(ended.await.unwrap().is_ok());
        assert!(stop.is_cancelled());
    }
}
