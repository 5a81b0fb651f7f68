//! Another team, which reads the `orders` topic with a plain Kafka client and knows
//! nothing of the hub but the headers of the records.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stage::{Line, StageError};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::counters::Counters;
use crate::orders::OrderEvent;
use crate::record::{Reading, Record};

/// How long to wait before the client is started again: it ends where there is no topic yet.
const PAUSE: Duration = Duration::from_millis(500);

/// The other team at work; dropped, it stops.
#[derive(Debug)]
pub(crate) struct Team {
    reading: Arc<Mutex<Reading>>,
    /// Ends its task when dropped.
    _work: JoinSet<()>,
}

impl Team {
    /// Begins to read, from the first record on.
    pub(crate) fn start(brokers: String, topic: String, counters: Arc<Counters>) -> Self {
        let reading = Arc::new(Mutex::new(Reading::default()));
        let mut work = JoinSet::new();
        let notes = Arc::clone(&reading);
        work.spawn(async move {
            loop {
                // That it cannot be started shows in the account.
                let _ = read(&brokers, &topic, &notes, &counters).await;
                sleep(PAUSE).await;
            }
        });
        Self {
            reading,
            _work: work,
        }
    }

    /// Compares what it has read with what the shop was acknowledged.
    pub(crate) fn line(&self, acknowledged: &[Arc<OrderEvent>]) -> Line {
        self.reading
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .line(acknowledged)
    }
}

/// Runs the client to its end. Started again it reads from the first record on; what was
/// read before is then a repeat.
async fn read(
    brokers: &str,
    topic: &str,
    reading: &Mutex<Reading>,
    counters: &Counters,
) -> Result<(), StageError> {
    let mut client = Command::new("kcat")
        .args([
            "-C",
            "-q",
            "-u",
            "-b",
            brokers,
            "-t",
            topic,
            "-o",
            "beginning",
        ])
        .args(["-f", "%p\t%k\t%h\t%s\n"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(StageError::system("starting kcat"))?;
    let Some(output) = client.stdout.take() else {
        return Err(StageError::Unexpected("kcat has no output".to_owned()));
    };
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines
        .next_line()
        .await
        .map_err(StageError::system("reading what kcat prints"))?
    {
        if let Some(record) = Record::parse(&line)
            && reading
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(record)
        {
            counters.read.add(1);
        }
    }
    client
        .wait()
        .await
        .map_err(StageError::system("waiting for kcat"))?;
    Ok(())
}
