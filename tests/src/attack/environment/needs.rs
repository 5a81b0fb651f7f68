//! What an attack needs for itself, because what it does to a server would be felt by
//! everybody on it.

use dragoman_faults::Part;

use super::servers::ServerFault;
use super::wires::Line;
use crate::attack::plan::{Attack, Plan};
use crate::attack::receiver::Mood;
use crate::postgres::PostgresOptions;

/// A server as any.
const ANY: PostgresOptions = PostgresOptions {
    settings: &[],
    megabytes: None,
};
/// One that runs out of slots for sessions.
const FEW_SESSIONS: PostgresOptions = PostgresOptions {
    settings: &["max_connections=40"],
    ..ANY
};
/// One that runs out of room, and gives back what it does not need any more.
const SMALL: PostgresOptions = PostgresOptions {
    settings: &["min_wal_size=8MB", "max_wal_size=24MB"],
    megabytes: Some(160),
};

/// What a life has for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::attack) struct Needs {
    /// A Postgres of its own.
    pub(in crate::attack) postgres: Option<PostgresOptions>,
    /// Another one that follows it.
    pub(in crate::attack) follower: bool,
    /// A Kafka of its own.
    pub(in crate::attack) broker: bool,
    /// Another node of that Kafka.
    pub(in crate::attack) second_broker: bool,
    /// A receiver, and a projection that calls it.
    pub(in crate::attack) receiver: Option<Mood>,
}

impl Needs {
    pub(in crate::attack) fn of(plan: &Plan) -> Self {
        let nothing = Self {
            postgres: None,
            follower: false,
            broker: false,
            second_broker: false,
            receiver: None,
        };
        let postgres = |options| Self {
            postgres: Some(options),
            ..nothing
        };
        let broker = Self {
            broker: true,
            ..nothing
        };
        let receiver = |mood| Self {
            receiver: Some(mood),
            ..nothing
        };
        match plan.attack {
            Attack::Receiver(mood) => receiver(mood),
            Attack::Crash(point, ..) if matches!(point.part(), Part::Sending | Part::Replay) => {
                receiver(Mood::LosesReplies)
            }
            Attack::ReplayKilled => receiver(Mood::LosesReplies),
            Attack::LateInQuiet | Attack::Server(ServerFault::PostgresKilled) => postgres(ANY),
            Attack::Server(ServerFault::ConnectionsExhausted) => postgres(FEW_SESSIONS),
            Attack::Server(ServerFault::DiskFull) => postgres(SMALL),
            Attack::Server(ServerFault::Promoted) => Self {
                follower: true,
                ..postgres(ANY)
            },
            Attack::Wire(Line::Kafka, _)
            | Attack::Server(ServerFault::KafkaKilled | ServerFault::KafkaFrozen) => broker,
            Attack::Server(ServerFault::CoordinatorMoved) => Self {
                second_broker: true,
                ..broker
            },
            Attack::Storm(_) => plan.storm().map_or(nothing, |storm| Self {
                postgres: storm.restarts_postgres().then_some(ANY),
                broker: storm.needs_broker(),
                ..nothing
            }),
            _ => nothing,
        }
    }
}
