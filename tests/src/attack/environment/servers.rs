//! Servers that die, stand still, refuse, or run out of something; and processes of the hub
//! that come and go.

use std::time::{Duration, Instant};

use super::refusals::Refusals;
use crate::account::Account;
use crate::attack::crew::{Crew, Role};
use crate::attack::stage::Stage;
use crate::{Database, ORDERS, STOCK, Topics};

/// What goes wrong with servers, or with who is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerFault {
    /// Postgres is ended as by a crash, and started again, twice.
    PostgresKilled,
    /// Postgres has no room on its disk for some seconds.
    DiskFull,
    /// Postgres is ended as by a crash, and another that followed it takes its place.
    Promoted,
    /// Kafka is killed and started again, twice.
    KafkaKilled,
    /// Kafka stands still for some seconds.
    KafkaFrozen,
    /// Sessions are ended, and Postgres has no room for new ones for some seconds.
    ConnectionsExhausted,
    /// Both databases refuse now and then because of serialization failures and deadlocks.
    Refusals,
    /// The leading relay is frozen until another one leads, and wakes.
    ZombieRelay,
    /// An instance of the projection comes or goes each second.
    Rebalances,
    /// A topic takes no record as large as the events are: the relay halts, and says why.
    RecordTooLarge,
    /// Topics take nothing for some seconds, for want of replicas.
    NotEnoughReplicas,
    /// A topic is deleted: the relay halts, says why, and makes it again when it is started.
    TopicDeleted,
    /// The node of Kafka that leads every topic, and the projection's group, dies; another
    /// one leads; it comes back and leads again.
    CoordinatorMoved,
}

impl ServerFault {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::PostgresKilled,
        Self::DiskFull,
        Self::Promoted,
        Self::KafkaKilled,
        Self::KafkaFrozen,
        Self::ConnectionsExhausted,
        Self::Refusals,
        Self::ZombieRelay,
        Self::Rebalances,
        Self::RecordTooLarge,
        Self::NotEnoughReplicas,
        Self::TopicDeleted,
        Self::CoordinatorMoved,
    ];

    /// Whether it can be brought about here: only root can make a disk small.
    #[must_use]
    pub fn is_possible(self) -> bool {
        self != Self::DiskFull || Account::for_postgres().is_some()
    }
}

/// Ends what sessions the hub has with a server.
const END_THE_HUBS: &str = "select pg_terminate_backend(pid) from pg_stat_activity
     where application_name like 'dragoman%'";
/// How long a server is away.
pub(super) const AWAY: Duration = Duration::from_millis(1_500);
/// How long it is back until it goes wrong again.
const BACK: Duration = Duration::from_secs(1);
/// How long a server does not do what it is there for.
const UNWILLING: Duration = Duration::from_secs(4);
/// How long another relay may take to lead: the lease of the first has to run out.
const TAKEN_OVER: Duration = Duration::from_secs(40);

impl Stage {
    pub(in crate::attack) async fn server_fault(&self, crew: &mut Crew<'_>, fault: ServerFault) {
        match fault {
            ServerFault::PostgresKilled => {
                for _ in 0..2 {
                    self.kill_postgres(crew, AWAY).await;
                    self.pass(crew, BACK).await;
                }
            }
            ServerFault::DiskFull => self.fill_disk(crew).await,
            ServerFault::Promoted => self.promote(crew).await,
            ServerFault::KafkaKilled => {
                for _ in 0..2 {
                    self.kill_kafka(crew, AWAY).await;
                    self.pass(crew, BACK).await;
                }
            }
            ServerFault::KafkaFrozen => {
                let mut broker = self.broker.lock().await;
                let broker = broker.as_mut().expect("a Kafka of its own");
                broker.freeze();
                self.pass(crew, UNWILLING).await;
                broker.wake();
            }
            ServerFault::ConnectionsExhausted => self.exhaust_connections(crew).await,
            ServerFault::Refusals => self.refuse(crew).await,
            ServerFault::ZombieRelay => self.freeze_relay_until_replaced(crew).await,
            ServerFault::Rebalances => {
                for _ in 0..4 {
                    crew.start(Role::Projection);
                    self.pass(crew, BACK).await;
                    crew.dismiss(Role::Projection).await;
                    self.pass(crew, BACK / 2).await;
                }
            }
            ServerFault::RecordTooLarge => self.refuse_records(crew).await,
            ServerFault::NotEnoughReplicas => {
                for topic in [ORDERS, STOCK] {
                    self.set_topic(topic, "min.insync.replicas", Some("2"))
                        .await;
                }
                self.pass(crew, UNWILLING).await;
                for topic in [ORDERS, STOCK] {
                    self.set_topic(topic, "min.insync.replicas", None).await;
                }
            }
            ServerFault::TopicDeleted => self.delete_topic(crew).await,
            ServerFault::CoordinatorMoved => self.move_coordinator(crew).await,
        }
    }

    pub(in crate::attack) async fn kill_postgres(&self, crew: &mut Crew<'_>, away: Duration) {
        let mut postgres = self.postgres.lock().await;
        let postgres = postgres.as_mut().expect("a Postgres of its own");
        postgres.crash().await;
        self.pass(crew, away).await;
        postgres.restart().await;
    }

