//! The project that `dragoman init` makes, from nothing to rows, and what an operator
//! does with it: without Kafka, on a Postgres of its own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::dev::{Dev, open_folder, read_log, wait};
use crate::support::{dragoman, shown};

/// A projection to where nothing answers.
const AWAY: &str = "  away:
    events: [order.placed]
    sink: { kind: postgres, url: 'postgres://nobody@127.0.0.1:1/none', table: away }
    key: { order_id: { type: text, from: .subject } }
    columns: { orders: { type: bigint, add: '1' } }
";

struct Project {
    folder: TempDir,
    port: u16,
}

impl Project {
    /// As `init` makes it, but for the ports: tests run side by side.
    fn new() -> Self {
        let folder = open_folder();
        let made = dragoman(folder.path()).arg("init").output().unwrap();
        assert!(made.status.success(), "{}", shown(&made));
        let project = Self {
            folder,
            port: free_port(),
        };
        project.edit("127.0.0.1:8080", &format!("127.0.0.1:{}", project.port));
        project.edit("127.0.0.1:8081", "127.0.0.1:0");
        project
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn edit(&self, from: &str, to: &str) {
        let file = self.path().join("dragoman.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        std::fs::write(&file, text.replace(from, to)).unwrap();
    }

    /// What a command that succeeds prints.
    fn run(&self, arguments: &[&str]) -> String {
        let output = dragoman(self.path()).args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}\n{}",
            shown(&output),
            read_log(self.path())
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// What is said to commands about what there is not.
    fn refuses_what_is_not_there(&self) {
        for (name, arguments) in [
            ("retry-nothing", vec!["parked", "retry"]),
            (
                "skip-nobody",
                vec!["parked", "skip", "D-7", "--reason", "x"],
            ),
            ("show-nobody", vec!["parked", "show", "D-7"]),
            (
                "retry-stok",
                vec!["parked", "retry", "--projection", "stok"],
            ),
            ("rebuild-stok", vec!["rebuild", "stok"]),
            ("run-stok", vec!["run", "projection", "stok"]),
        ] {
            let output = dragoman(self.path()).args(arguments).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{name}");
            insta::assert_snapshot!(format!("refused-{name}"), shown(&output));
        }
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.run(&["status", "--json"])).unwrap()
    }

    fn parked(&self) -> Vec<Value> {
        self.run(&["parked", "list", "--json"])
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The table, as `psql` prints it.
    fn stock(&self) -> String {
        let url = std::fs::read_to_string(self.path().join(".dragoman/postgres.url")).unwrap();
        let output = Command::new(psql())
            .args([url.trim(), "-AtXc", "select * from stock order by sku"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Sends an event as `curl` would, and gives the status of the answer.
    fn send(&self, key: &str, event_type: &str, subject: &str, lines: &Value) -> u16 {
        let body = json!({
            "specversion": "1.0", "id": uuid::Uuid::new_v4(), "source": "/shop",
            "type": event_type, "subject": subject, "data": { "lines": lines },
        })
        .to_string();
        let mut stream = None;
        wait("ingest listens", || {
            stream = TcpStream::connect(("127.0.0.1", self.port)).ok();
            stream.is_some()
        });
        let mut stream = stream.unwrap();
        write!(
            stream,
            "POST /v1/events HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\
             Authorization: Bearer {key}\r\nContent-Type: application/cloudevents+json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap_or_default();
        status.parse().unwrap_or_else(|_| panic!("{answer}"))
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Where Postgres' own client is: beside its server.
fn psql() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    versions
        .map(|version| version.unwrap().path().join("bin/psql"))
        .find(|program| program.exists())
        .unwrap_or_else(|| PathBuf::from("psql"))
}

#[test]
fn a_new_project_runs_as_it_stands_and_is_operated() {
    let project = Project::new();
    let checked = project.run(&["check"]);
    assert!(checked.contains("projection stock"), "{checked}");
    let mut dev = Dev::start(project.path());
    let key = project.run(&[
        "keys", "create", "shop", "--source", "/shop", "--type", "order.*", "--type", "stock.*",
    ]);
    let key = key.trim();

    // An event goes in and is a row.
    let lines = json!([{ "sku": "teapot", "quantity": 2 }]);
    assert_eq!(project.send(key, "order.placed", "order-1", &lines), 201);
    wait("the order is a row", || project.stock() == "teapot|0|2");

    // A bad one parks its subject, and what follows of that queues behind it.
    let bad = json!([{ "sku": "teapot", "quantity": "many" }]);
    let good = json!([{ "sku": "teapot", "quantity": 12 }]);
    assert_eq!(project.send(key, "stock.received", "D-1", &bad), 201);
    assert_eq!(project.send(key, "stock.received", "D-1", &good), 201);
    wait(
        "both wait",
        || matches!(project.parked().as_slice(), [parked] if parked["events"] == 2),
    );
    let parked = &project.parked()[0];
    assert_eq!(parked["projection"], "stock");
    assert_eq!(parked["subject"], "D-1");
    assert_eq!(parked["state"], "held");
    assert_eq!(parked["first_position"], 2);
    assert_eq!(parked["attempts"], 1);
    assert!(parked["next_attempt"].is_null());
    let status = project.status();
    assert_eq!(status["balanced"], true, "{status}");
    assert_eq!(status["projections"]["stock"]["parked_events"], 2);
    assert_eq!(status["projections"]["stock"]["position"], 3);
    insta::assert_snapshot!("parked-list", project.run(&["parked", "list"]));
    insta::assert_snapshot!("status-parked", project.run(&["status"]));
    project.refuses_what_is_not_there();
    project.run(&["parked", "retry", "D-1"]);
    wait("it was tried and failed again", || {
        project.parked()[0]["attempts"] == 2
    });

    // Skipped by an operator, it lets the other go on.
    project.run(&["parked", "skip", "D-1", "--reason", "typed by hand"]);
    wait("the other took effect", || project.stock() == "teapot|12|2");
    assert!(project.parked().is_empty());
    let account = json!({
        "position": 3, "lag": 0, "applied": 2,
        "parked_subjects": 0, "parked_events": 0, "skipped": 1,
    });
    assert_eq!(project.status()["projections"]["stock"], account);

    // Rebuilt, it is the same: what was decided holds.
    project.run(&["rebuild", "stock"]);
    assert_eq!(project.stock(), "teapot|12|2");
    let status = project.status();
    assert_eq!(status["projections"]["stock"], account);
    assert_eq!(status["balanced"], true, "{status}");
    dev.signal("TERM");
    assert_eq!(dev.end(), Some(0), "{}", read_log(project.path()));

    // Another definition is refused until somebody says what of the rows.
    let sold = "if .type == \"order.placed\" { .item.quantity } else";
    project.edit(&format!("{sold} {{ 0 }}"), &format!("{sold} {{ 0 + 0 }}"));
    let mut dev = Dev::start(project.path());
    wait("the change is refused", || {
        project.status()["halts"][0]["code"] == "definition_changed"
    });
    project.run(&[
        "rebuild",
        "stock",
        "--accept-definition",
        "--reason",
        "the same sum",
    ]);
    dev.signal("TERM");
    assert_eq!(dev.end(), Some(1), "{}", read_log(project.path()));

    // One whose database is away stops nobody, and leaves the account unproved.
    project.edit("  stock:  ", &format!("{AWAY}  stock:  "));
    let mut dev = Dev::start(project.path());
    assert_eq!(project.send(key, "order.placed", "order-2", &lines), 201);
    wait("it goes on", || project.stock() == "teapot|12|4");
    let shown_status = dragoman(project.path())
        .args(["status", "--json"])
        .output()
        .unwrap();
    let status: Value = serde_json::from_slice(&shown_status.stdout).unwrap();
    assert_eq!(shown_status.status.code(), Some(1), "{status}");
    assert_eq!(status["balanced"], false, "{status}");
    assert_eq!(status["unbalanced_events"], 0, "{status}");
    assert!(
        status["projections"]["away"]["applied"].is_null(),
        "{status}"
    );
    assert_eq!(status["projections"]["stock"]["applied"], 3, "{status}");
    dev.signal("TERM");
    assert_eq!(dev.end(), Some(0), "{}", read_log(project.path()));
}
