//! What a life takes place on: a project, its servers, and the wires between them.

use std::time::Instant;

use dragoman_faults::{CrashPoint, Part};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::sync::Mutex;

use super::environment::{Clock, Line, Needs};
use super::exposure::{SLOW, UNEVEN};
use super::life::{AT_WORK, TABLE};
use super::plan::{Attack, Hit, Plan};
use super::receiver::{COURIER, PROGRAM, PROGRAM_FILE, Receiver, Replayed, courier};
use super::wire::Wire;
use crate::broker::SecondWay;
use crate::{
    Broker, Database, Kafka, Postgres, Project, free_port, shared_kafka, shared_postgres, tally,
};

pub(super) struct Stage {
    pub(super) plan: Plan,
    pub(super) project: Project,
    pub(super) target: Database,
    wires: Wires,
    /// How many deaths are left.
    fuse: NamedTempFile,
    /// What the hub takes for the time, where the attack sets it.
    pub(super) clock: Option<Clock>,
    /// The servers that nobody else uses, where the attack is on them.
    pub(super) postgres: Mutex<Option<Postgres>>,
    pub(super) broker: Mutex<Option<Broker>>,
    pub(super) second_broker: Mutex<Option<Broker>>,
    /// A Postgres that follows the other.
    pub(super) follower: Mutex<Option<Postgres>>,
    /// Whom a second projection calls, where the attack is on that.
    pub(super) receiver: Option<Receiver>,
    /// What it was brought again, by replays that came to their end.
    pub(super) replayed: Mutex<Vec<Replayed>>,
    /// The harness' own way to Postgres, where it may become another.
    way: Option<Wire>,
}

/// The ways of the hub's processes to their servers. The harness has its own.
struct Wires {
    hub: Wire,
    target: Wire,
    /// Only to a broker of its own: a broker tells its clients where to come to.
    kafka: Option<Wire>,
}

impl Stage {
    pub(super) async fn set(plan: Plan) -> Self {
        let fuse = NamedTempFile::new().expect("a file can be made");
        let clock = (plan.attack == Attack::ClockSteps).then(Clock::right);
        let mut environment = environment(plan, &fuse);
        environment.extend(clock.iter().flat_map(Clock::environment));
        let needs = Needs::of(&plan);
        let server = match needs.postgres {
            Some(options) => Some(Postgres::start_with(options).await),
            None => None,
        };
        let follower = match &server {
            Some(server) if needs.follower => Some(server.followed().await),
            _ => None,
        };
        let url = server.as_ref().map_or_else(shared_postgres, Postgres::url);
        let (to_hub, to_target) = (Wire::before(&url), Wire::before(&url));
        let way = follower.as_ref().map(|_| Wire::before(&url));
        let url = way.as_ref().map_or(url.clone(), |way| way.way_to(&url));
        let (broker, to_kafka) = if needs.broker {
            let port = free_port();
            let wire = Wire::to(&format!("127.0.0.1:{port}"));
            let met_at = wire.address();
            let nodes = if needs.second_broker { 2 } else { 1 };
            let broker = Broker::start_with(SecondWay { port, met_at }, nodes).await;
            (Some(broker), Some(wire))
        } else {
            (None, None)
        };
        let second_broker = match &broker {
            Some(broker) if needs.second_broker => Some(broker.joined().await),
            _ => None,
        };
        let mut kafka = Kafka::at(&broker.as_ref().map_or_else(shared_kafka, Broker::address));
        if second_broker.is_some() {
            kafka.replication = 2;
        }
        match plan.attack {
            Attack::SlowAcknowledgements => kafka.properties.extend(SLOW),
            Attack::UnevenPartitions => kafka.properties.extend(UNEVEN),
            _ => {}
        }
        let target = Database::create(&url).await;
        let wires = Wires {
            hub: to_hub,
            target: to_target,
            kafka: to_kafka,
        };
        let receiver = needs.receiver.map(|mood| Receiver::start(mood, plan.seed));
        let mut projections = vec![(TABLE, tally(&target.url(), TABLE))];
        projections.extend(receiver.iter().map(|receiver| (COURIER, courier(receiver))));
        let detour = |configuration: &mut Value| wires.lead(configuration);
        let project = Project::prepared(&url, Some(kafka), &projections, environment, detour).await;
        project.write_text(PROGRAM_FILE, PROGRAM);
        let stage = Self {
            plan,
            project,
            target,
            wires,
            fuse,
            clock,
            postgres: Mutex::new(server),
            broker: Mutex::new(broker),
            second_broker: Mutex::new(second_broker),
            follower: Mutex::new(follower),
            receiver,
            replayed: Mutex::default(),
            way,
        };
        if stage.is_part(Part::Migration) || stage.hit() == Some(Hit::First) && !stage.waits() {
            stage.arm();
        }
        let started = Instant::now();
        while !stage.project.command(&["migrate"]).status.success() {
            assert!(started.elapsed() < AT_WORK, "it cannot be migrated");
        }
        stage.project.let_the_superuser_publish().await;
        stage
    }

