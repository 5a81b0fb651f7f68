//! Reading the log while what was read before takes effect.

use dragoman_core::Identity;
use dragoman_store::{LineageError, LogReader, Store, Stretch};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::ProjectorError;
use super::answer_limit::AnswerLimit;
use super::cursor::Place;

/// How many stretches wait while one takes effect and another one is being read.
const WAITING: usize = 1;

/// What is to be read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) projection: String,
    /// Behind this. If it is known who the event there is, it is compared first.
    pub(super) place: Place,
    /// What else is there is passed over.
    pub(super) types: Vec<String>,
    /// How long a stretch is, about.
    pub(super) about: usize,
    /// How long each is waited for.
    pub(super) limit: AnswerLimit,
}

/// The log, read on from a place in a task of its own.
#[derive(Debug)]
pub(super) struct ReadAhead {
    stretches: mpsc::Receiver<Result<Stretch, ProjectorError>>,
    _task: AbortOnDropHandle<()>,
}

impl ReadAhead {
    pub(super) fn start(store: &Store, reading: Reading) -> Self {
        let (sender, stretches) = mpsc::channel(WAITING);
        let store = store.clone();
        let task = tokio::spawn(async move {
            if let Err(error) = read(&store, reading, &sender).await {
                let _nobody_listens = sender.send(Err(error)).await;
            }
        });
        Self {
            stretches,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// The next stretch; `None` where the ledger ended when it was asked for. Cancel safe.
    ///
    /// # Errors
    /// When it is another ledger, or the hub's database does not answer: nothing follows.
    pub(super) async fn next(&mut self) -> Result<Option<Stretch>, ProjectorError> {
        self.stretches.recv().await.transpose()
    }
}

async fn read(
    store: &Store,
    reading: Reading,
    sender: &mpsc::Sender<Result<Stretch, ProjectorError>>,
) -> Result<(), ProjectorError> {
    let projection = reading.projection.as_str();
    let refused = || ProjectorError::store(projection);
    let mut limit = reading.limit.clone();
    let beginning = async {
        let reader = store.log_reader(reading.place.position, reading.types.clone());
        let mut reader = reader.await.map_err(refused())?;
        if let Some(known) = &reading.place.identity {
            compare(store, projection, &mut reader, known).await?;
        }
        Ok(reader)
    };
    let mut reader = limit.wait(projection, beginning).await.flatten()?;
    loop {
        let read = limit.wait(projection, reader.next(reading.about)).await?;
        let Some(stretch) = read.map_err(refused())? else {
            break;
        };
        if sender.send(Ok(stretch)).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn compare(
    store: &Store,
    projection: &str,
    reader: &mut LogReader,
    known: &Identity,
) -> Result<(), ProjectorError> {
    let refused = || ProjectorError::store(projection);
    let whose = || format!("projection {projection}, the ledger");
    let differs = match reader.place().await.map_err(refused())? {
        Some(inside) if inside == *known => return Ok(()),
        Some(inside) => LineageError::Other {
            whose: whose(),
            outside: known.clone(),
            inside,
        },
        None => LineageError::Beyond {
            whose: whose(),
            outside: known.clone(),
            head: store.head().await.map_err(refused())?,
        },
    };
    Err(ProjectorError::lineage(projection)(differs))
}
