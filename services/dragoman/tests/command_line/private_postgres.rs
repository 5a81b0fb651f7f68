//! `dragoman dev` on a Postgres of its own: started, found, stopped, and cleared
//! away after a kill. Fails where no Postgres is installed.

use std::path::{Path, PathBuf};

use crate::dev::{Dev, keys_list, open_folder, read_log};
use crate::support::dragoman;
use tempfile::TempDir;

const CONFIG: &str = "http: { listen: 127.0.0.1:0, admin: 127.0.0.1:0 }\nevents: { a.b: {} }\n";

fn project() -> TempDir {
    let folder = open_folder();
    std::fs::write(folder.path().join("dragoman.yaml"), CONFIG).unwrap();
    folder
}

fn pid_file(folder: &Path) -> PathBuf {
    folder.join(".dragoman/postgres/data/postmaster.pid")
}

/// Whether the server that the pid file speaks of still runs.
fn server_runs(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| line.contains("postgres"))
}

fn server_pid(folder: &Path) -> String {
    let text = std::fs::read_to_string(pid_file(folder)).unwrap();
    text.lines().next().unwrap().to_owned()
}

#[test]
fn it_is_started_found_by_other_commands_and_stopped() {
    let folder = project();
    let mut dev = Dev::start(folder.path());
    let pid = server_pid(folder.path());
    assert!(server_runs(&pid));

    let second = dragoman(folder.path()).arg("dev").output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another `dragoman dev`"));

    dev.signal("TERM");
    assert_eq!(dev.end(), Some(0), "{}", read_log(folder.path()));
    assert!(!server_runs(&pid));
    assert!(!folder.path().join(".dragoman/postgres.url").exists());
    assert_eq!(keys_list(folder.path()).code(), Some(1));
}

#[test]
fn what_a_killed_run_left_behind_is_cleared_and_its_data_kept() {
    let folder = project();
    let mut dev = Dev::start(folder.path());
    let made = dragoman(folder.path())
        .args(["keys", "create", "shop", "--source", "/shop"])
        .output()
        .unwrap();
    assert!(made.status.success());
    let first = server_pid(folder.path());
    dev.signal("KILL");
    dev.end();

    let mut dev = Dev::start(folder.path());
    assert_ne!(server_pid(folder.path()), first);
    assert!(!server_runs(&first));
    let keys = dragoman(folder.path())
        .args(["keys", "list", "--json"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&keys.stdout).contains("\"shop\""));
    dev.signal("INT");
    assert_eq!(dev.end(), Some(0));
}