    /// The way to a server.
    ///
    /// # Panics
    /// When that is Kafka and the life has none of its own.
    pub(super) fn wire(&self, line: Line) -> &Wire {
        match line {
            Line::Hub => &self.wires.hub,
            Line::Target => &self.wires.target,
            Line::Kafka => self.wires.kafka.as_ref().expect("a Kafka of its own"),
        }
    }

    /// Lets everybody find the Postgres of that URL where the other was.
    pub(super) fn lead_to(&self, url: &str) {
        let ways = [&self.wires.hub, &self.wires.target].into_iter();
        ways.chain(&self.way).for_each(|way| way.lead_to(url));
    }

    /// The ways that there are.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line> {
        let has_kafka = self.wires.kafka.is_some();
        let lines = Line::ALL.into_iter();
        lines.filter(move |line| *line != Line::Kafka || has_kafka)
    }

    pub(super) fn point(&self) -> Option<CrashPoint> {
        self.plan.attack.crash().map(|(point, _, _)| point)
    }

    pub(super) fn hit(&self) -> Option<Hit> {
        self.plan.attack.crash().map(|(_, hit, _)| hit)
    }

    pub(super) fn is_part(&self, part: Part) -> bool {
        self.point().is_some_and(|point| point.part() == part)
    }

    /// Whether the point is met only in something that the attack itself begins.
    pub(super) fn waits(&self) -> bool {
        self.is_part(Part::Rebuild)
            || self.is_part(Part::Replay)
            || matches!(
                self.point(),
                Some(CrashPoint::ParkingMidDrain | CrashPoint::ProjectionOnRevoke)
            )
    }

    pub(super) fn arm(&self) {
        if let Some((_, _, deaths)) = self.plan.attack.crash() {
            self.light(&deaths.count().to_string());
        }
    }

    /// Writes what the point that is armed does at its next hits.
    pub(super) fn light(&self, what: &str) {
        std::fs::write(self.fuse.path(), what).expect("a file can be written");
    }

    pub(super) fn deaths_left(&self) -> u32 {
        let left = std::fs::read_to_string(self.fuse.path()).unwrap_or_default();
        // `freeze` counts as one.
        left.trim().parse().unwrap_or(u32::from(!left.is_empty()))
    }
}

impl Wires {
    /// Leads processes with that configuration over the wires.
    fn lead(&self, configuration: &mut Value) {
        let by = |wire: &Wire, url: &mut Value| {
            *url = wire.way_to(url.as_str().unwrap_or_default()).into();
        };
        by(&self.hub, &mut configuration["postgres"]);
        by(
            &self.target,
            &mut configuration["projections"][TABLE]["sink"]["url"],
        );
        if let Some(kafka) = &self.kafka {
            by(kafka, &mut configuration["kafka"]["brokers"]);
        }
    }
}

/// What arms a crash point or switches a mistake on.
fn environment(plan: Plan, fuse: &NamedTempFile) -> Vec<(&'static str, String)> {
    let point = match plan.attack {
        Attack::ZombieProjection => Some(CrashPoint::ProjectionBeforeStep),
        attack => match attack.crash() {
            Some((point, _, _)) => Some(point),
            None => plan.storm().and_then(|storm| storm.point()),
        },
    };
    let mut environment = Vec::new();
    if let Some(point) = point {
        let armed = format!("{}:{}", point.name(), fuse.path().display());
        environment.push(("DRAGOMAN_CRASH", armed));
    }
    if let Some(bug) = plan.bug {
        environment.push(("DRAGOMAN_PLANTED", bug.name().to_owned()));
    }
    environment
}
