//! HTTP senders as they are: some send twice at once, some send other content under a key
//! that is taken, some send what breaks the schema.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::History;
use crate::history::Outcome;
use crate::http_load::{Sender, in_an_open_loop};

/// Senders that go on until they are stopped.
pub(super) struct RoughLoad {
    pub(super) sender: Sender,
    told: Arc<Mutex<Told>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// What was sent, and what the senders were told.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    pub(super) history: History,
    /// Events whose key stood for other content, and what was said of them.
    pub(super) conflicts: Vec<(u64, Outcome)>,
}

/// How long a load is lively. In a long attack it goes on at a tenth: what counts is that
/// it goes on, and everything that was sent has to be judged.
pub(super) const LIVELY: Duration = Duration::from_secs(5);
/// Of so many events one is sent later on.
const LEFT_OUT: u64 = 10;

impl RoughLoad {
    /// One event in that interval, whoever waits for what.
    pub(super) fn start(sender: Sender, interval: Duration) -> Self {
        let told = Arc::new(Mutex::new(Told::default()));
        let stop = CancellationToken::new();
        let (own, shared) = (sender.clone(), Arc::clone(&told));
        let started = Instant::now();
        let sending = in_an_open_loop(interval, stop.clone(), move |number, due| {
            let (own, shared) = (own.clone(), Arc::clone(&shared));
            async move {
                if due < started + LIVELY || number.is_multiple_of(LEFT_OUT) {
                    send(own, shared, number, due).await;
                }
            }
        });
        let task = tokio::spawn(sending);
        Self {
            sender,
            told,
            stop,
            task,
        }
    }

    pub(super) fn sent(&self) -> usize {
        self.told.lock().unwrap().history.sent.len()
    }

    pub(super) async fn stop(self) -> Told {
        self.stop.cancel();
        self.task.await.expect("senders do not fail");
        let told = self.told.lock().unwrap();
        told.clone()
    }
}

async fn send(sender: Sender, told: Arc<Mutex<Told>>, number: u64, due: Instant) {
    told.lock().unwrap().history.invoke(number, due);
    let outcome = if number % 13 == 5 {
        sender.send_broken(number).await
    } else if number.is_multiple_of(3) {
        // Not in one statement, and not after the other is answered.
        let again = async {
            tokio::time::sleep(Duration::from_millis(number % 8)).await;
            sender.send_as_is(number).await
        };
        let (one, other) = tokio::join!(sender.send_as_is(number), again);
        if one == Outcome::Ok { one } else { other }
    } else {
        sender.send_as_is(number).await
    };
    let acknowledged = outcome == Outcome::Ok;
    told.lock().unwrap().history.answer(number, outcome);
    if acknowledged && number % 17 == 4 {
        let outcome = sender.send_with_content_of(number, number + 1).await;
        told.lock().unwrap().conflicts.push((number, outcome));
    }
}
