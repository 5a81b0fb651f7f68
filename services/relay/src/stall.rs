//! Noticing a producer that has stopped working while Kafka works.
//!
//! librdkafka can lose a partition's leader for good: a broker that was fenced for a
//! moment answers "no leader", the client drops that update and never sends to the
//! partition again, though it waits without an end
//! (<https://github.com/confluentinc/librdkafka/issues/5430>). Nothing fails then, and
//! nothing moves. A new producer works.

use std::time::{Duration, Instant};

use dragoman_core::Position;
use dragoman_stream::{KafkaOptions, Topics};

use crate::publish::Publisher;
use crate::task::Task;

/// How long nothing may move before Kafka is asked, and then again before the producer
/// is given up.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest patience after several producers in a row that did not help.
const LONGEST_PATIENCE: Duration = Duration::from_secs(80);

/// Watches over one producer, and asks Kafka beside the work.
pub(crate) struct ProducerWatch<'a> {
    kafka: &'a KafkaOptions,
    progress: Progress,
    question: Option<Task<bool>>,
}

impl<'a> ProducerWatch<'a> {
    /// A watch over a producer that comes after `in_vain` others in a row that had to be
    /// given up and had moved nothing.
    pub(crate) fn new(kafka: &'a KafkaOptions, reached: Position, in_vain: u32) -> Self {
        Self {
            kafka,
            progress: Progress::new(reached, in_vain, Instant::now()),
            question: None,
        }
    }

    /// Whether the producer has to be given up. Does not wait for Kafka.
    pub(crate) async fn has_stalled(&mut self, publisher: &Publisher<'_>) -> bool {
        let now = Instant::now();
        if let Some(answered) = self.question.take_if(|question| question.is_finished()) {
            // A question that ended without an answer is no reason to give up anything.
            self.progress
                .answered(answered.end().await.unwrap_or(false), now);
        }
        let look = self
            .progress
            .look(publisher.through(), publisher.in_flight(), now);
        if look == Look::Ask && self.question.is_none() {
            let question = ask(self.kafka.clone(), publisher.lanes().topics());
            self.question = Some(Task::start(question));
        }
        look == Look::Stalled
    }
}

/// Asks, as a new client, whether every partition of the topics has a leader. An answer
/// that cannot be had is a no.
async fn ask(kafka: KafkaOptions, topics: Vec<String>) -> bool {
    match Topics::connect(&kafka) {
        Ok(client) => client.all_led(&topics).await.unwrap_or(false),
        Err(_) => false,
    }
}

/// How far everything is acknowledged, and since when that has not changed.
#[derive(Debug)]
struct Progress {
    patience: Duration,
    reached: Position,
    still_since: Instant,
    /// Since when it is known that Kafka would take it.
    led_since: Option<Instant>,
}

#[derive(Debug, PartialEq, Eq)]
enum Look {
    /// It moves, or has not stood still for long.
    Moving,
    /// It is time to find out whether Kafka could take it.
    Ask,
    /// Kafka could take it for long and does not get it.
    Stalled,
}

impl Progress {
    fn new(reached: Position, in_vain: u32, now: Instant) -> Self {
        let patience = PATIENCE.saturating_mul(1 << in_vain.min(8));
        Self {
            patience: patience.min(LONGEST_PATIENCE),
            reached,
            still_since: now,
            led_since: None,
        }
    }

    fn look(&mut self, reached: Position, waiting: usize, now: Instant) -> Look {
        if reached != self.reached || waiting == 0 {
            self.reached = reached;
            self.still_since = now;
            self.led_since = None;
            return Look::Moving;
        }
        match self.led_since {
            Some(since) if now.duration_since(since) >= self.patience => Look::Stalled,
            Some(_) => Look::Moving,
            None if now.duration_since(self.still_since) >= self.patience => Look::Ask,
            None => Look::Moving,
        }
    }

    /// Takes in whether every partition has a leader. If not it is Kafka that stands
    /// still, and the producer rightly waits.
    fn answered(&mut self, led: bool, now: Instant) {
        if led {
            self.led_since.get_or_insert(now);
        } else {
            self.still_since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use dragoman_core::Position;

    use super::{Look, PATIENCE, Progress};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_producer_that_moves_nothing_while_kafka_could_take_it_is_given_up() {
        let start = Instant::now();
        let mut watch = Progress::new(Position(7), 0, start);
        let still = |watch: &mut Progress, now| watch.look(Position(7), 3, now);
        assert_eq!(still(&mut watch, start + SECOND), Look::Moving);
        assert_eq!(still(&mut watch, start + PATIENCE), Look::Ask);
        watch.answered(true, start + PATIENCE);
        assert_eq!(still(&mut watch, start + PATIENCE + SECOND), Look::Moving);
        assert_eq!(still(&mut watch, start + 2 * PATIENCE), Look::Stalled);
    }

    #[test]
    fn one_that_moves_or_has_nothing_to_move_or_waits_for_kafka_is_not() {
        let start = Instant::now();
        let mut watch = Progress::new(Position(7), 0, start);
        for round in 1..100 {
            let now = start + PATIENCE * round;
            assert_eq!(watch.look(Position(7), 3, now), Look::Ask);
            watch.answered(false, now);
        }
        let later = start + PATIENCE * 100;
        assert_eq!(watch.look(Position(7), 3, later), Look::Ask);
        watch.answered(true, later);
        assert_eq!(
            watch.look(Position(8), 3, later + PATIENCE),
            Look::Moving,
            "it moved after all"
        );
        assert_eq!(
            watch.look(Position(8), 0, later + 3 * PATIENCE),
            Look::Moving
        );
        assert_eq!(
            watch.look(Position(8), 1, later + 3 * PATIENCE + SECOND),
            Look::Moving,
            "it was empty a moment ago"
        );
    }

    #[test]
    fn patience_grows_while_new_producers_do_not_help() {
        let start = Instant::now();
        let mut watch = Progress::new(Position(7), 2, start);
        assert_eq!(
            watch.look(Position(7), 1, start + 3 * PATIENCE),
            Look::Moving
        );
        assert_eq!(watch.look(Position(7), 1, start + 4 * PATIENCE), Look::Ask);
        let mut watch = Progress::new(Position(7), 1000, start);
        assert_eq!(watch.look(Position(7), 1, start + 16 * PATIENCE), Look::Ask);
    }
}
