//! Where requests wait for a writer. Bounded by number and by bytes: what finds no
//! room is sent away, and memory stays what it is.

use std::sync::Arc;

use dragoman_store::{AppendOutcome, AppendRequest, record_bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::limits::{BATCH_BYTES, BATCH_EVENTS};

/// Bytes are counted in units of this many.
const UNIT: usize = 1024;

/// There is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueFull;

/// Why a request was not stored, or why that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAppended {
    /// The database is away, or did not answer: it may be stored or not. The sender's
    /// next try meets a duplicate or nothing.
    Unavailable,
    /// The database refuses this request.
    Refused,
}

/// What a writer answers.
pub(crate) type Reply = Result<AppendOutcome, NotAppended>;

/// A request that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) request: AppendRequest,
    pub(crate) reply: oneshot::Sender<Reply>,
    bytes: usize,
    /// Its room, given back when the request has its reply.
    pub(crate) room: OwnedSemaphorePermit,
}

/// The end that requests are put in.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    sender: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    units: u32,
}

/// The end that writers take from.
#[derive(Debug)]
pub(crate) struct Taker {
    receiver: mpsc::Receiver<Waiting>,
    /// Taken already, and too large for the batch it would have been in.
    carried: Option<Waiting>,
}

/// A queue for that many requests and bytes.
pub(crate) fn queue(requests: usize, bytes: usize) -> (Queue, Taker) {
    let (sender, receiver) = mpsc::channel(requests.max(1));
    let units = u32::try_from(bytes.div_ceil(UNIT))
        .unwrap_or(u32::MAX)
        .max(1);
    let most = u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX);
    let units = units.min(most);
    let queue = Queue {
        sender,
        room: Arc::new(Semaphore::new(usize::try_from(units).unwrap_or(usize::MAX))),
        units,
    };
    let taker = Taker {
        receiver,
        carried: None,
    };
    (queue, taker)
}

impl Queue {
    /// Puts a request in. Its reply comes when a writer has written it; a receiver that
    /// is closed means that the writers ended before.
    ///
    /// # Errors
    /// When there is no room; nothing was put in then.
    pub(crate) fn submit(
        &self,
        request: AppendRequest,
    ) -> Result<oneshot::Receiver<Reply>, QueueFull> {
        let bytes = request.events.iter().map(record_bytes).sum::<usize>();
        // A request larger than the whole queue takes all of it.
        let units = u32::try_from(bytes.div_ceil(UNIT))
            .unwrap_or(u32::MAX)
            .clamp(1, self.units);
        let room = Arc::clone(&self.room)
            .try_acquire_many_owned(units)
            .map_err(|_| QueueFull)?;
        let (reply, replied) = oneshot::channel();
        self.sender
            .try_send(Waiting {
                request,
                reply,
                bytes,
                room,
            })
            .map_err(|_| QueueFull)?;
        Ok(replied)
    }

    /// How many requests wait.
    pub(crate) fn len(&self) -> usize {
        self.sender.max_capacity() - self.sender.capacity()
    }
}

impl Taker {
    /// Waits for a request, and takes with it what has queued behind it, as far as one
    /// statement takes it. `None` when the queue is empty and nobody puts in any more.
    pub(crate) async fn take(&mut self) -> Option<Vec<Waiting>> {
        let first = match self.carried.take() {
            Some(carried) => carried,
            None => self.receiver.recv().await?,
        };
        let mut events = first.request.events.len();
        let mut bytes = first.bytes;
        let mut batch = vec![first];
        while let Ok(next) = self.receiver.try_recv() {
            events += next.request.events.len();
            bytes += next.bytes;
            if events > BATCH_EVENTS || bytes > BATCH_BYTES {
                self.carried = Some(next);
                break;
            }
            batch.push(next);
        }
        Some(batch)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use dragoman_core::{Event, JSON};

    use super::*;

    fn request(events: usize, bytes: usize) -> AppendRequest {
        let event = Event {
            id: "1".into(),
            source: "/s".into(),
            event_type: "t".into(),
            subject: "s".into(),
            time: chrono::DateTime::UNIX_EPOCH,
            content_type: JSON.into(),
            data: "x".repeat(bytes),
            traceparent: None,
            extensions: std::collections::BTreeMap::new(),
        };
        AppendRequest {
            adapter: "api".into(),
            events: vec![event; events],
        }
    }

    #[tokio::test]
    async fn what_has_queued_is_taken_as_far_as_a_statement_takes_it() {
        let (queue, mut taker) = queue(100, 64 << 20);
        for events in [1, 999, 1, 3] {
            queue.submit(request(events, 10)).unwrap();
        }
        queue.submit(request(1, BATCH_BYTES)).unwrap();
        queue.submit(request(1, 10)).unwrap();
        drop(queue);
        let mut sizes: Vec<Vec<usize>> = Vec::new();
        while let Some(batch) = taker.take().await {
            sizes.push(batch.iter().map(|one| one.request.events.len()).collect());
        }
        let expected: [Vec<usize>; 4] = [vec![1, 999], vec![1, 3], vec![1], vec![1]];
        assert_eq!(sizes, expected);
    }

    #[tokio::test]
    async fn without_room_nothing_is_taken_and_room_comes_back() {
        let (few, _taker) = queue(2, 1 << 20);
        assert!(few.submit(request(1, 10)).is_ok());
        assert!(few.submit(request(1, 10)).is_ok());
        assert_eq!(few.submit(request(1, 10)).err(), Some(QueueFull));
        assert_eq!(few.len(), 2);
        let (small, mut taker) = queue(100, 10 << 10);
        assert!(small.submit(request(1, 9 << 10)).is_ok());
        assert!(small.submit(request(1, 9 << 10)).is_err());
        drop(taker.take().await);
        assert!(small.submit(request(1, 1 << 20)).is_ok(), "alone, it fits");
    }
}
