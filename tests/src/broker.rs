//! A Kafka of one's own, to be frozen and stopped: one node, both roles.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Process, tied};
use crate::{eventually, free_port, kafka_libraries};

/// A broker with a folder and ports of its own.
#[derive(Debug)]
pub struct Broker {
    process: Option<Process>,
    node: Node,
    folder: TempDir,
}

/// A second way to a broker: it listens at a port, and is met elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct SecondWay {
    /// Where it listens for those who come by it.
    pub(crate) port: u16,
    /// Where it tells them to come to, as `HOST:PORT`.
    pub(crate) met_at: String,
}

impl SecondWay {
    /// One that leads where the port says.
    fn straight() -> Self {
        let port = free_port();
        let met_at = format!("127.0.0.1:{port}");
        Self { port, met_at }
    }
}

impl Broker {
    /// Formats its storage and starts it; takes some seconds.
    pub async fn start() -> Self {
        Self::start_with(SecondWay::straight(), 1).await
    }

    /// The same, with another way to it beside the direct one, and the number of nodes that
    /// keep what Kafka itself must not lose.
    pub(crate) async fn start_with(way: SecondWay, nodes: u8) -> Self {
        let node = Node {
            number: 1,
            port: free_port(),
            controller: free_port(),
            way,
            nodes,
        };
        Self::form(node).await
    }

    /// Another node of the same cluster, which the first leads.
    pub(crate) async fn joined(&self) -> Self {
        let node = Node {
            number: self.node.number + 1,
            port: free_port(),
            way: SecondWay::straight(),
            ..self.node.clone()
        };
        Self::form(node).await
    }

    async fn form(node: Node) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("dragoman-kafka-")
            .tempdir()
            .expect("a folder can be made");
        std::fs::write(
            folder.path().join("server.properties"),
            node.settings(folder.path()),
        )
        .expect("the settings can be written");
        let formatted = java(Command::new("java"))
            .current_dir(folder.path())
            .args(["kafka.tools.StorageTool", "format"])
            .args(["-t", "ZHJhZ29tYW4tZmF1bHRzIQ", "-c", "server.properties"])
            .args(node.leads().then_some("--standalone"))
            .output()
            .expect("there is java");
        assert!(
            formatted.status.success(),
            "the storage cannot be formatted: {}",
            String::from_utf8_lossy(&formatted.stdout)
        );
        let mut broker = Self {
            process: None,
            node,
            folder,
        };
        broker.restart().await;
        broker
    }

    /// Its number in its cluster.
    pub(crate) const fn number(&self) -> u8 {
        self.node.number
    }

    /// Where clients find it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.node.port)
    }

    /// Stops it where it stands: connections stay open, nothing is answered.
    pub fn freeze(&mut self) {
        self.process.as_mut().expect("it runs").freeze();
    }

    /// Lets it go on.
    pub fn wake(&mut self) {
        self.process.as_mut().expect("it runs").wake();
    }

    /// Shuts it down in an orderly way, and returns when it is gone.
    pub async fn stop(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.signal("TERM");
        process.ended().await;
    }

    /// Kills it (SIGKILL): what it had written without a flush is in the hands of the
    /// kernel, and stays.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// Starts it where it is down, and returns when it answers.
    pub async fn restart(&mut self) {
        let mut command = java(tied(Path::new("java"), "KILL"));
        command
            .current_dir(self.folder.path())
            .args(["kafka.Kafka", "server.properties"]);
        let log = self.folder.path().join("log");
        self.process = Some(Process::start("kafka", command, &log));
        let address = self.address();
        eventually("Kafka answers", async || {
            let mut asking = Command::new("kcat");
            asking.args(["-L", "-m", "2", "-b", &address]);
            // Others have something to do meanwhile.
            let answered = tokio::task::spawn_blocking(move || asking.output());
            let answered = answered.await.expect("kcat can be waited for");
            answered.expect("there is kcat").status.success()
        })
        .await;
    }
}

/// A small machine that compiles little: it lives for a minute.
fn java(mut command: Command) -> Command {
    command
        .args([
            "-Xmx384m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
        ])
        .arg(kafka_libraries());
    command
}

/// What a broker is in its cluster.
#[derive(Debug, Clone)]
struct Node {
    number: u8,
    port: u16,
    /// Where the node listens that decides who leads what.
    controller: u16,
    way: SecondWay,
    /// How many there are.
    nodes: u8,
}

impl Node {
    /// Whether it decides who leads what.
    const fn leads(&self) -> bool {
        self.number == 1
    }

    fn settings(&self, folder: &Path) -> String {
        let Self {
            number,
            port,
            controller,
            way: SecondWay {
                port: second,
                met_at,
            },
            nodes,
        } = self;
        let (roles, listens) = if self.leads() {
            let listens = format!(",CONTROLLER://127.0.0.1:{controller}");
            ("broker,controller", listens)
        } else {
            ("broker", String::new())
        };
        format!(
            "process.roles={roles}
node.id={number}
listeners=PLAINTEXT://127.0.0.1:{port},SECOND://127.0.0.1:{second}{listens}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SECOND://{met_at}{listens}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECOND:PLAINTEXT
log.dirs={}/data
auto.create.topics.enable=false
num.partitions=4
offsets.topic.num.partitions=4
offsets.topic.replication.factor={nodes}
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=2000
leader.imbalance.check.interval.seconds=2
leader.imbalance.per.broker.percentage=0
",
            folder.display()
        )
    }
}
