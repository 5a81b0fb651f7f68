//! A project of the hub: a folder with its configuration, a database, topics that nobody
//! else has, and the processes that are started of it.

use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Output};

use dragoman_ingest::AdapterKind;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::environment::hub_program;
use crate::history::schema;
use crate::http_load::{HTTP_SOURCE, Sender};
use crate::process::{Process, tied};
use crate::sql_load::SQL_SOURCE;
use crate::{Database, eventually, free_port, hook};

/// A type of events.
pub const ORDERS: &str = "order.placed";
/// Another one, with a topic of its own.
pub const STOCK: &str = "stock.counted";

/// The configuration that its processes have.
const OF_PROCESSES: &str = "processes.yaml";

/// The Kafka of a project.
#[derive(Debug, Clone)]
pub struct Kafka {
    /// Where it is met.
    pub brokers: String,
    /// Partitions of each of its topics.
    pub partitions: i32,
    /// Nodes that keep each of them.
    pub replication: i32,
    /// Further settings of its clients.
    pub properties: Vec<(&'static str, &'static str)>,
}

impl Kafka {
    /// With four partitions for each topic, on one node, and nothing set.
    #[must_use]
    pub fn at(brokers: &str) -> Self {
        Self {
            brokers: brokers.to_owned(),
            partitions: 4,
            replication: 1,
            properties: Vec::new(),
        }
    }
}

/// A project, migrated, whose superuser may publish by SQL.
#[derive(Debug)]
pub struct Project {
    /// The hub's database.
    pub database: Database,
    /// Where the API listens, once [`Project::ingest`] was started.
    pub listen: u16,
    /// Where the admin server listens of [`Project::projection_with_admin`].
    pub(crate) admin_of_projection: u16,
    folder: TempDir,
    kafka: Option<Kafka>,
    environment: Vec<(&'static str, String)>,
    orders: String,
    stock: String,
}

impl Drop for Project {
    /// Shows how far each part had come when a scenario fails.
    fn drop(&mut self) {
        if !std::thread::panicking() || crate::attack::fails_silently() {
            return;
        }
        let mut command = Command::new(hub_program());
        self.prepare(&mut command);
        if let Ok(output) = command.arg("status").output() {
            eprintln!(
                "--- dragoman status:\n{}{}---",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

impl Project {
    /// A project on that server, with or without Kafka.
    pub async fn create(
        postgres: &str,
        kafka: Option<Kafka>,
        projections: &[(&str, Value)],
    ) -> Self {
        let project = Self::prepared(postgres, kafka, projections, Vec::new(), |_| {}).await;
        project.succeed(&["migrate"]);
        project.let_the_superuser_publish().await;
        project
    }

    /// A project whose commands and processes have that environment; not migrated. Its
    /// processes go by another way to their servers: by what the detour makes of the
    /// configuration that commands have.
    pub async fn prepared(
        postgres: &str,
        kafka: Option<Kafka>,
        projections: &[(&str, Value)],
        environment: Vec<(&'static str, String)>,
        detour: impl FnOnce(&mut Value),
    ) -> Self {
        let database = Database::create(postgres).await;
        let name = Uuid::new_v4().simple();
        let project = Self {
            database,
            listen: free_port(),
            admin_of_projection: free_port(),
            folder: TempDir::with_prefix("dragoman-project-").expect("a folder can be made"),
            kafka,
            environment,
            orders: format!("faults.orders.{name}"),
            stock: format!("faults.stock.{name}"),
        };
        project.write("schema.json", &schema());
        project.write_text(hook::MAPPING_FILE, hook::MAPPING);
        let mut configuration = project.configuration(projections);
        project.write("dragoman.yaml", &configuration);
        detour(&mut configuration);
        project.write(OF_PROCESSES, &configuration);
        project
    }

    /// Its Kafka.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn kafka(&self) -> &Kafka {
        self.kafka.as_ref().expect("the project has a Kafka")
    }

    /// Its types with their topics.
    #[must_use]
    pub fn topics(&self) -> [(&'static str, &str); 2] {
        [(ORDERS, &self.orders), (STOCK, &self.stock)]
    }

    /// Runs a command of it to its end.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(hub_program());
        self.prepare(&mut command);
        command
            .args(arguments)
            .output()
            .expect("the hub's binary can be run")
    }

    /// Runs a command of it, which must succeed, and returns what it printed.
    ///
    /// # Panics
    /// When it fails.
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        assert!(
            output.status.success(),
            "dragoman {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("the hub prints UTF-8")
    }

    /// What `dragoman status --json` shows, balanced or not.
    ///
    /// # Errors
    /// What it says when it shows nothing.
    pub fn status(&self) -> Result<Value, String> {
        let output = self.command(&["status", "--json"]);
        serde_json::from_slice(&output.stdout)
            .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Starts a relay.
    #[must_use]
    pub fn relay(&self) -> Process {
        self.start(&["run", "relay"])
    }

    /// Starts an instance of a projection.
    #[must_use]
    pub fn projection(&self, name: &str) -> Process {
        self.start(&["run", "projection", name])
    }

    /// Starts the one instance of a projection that has an admin server.
    pub(crate) fn projection_with_admin(&self, name: &str) -> Process {
        let admin = format!("127.0.0.1:{}", self.admin_of_projection);
        self.start(&["run", "projection", name, "--admin", &admin])
    }

    /// Starts a rebuild of a projection, which ends by itself.
    #[must_use]
    pub fn rebuild(&self, name: &str) -> Process {
        self.start(&["rebuild", name])
    }

    /// Starts a replay of a projection, or one that was interrupted again, which ends by
    /// itself.
    #[must_use]
    pub fn replay(&self, name: &str, from: &str, to: &str) -> Process {
        let selection = ["replay", name, "--from", from, "--to", to];
        let consent = ["--resend", "--yes", "--reason", "lost"];
        self.start(&[&selection[..], &consent].concat())
    }

    /// Starts ingest, which listens in a moment.
    #[must_use]
    pub fn starting_ingest(&self) -> Process {
        self.start(&["run", "ingest"])
    }

    /// Starts ingest, and returns when it listens.
    pub async fn ingest(&self) -> Process {
        let mut process = self.start(&["run", "ingest"]);
        eventually("ingest listens", async || {
            process.assert_running();
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.listen)).is_ok()
        })
        .await;
        process
    }

    /// A key for the API.
    #[must_use]
    pub fn key(&self) -> String {
        let made = self.succeed(&["keys", "create", "sender", "--source", HTTP_SOURCE]);
        made.trim().to_owned()
    }

    /// Starts rebuilding a table.
    pub(crate) fn rebuilding(&self, projection: &str) -> Process {
        self.start(&["rebuild", projection])
    }

    /// A sender that uses that kind of adapter. A kind without one does not compile.
    pub(crate) fn sender(&self, kind: AdapterKind) -> Sender {
        match kind {
            AdapterKind::Api => Sender::by_api(self.listen, &self.key()),
            AdapterKind::Webhook => Sender::by_webhook(self.listen),
        }
    }

    fn start(&self, arguments: &[&str]) -> Process {
        let label = arguments.join(" ");
        let mut command = tied(&hub_program(), "KILL");
        self.prepare(&mut command);
        command.env("DRAGOMAN_CONFIG", OF_PROCESSES).args(arguments);
        let log = format!("{}.{}.log", label.replace(' ', "-"), Uuid::new_v4());
        Process::start(&label, command, &self.folder.path().join(log))
    }

    /// In its folder, with an environment that says nothing.
    fn prepare(&self, command: &mut Command) {
        command
            .current_dir(self.folder.path())
            .env_remove("DRAGOMAN_CONFIG")
            .env_remove("RUST_LOG")
            .env_remove("RUST_BACKTRACE")
            .env_remove("DATABASE_URL")
            .env_remove("DRAGOMAN_CRASH")
            .env_remove("DRAGOMAN_PLANTED")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
    }

    /// Gives the superuser the right to publish by SQL.
    pub async fn let_the_superuser_publish(&self) {
        let grant = ["keys", "create", "till", "--role", "postgres"];
        let arguments = [&grant[..], &["--source", SQL_SOURCE]].concat();
        // Roles belong to the cluster: projects that start together may grant at once.
        eventually("the grant is made", async || {
            self.command(&arguments).status.success()
        })
        .await;
    }

    /// Written as JSON, which is YAML too.
    fn configuration(&self, projections: &[(&str, Value)]) -> Value {
        let mut whole = json!({
            "postgres": self.database.url(),
            "http": {
                "listen": format!("127.0.0.1:{}", self.listen),
                "admin": format!("127.0.0.1:{}", free_port()),
            },
            "adapters": { "api": { "kind": "api" }, hook::NAME: hook::options() },
            "events": {
                ORDERS: { "topic": self.orders, "schema": "schema.json" },
                STOCK: { "topic": self.stock, "schema": "schema.json" },
            },
        });
        if let Some(kafka) = &self.kafka {
            let properties: Map<String, Value> = kafka
                .properties
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value)))
                .collect();
            whole["kafka"] = json!({
                "brokers": kafka.brokers,
                "topics": { "partitions": kafka.partitions, "replication": kafka.replication },
                "properties": properties,
            });
        }
        if !projections.is_empty() {
            let projections: Map<String, Value> = projections
                .iter()
                .map(|(name, options)| ((*name).to_owned(), options.clone()))
                .collect();
            whole["projections"] = Value::Object(projections);
        }
        whole
    }