    async fn fill_disk(&self, crew: &mut Crew<'_>) {
        let mut postgres = self.postgres.lock().await;
        let postgres = postgres.as_mut().expect("a Postgres of its own");
        postgres.fill_disk();
        self.pass(crew, UNWILLING).await;
        postgres.make_room().await;
    }

    /// Nothing that was acknowledged may be lost: it waited for the follower.
    async fn promote(&self, crew: &mut Crew<'_>) {
        let mut postgres = self.postgres.lock().await;
        let follower = self.follower.lock().await.take();
        let follower = follower.expect("somebody who follows");
        let primary = postgres.as_mut().expect("a Postgres of its own");
        primary.crash().await;
        self.pass(crew, AWAY).await;
        follower.promote().await;
        self.lead_to(&follower.url());
        *postgres = Some(follower);
    }

    pub(in crate::attack) async fn kill_kafka(&self, crew: &mut Crew<'_>, away: Duration) {
        let mut broker = self.broker.lock().await;
        let broker = broker.as_mut().expect("a Kafka of its own");
        broker.kill();
        self.pass(crew, away).await;
        broker.restart().await;
    }

    /// Takes every slot that there is, and those of the hub as they become free.
    async fn exhaust_connections(&self, crew: &mut Crew<'_>) {
        let mut taken = Vec::new();
        while let Ok(session) = self.target.try_connect().await {
            taken.push(session);
        }
        let until = Instant::now() + UNWILLING;
        let mut ended = 0;
        while Instant::now() < until {
            let session = taken.last_mut().expect("some slots were free");
            let sessions = sqlx::query(END_THE_HUBS).execute(session).await;
            ended += sessions.map_or(0, |sessions| sessions.rows_affected());
            while let Ok(session) = self.target.try_connect().await {
                taken.push(session);
            }
            self.pass(crew, Duration::from_millis(20)).await;
        }
        assert!(ended > 0, "the hub had no sessions");
    }

    async fn refuse(&self, crew: &mut Crew<'_>) {
        let hub = Refusals::begin(
            &self.project.database,
            &["dragoman.events", "dragoman.marks"],
            &["dragoman.ledger"],
        );
        let target = Refusals::begin(&self.target, &[], &["dragoman_projection.checkpoints"]);
        let (hub, target) = (hub.await, target.await);
        self.pass(crew, UNWILLING).await;
        hub.end().await;
        target.end().await;
    }

    async fn freeze_relay_until_replaced(&self, crew: &mut Crew<'_>) {
        crew.start(Role::Relay);
        let epoch = epoch(&self.project.database).await;
        crew.first(Role::Relay).freeze();
        crew.until("another relay leads", TAKEN_OVER, async || {
            self::epoch(&self.project.database).await > epoch
        })
        .await;
        self.pass(crew, BACK).await;
        crew.wake(Role::Relay);
        self.pass(crew, BACK).await;
    }

    async fn refuse_records(&self, crew: &mut Crew<'_>) {
        let setting = "max.message.bytes";
        self.set_topic(ORDERS, setting, Some("100")).await;
        self.halted_relay(crew, "raise `max.message.bytes`").await;
        self.set_topic(ORDERS, setting, None).await;
        crew.start(Role::Relay);
    }

    async fn delete_topic(&self, crew: &mut Crew<'_>) {
        let topic = self.topic_of(ORDERS).to_owned();
        self.administer(move |topics| topics.delete(&topic)).await;
        self.halted_relay(crew, "was deleted").await;
        crew.start(Role::Relay);
    }

    /// Waits until the relay has halted because of a delivery, and said what to do.
    async fn halted_relay(&self, crew: &mut Crew<'_>, remedy: &str) {
        let said = crew.halted(Role::Relay).await;
        assert!(
            said.contains(remedy),
            "the relay does not say what to do: {said}"
        );
        let status = self.project.status().expect("there is a status");
        let halts = status["halts"].as_array().cloned().unwrap_or_default();
        assert!(
            halts.iter().any(|halt| halt["code"] == "delivery_failed"),
            "the halt is not in the status: {status}"
        );
    }

    /// Sets something of the topic of a type, or lets it be as it was.
    async fn set_topic(
        &self,
        event_type: &str,
        setting: &'static str,
        value: Option<&'static str>,
    ) {
        let topic = self.topic_of(event_type).to_owned();
        self.administer(move |topics| match value {
            Some(value) => topics.set(&topic, setting, value),
            None => topics.unset(&topic, setting),
        })
        .await;
    }

    fn topic_of(&self, event_type: &str) -> &str {
        let topics = self.project.topics().into_iter();
        let mut topics = topics.filter(|(of, _)| *of == event_type);
        topics.next().expect("the type has a topic").1
    }

    /// Does something to topics. Kafka's tools take a second, in which others have
    /// something to do.
    pub(super) async fn administer(&self, what: impl FnOnce(&Topics) + Send + 'static) {
        let topics = Topics::at(&self.project.kafka().brokers);
        let done = tokio::task::spawn_blocking(move || what(&topics)).await;
        done.expect("the topic can be changed");
    }
}

/// Counts who has led.
async fn epoch(database: &Database) -> i64 {
    database
        .number("select coalesce(max(epoch), 0) from dragoman.leases where name = 'relay'")
        .await
}
