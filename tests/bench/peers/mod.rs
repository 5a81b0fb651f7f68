//! What the hub is held against.
//!
//! | peer | what |
//! |---|---|
//! | `debezium` | Debezium in Kafka Connect: the usual product |
//! | `skip_locked` | the outboxes that are usually written at home |
//! | `raw_kafka` | librdkafka by itself: the limit of publishing |
//! | `handlers` | HTTP servers that do nothing, and that commit each event |
//! | `raw_log` | a log with dedupe in plain SQL: the limit of storing |
//! | `raw_replay` | the log read by COPY, and into a table by SQL: the limits of replaying |
//! | `raw_requests` | the same HTTP client without order, keys and places: the limit of sending |
//! | `raw_projection`, `raw_table`, `raw_fold` | consumers that upsert, or select, fold and upsert, by themselves: the limits of projecting |

pub(crate) mod debezium;
mod handlers;
pub(crate) mod producer;
pub(crate) mod raw_fold;
mod raw_kafka;
pub(crate) mod raw_log;
mod raw_projection;
mod raw_replay;
mod raw_requests;
pub(crate) mod raw_table;
mod skip_locked;

use crate::child::Task;

/// Does what a peer of that name is for, until it is through or killed.
pub(crate) async fn run(name: &str, task: &Task) {
    match name {
        "librdkafka" => raw_kafka::publish(task),
        "skip_locked_update" => skip_locked::relay(task, skip_locked::Done::Marked).await,
        "skip_locked_delete" => skip_locked::relay(task, skip_locked::Done::Deleted).await,
        "empty_handler" => handlers::empty(task).await,
        "commit_per_event" => handlers::commit_per_event(task).await,
        "raw_batch_upsert" => {
            raw_projection::follow::<raw_table::Window>(task, raw_projection::WINDOW);
        }
        "transaction_per_event" => raw_projection::follow::<raw_table::Window>(task, 1),
        "raw_select_and_upsert" => {
            raw_projection::follow::<raw_fold::Window>(task, raw_projection::WINDOW);
        }
        "raw_requests" => raw_requests::send(task).await,
        "replay_null" => raw_replay::null(task).await,
        "copy_out" => raw_replay::copy_out(task).await,
        "raw_rebuild" => raw_replay::rebuild(task).await,
        other => panic!("there is no peer {other}"),
    }
}

/// Waits to be killed: what a process has cost can be read for as long as it is there.
fn stay() -> ! {
    loop {
        std::thread::park();
    }
}
