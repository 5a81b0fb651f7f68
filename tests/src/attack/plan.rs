//! What goes wrong in one run.

use std::fmt;

use dragoman_faults::{Bug, CrashPoint};
use dragoman_ingest::AdapterKind;

use super::environment::{Line, Needs, ServerFault};
use super::receiver::Mood;
use super::storm::Storm;
use super::wire::Weather;

/// When a crash point is armed for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// From the start.
    First,
    /// When half of everything was sent.
    Middle,
    /// When nearly everything was sent.
    Last,
}

impl Hit {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::First, Self::Middle, Self::Last];
}

/// How often the process dies, each time at the first hit after its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deaths {
    /// Once.
    Once,
    /// And once more when it was started again.
    Twice,
    /// Five times.
    Storm,
}

impl Deaths {
    /// Those that every crash point is tried with.
    pub const ALL: [Self; 3] = [Self::Once, Self::Twice, Self::Storm];

    /// As a number.
    #[must_use]
    pub const fn count(self) -> u32 {
        match self {
            Self::Once => 1,
            Self::Twice => 2,
            Self::Storm => 5,
        }
    }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attack {
    /// Nothing: what the others are compared with.
    Nothing,
    /// A process dies at a place.
    Crash(CrashPoint, Hit, Deaths),
    /// Ingest dies at a place while its senders use that kind of adapter.
    Entry(AdapterKind, CrashPoint, Hit, Deaths),
    /// Events become visible late while nothing is in flight, on a server that nobody
    /// else writes to.
    LateInQuiet,
    /// Sessions of ingest are ended while their inserts wait for a key; inserts of one key
    /// wait together.
    InsertsHeld,
    /// Kafka's acknowledgements take longer than marks are apart, and the relay is killed.
    SlowAcknowledgements,
    /// The hub's and the target's sessions are ended by the server, again and again.
    SessionsEnded,
    /// The clock is set an hour forward, two back, one more, and right again, for the hub
    /// alone.
    ClockSteps,
    /// The answer to a commit of the projection gets lost, and its connection with it.
    CommitAnswerLost,
    /// A transaction with more events than a batch holds becomes visible late.
    LargeLate,
    /// An instance of the projection is frozen until others have moved its owner records,
    /// and wakes with what it had in hand.
    ZombieProjection,
    /// The relay is killed again and again, wherever it stands.
    RelayKilled,
    /// The same, while partitions are sent in small parts, each when it has enough.
    UnevenPartitions,
    /// Kafka loses the oldest records before the projection has read them.
    RecordsLost,
    /// Kafka loses the newest records of partitions that go quiet.
    TailLost,
    /// The table is rebuilt under traffic, which overtakes it.
    Rebuilt,
    /// The answers to what a rebuild commits get lost, and its connections with them.
    RebuildAnswersLost,
    /// The answers to what the hub commits in its own database get lost, and the
    /// connections with them.
    HubAnswersLost,
    /// The weather on the way to a server is bad for a while.
    Wire(Line, Weather),
    /// A receiver that a second projection calls has a mood.
    Receiver(Mood),
    /// A replay of thousands of events is killed ten times, wherever it stands.
    ReplayKilled,
    /// Something goes wrong with a server, or with who is at work.
    Server(ServerFault),
    /// Much of it together, as the seed has it: one of several storms of a run.
    Storm(u32),
}

impl Attack {
    /// Where a process dies, and when.
    #[must_use]
    pub const fn crash(self) -> Option<(CrashPoint, Hit, Deaths)> {
        match self {
            Self::Crash(point, hit, deaths) | Self::Entry(_, point, hit, deaths) => {
                Some((point, hit, deaths))
            }
            _ => None,
        }
    }

    /// Whether Kafka does not hold everything at the end.
    pub(super) const fn loses_records(self) -> bool {
        matches!(
            self,
            Self::RecordsLost | Self::TailLost | Self::Server(ServerFault::TopicDeleted)
        )
    }

    /// The kind of adapter that senders use.
    pub(super) const fn adapter(self) -> AdapterKind {
        match self {
            Self::Entry(kind, ..) => kind,
            _ => AdapterKind::Api,
        }
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crash(point, hit, deaths) => {
                write!(formatter, "{} {hit:?} {deaths:?}", point.name())
            }
            Self::Entry(kind, point, hit, deaths) => {
                write!(formatter, "{} {kind:?} {hit:?} {deaths:?}", point.name())
            }
            Self::Wire(line, weather) => write!(formatter, "wire {line:?} {weather:?}"),
            Self::Receiver(mood) => write!(formatter, "receiver {mood:?}"),
            Self::Server(fault) => write!(formatter, "server {fault:?}"),
            Self::Storm(number) => write!(formatter, "Storm {number}"),
            other => write!(formatter, "{other:?}"),
        }
    }
}

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What goes wrong.
    pub attack: Attack,
    /// The mistake that the hub makes beside.
    pub bug: Option<Bug>,
    /// From which everything random in it follows.
    pub seed: u64,
}

impl Plan {
    /// Whether it starts a Postgres or a Kafka that nobody else uses.
    #[must_use]
    pub fn has_servers_of_its_own(&self) -> bool {
        let needs = Needs::of(self);
        needs.postgres.is_some() || needs.broker
    }

    /// What happens in it, if it is a storm.
    #[must_use]
    pub fn storm(&self) -> Option<Storm> {
        matches!(self.attack, Attack::Storm(_)).then(|| Storm::from_seed(self.seed))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bug {
            None => write!(formatter, "{}", self.attack),
            Some(bug) => write!(formatter, "{} with {}", self.attack, bug.name()),
        }
    }
}
