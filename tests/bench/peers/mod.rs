//! What the hub is held against.
//!
//! | peer | what |
//! |---|---|
//! | `debezium` | Debezium in Kafka Connect: the usual product |
//! | `skip_locked` | the outboxes that are usually written at home |
//! | `raw_kafka` | librdkafka by itself: the limit of publishing |

pub(crate) mod debezium;
mod producer;
mod raw_kafka;
mod skip_locked;

use crate::child::Task;

/// Does what a peer of that name is for, until it is through or killed.
pub(crate) async fn run(name: &str, task: &Task) {
    match name {
        "librdkafka" => raw_kafka::publish(task),
        "skip_locked_update" => skip_locked::relay(task, skip_locked::Done::Marked).await,
        "skip_locked_delete" => skip_locked::relay(task, skip_locked::Done::Deleted).await,
        other => panic!("there is no peer {other}"),
    }
}

/// Waits to be killed: what a process has cost can be read for as long as it is there.
fn stay() -> ! {
    loop {
        std::thread::park();
    }
}