    fn write(&self, file: &str, content: &Value) {
        let text = serde_json::to_string_pretty(content).expect("JSON can be written");
        self.write_text(file, &text);
    }

    /// Writes a file into its folder.
    pub(crate) fn write_text(&self, file: &str, text: &str) {
        std::fs::write(self.folder.path().join(file), text).expect("a file can be written");
    }
}

/// A projection with every operator that reads orders from Kafka, a row for each
/// subject: what comes twice, never or in another order shows.
#[must_use]
pub fn tally(target: &str, table: &str) -> Value {
    json!({
        "events": [ORDERS],
        "sink": { "kind": "postgres", "url": target, "table": table },
        "key": { "key": { "type": "text", "from": ".subject" } },
        "columns": columns(),
    })
}

/// A projection with every operator that follows the log in one line, with rows that
/// subjects and types share.
#[must_use]
pub fn tally_in_line(target: &Database, table: &str) -> Value {
    json!({
        "events": [ORDERS, STOCK],
        "order": "total",
        "sink": { "kind": "postgres", "url": target.url(), "table": table },
        "key": { "key": { "type": "text", "from": ".data.sku" } },
        "columns": columns(),
    })
}

fn columns() -> Value {
    json!({
        "events": { "type": "bigint", "add": "1" },
        "total": { "type": "numeric(14,2)", "add": ".data.amount" },
        "smallest": { "type": "bigint", "min": ".data.number" },
        "largest": { "type": "bigint", "max": ".data.number" },
        "earliest": { "type": "bigint", "first": ".data.number" },
        "latest": { "type": "bigint", "set": ".data.number" },
    })
}
