//! The fulfilment team, which reads the topic `fulfilment` with a plain Kafka client and
//! knows nothing of the hub but the headers of the records. Without Kafka it reads along
//! at the command line.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stage::{Hub, StageError};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::counters::Counters;
use crate::record::{Reading, Record};

/// How long to wait before the client is started again: it ends where there is no topic yet.
const PAUSE: Duration = Duration::from_millis(500);

/// Where the team reads.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A topic, with `kcat`.
    Topic {
        /// Of Kafka.
        brokers: String,
        /// Its name.
        topic: String,
    },
    /// `dragoman events tail`.
    Log(Hub),
}

/// The team at work; dropped, it stops.
#[derive(Debug)]
pub(crate) struct Team {
    reading: Arc<Mutex<Reading>>,
    /// Ends its task when dropped.
    _work: JoinSet<()>,
}

impl Team {
    /// Begins to read, from the first record on.
    pub(crate) fn start(source: Source, counters: Arc<Counters>) -> Self {
        let reading = Arc::new(Mutex::new(Reading::default()));
        let mut work = JoinSet::new();
        let notes = Arc::clone(&reading);
        work.spawn(async move {
            loop {
                // That it cannot be started shows in the account.
                let _ = read(&source, &notes, &counters).await;
                sleep(PAUSE).await;
            }
        });
        Self {
            reading,
            _work: work,
        }
    }

    /// What it has read.
    pub(crate) fn reading(&self) -> Reading {
        lock(&self.reading).clone()
    }
}

impl Source {
    fn command(&self) -> Command {
        match self {
            Self::Topic { brokers, topic } => {
                let mut command = Command::new("kcat");
                command
                    .args(["-C", "-q", "-u", "-b", brokers, "-t", topic])
                    .args(["-o", "beginning", "-f", "%p\t%k\t%h\t%s\n"])
                    .kill_on_drop(true);
                command
            }
            Self::Log(hub) => {
                let tail = ["events", "tail", "--type", "shipment.dispatched"];
                hub.command(&[tail.as_slice(), &["--from", "1", "--json"]].concat())
            }
        }
    }

    fn parse(&self, line: &str) -> Option<Record> {
        match self {
            Self::Topic { .. } => Record::parse(line),
            Self::Log(_) => Record::parse_json(line),
        }
    }
}

/// Runs the client to its end. Started again it reads from the first record on; what was
/// read before is then a repeat.
async fn read(
    source: &Source,
    reading: &Mutex<Reading>,
    counters: &Counters,
) -> Result<(), StageError> {
    let mut client = source
        .command()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(StageError::system("starting to read"))?;
    let Some(output) = client.stdout.take() else {
        return Err(StageError::Unexpected(
            "the client has no output".to_owned(),
        ));
    };
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines
        .next_line()
        .await
        .map_err(StageError::system("reading what the client prints"))?
    {
        if let Some(record) = source.parse(&line)
            && lock(reading).take(record)
        {
            counters.read.add(1);
        }
    }
    client
        .wait()
        .await
        .map_err(StageError::system("waiting for the client"))?;
    Ok(())
}

/// What is locked is whole after a panic too.
fn lock(reading: &Mutex<Reading>) -> std::sync::MutexGuard<'_, Reading> {
    reading.lock().unwrap_or_else(PoisonError::into_inner)
}
