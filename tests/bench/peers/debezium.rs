//! Debezium's connector for Postgres with its outbox event router, in Kafka Connect.

use std::fs;

use dragoman_tests::{Process, eventually, free_port};
use tempfile::TempDir;

use crate::child::Child;
use crate::outbox::Outbox;
use crate::servers::Servers;

/// How it is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tuning {
    /// As it comes, with the acknowledgements and the compression of all contenders.
    Default,
    /// Short polls, large batches and queues, five requests in flight.
    Tuned,
}

/// Where it has read the log of Postgres up to. Older than the rows that it is to publish,
/// so that it need not take a snapshot.
#[derive(Debug)]
pub(crate) struct Slot {
    name: String,
}

impl Slot {
    /// A slot and a publication for an outbox.
    pub(crate) async fn create(servers: &Servers, outbox: &Outbox) -> Self {
        let slot = Self {
            name: format!("bench_{}", uuid::Uuid::new_v4().simple()),
        };
        outbox
            .run(&"create publication outbox for table outbox")
            .await;
        let create = format!(
            "select pg_create_logical_replication_slot('{}', 'pgoutput')",
            slot.name
        );
        outbox.run(&create).await;
        servers.settle().await;
        slot
    }

    /// Returns when the connector streams from it.
    pub(crate) async fn wait_for_reader(&self, outbox: &Outbox, process: &mut Process) {
        let question = format!(
            "select count(*) from pg_replication_slots where slot_name = '{}' and active",
            self.name
        );
        eventually("Debezium streams", async || {
            process.assert_running();
            outbox.database.number(&question).await == 1
        })
        .await;
    }

    /// Lets Postgres forget the log that it kept.
    pub(crate) async fn remove(self, servers: &Servers) {
        let drop = format!(
            "do $$
             begin
                 perform pg_terminate_backend(active_pid, 10000)
                 from pg_replication_slots where slot_name = '{0}' and active;
                 perform pg_drop_replication_slot('{0}');
             end
             $$",
            self.name
        );
        servers.administer(&drop).await;
    }
}

/// A worker of Kafka Connect with the one connector.
#[derive(Debug)]
pub(crate) struct Debezium {
    child: Child,
    _folder: TempDir,
}

impl Debezium {
    /// Starts it.
    pub(crate) fn start(
        servers: &Servers,
        outbox: &Outbox,
        slot: &Slot,
        topic: &str,
        tuning: Tuning,
    ) -> Self {
        let folder = TempDir::with_prefix("dragoman-bench-").expect("a folder can be made");
        let file = |name: &str, text: String| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("settings can be written");
            path
        };
        let offsets = folder.path().join("offsets").display().to_string();
        let worker = file("worker.properties", worker(servers, &offsets, tuning));
        let connector = file(
            "connector.properties",
            connector(&outbox.database.url(), &slot.name, topic, tuning),
        );
        let child = Child::program("java", |command| {
            command
                .current_dir(folder.path())
                // As Kafka's own start script has it.
                .args(["-Xms256m", "-Xmx2g", "-XX:+UseG1GC"])
                .args([
                    "-XX:MaxGCPauseMillis=20",
                    "-XX:+ExplicitGCInvokesConcurrent",
                ])
                .args(["-cp", &class_path()])
                .arg("org.apache.kafka.connect.cli.ConnectStandalone")
                .args([worker, connector]);
        });
        Self {
            child,
            _folder: folder,
        }
    }

    /// The worker.
    pub(crate) const fn process(&mut self) -> &mut Process {
        &mut self.child.process
    }
}

fn class_path() -> String {
    let folder = std::env::var("DRAGOMAN_BENCH_DEBEZIUM_LIBS")
        .expect("DRAGOMAN_BENCH_DEBEZIUM_LIBS is not set: run make bench");
    format!("{folder}/*")
}

fn worker(servers: &Servers, offsets: &str, tuning: Tuning) -> String {
    let port = free_port();
    let tuned = match tuning {
        Tuning::Default => "",
        Tuning::Tuned => {
            "producer.linger.ms=5
producer.batch.size=262144
producer.buffer.memory=134217728
producer.max.in.flight.requests.per.connection=5
"
        }
    };
    format!(
        "bootstrap.servers={}
listeners=HTTP://127.0.0.1:{port}
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
offset.storage.file.filename={offsets}
producer.acks=all
producer.enable.idempotence=true
producer.compression.type=lz4
{tuned}",
        servers.kafka
    )
}

fn connector(url: &str, slot: &str, topic: &str, tuning: Tuning) -> String {
    let (address, database) = url.rsplit_once('/').expect("the URL names a database");
    let (_, host) = address.rsplit_once('@').expect("the URL names a user");
    let (host, port) = host.rsplit_once(':').expect("the URL names a port");
    let tuned = match tuning {
        Tuning::Default => "",
        Tuning::Tuned => {
            "max.batch.size=8192
max.queue.size=32768
poll.interval.ms=5
"
        }
    };
    format!(
        "name=outbox
connector.class=io.debezium.connector.postgresql.PostgresConnector
tasks.max=1
database.hostname={host}
database.port={port}
database.user=postgres
database.password=unused
database.dbname={database}
topic.prefix=bench
plugin.name=pgoutput
slot.name={slot}
publication.name=outbox
publication.autocreate.mode=disabled
table.include.list=public.outbox
snapshot.mode=no_data
tombstones.on.delete=false
transforms=outbox
transforms.outbox.type=io.debezium.transforms.outbox.EventRouter
transforms.outbox.route.topic.replacement={topic}
{tuned}"
    )
}
