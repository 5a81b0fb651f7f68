//! A project as `dragoman init` makes it, to be run without Kafka on a Postgres of its own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::dev::{open_folder, read_log, wait};
use crate::support::{dragoman, shown};

pub(crate) struct Project {
    folder: TempDir,
    port: u16,
}

impl Project {
    /// As `init` makes it, but for the ports: tests run side by side.
    pub(crate) fn new() -> Self {
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

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn edit(&self, from: &str, to: &str) {
        let file = self.path().join("dragoman.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        std::fs::write(&file, text.replace(from, to)).unwrap();
    }

    /// What a command that succeeds prints.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = dragoman(self.path()).args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}\n{}",
            shown(&output),
            read_log(self.path())
        );
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.run(&["status", "--json"])).unwrap()
    }

    pub(crate) fn parked(&self) -> Vec<Value> {
        self.run(&["parked", "list", "--json"])
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// A session of Postgres' own client on its database, where projections put their tables:
    /// unasked, what is made there would land among the hub's own, by the name of its user.
    pub(crate) fn psql(&self, sql: &str) -> Command {
        let url = std::fs::read_to_string(self.path().join(".dragoman/postgres.url")).unwrap();
        let mut command = Command::new(psql());
        command.env("PGOPTIONS", "-c search_path=public");
        command.args([url.trim(), "-AtXq", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        command
    }

    /// What statements give, as `psql` prints it.
    pub(crate) fn query(&self, sql: &str) -> String {
        let output = self.psql(sql).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", shown(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Sends an event as `curl` would, and gives the status of the answer.
    pub(crate) fn send(&self, key: &str, event_type: &str, subject: &str, lines: &Value) -> u16 {
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
