//! The project that `dragoman init` makes, from nothing to rows, and what an operator
//! does with it.

use serde_json::{Value, json};

use crate::dev::{Dev, read_log, wait};
use crate::new_project::Project;
use crate::support::{dragoman, shown};

/// A projection to where nothing answers.
const AWAY: &str = "  away:
    events: [order.placed]
    sink: { kind: postgres, url: 'postgres://nobody@127.0.0.1:1/none', table: away }
    key: { order_id: { type: text, from: .subject } }
    columns: { orders: { type: bigint, add: '1' } }
";

/// What is said to commands about what there is not.
fn refuses_what_is_not_there(project: &Project) {
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
        let output = dragoman(project.path()).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}");
        insta::assert_snapshot!(format!("refused-{name}"), shown(&output));
    }
}

/// The table, as `psql` prints it.
fn stock(project: &Project) -> String {
    let read = project.psql("select * from stock order by sku").output();
    String::from_utf8(read.unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned()
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
    wait("the order is a row", || stock(&project) == "teapot|0|2");

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
    refuses_what_is_not_there(&project);
    project.run(&["parked", "retry", "D-1"]);
    wait("it was tried and failed again", || {
        project.parked()[0]["attempts"] == 2
    });

    // Skipped by an operator, it lets the other go on.
    project.run(&["parked", "skip", "D-1", "--reason", "typed by hand"]);
    wait("the other took effect", || stock(&project) == "teapot|12|2");
    assert!(project.parked().is_empty());
    let account = json!({
        "position": 3, "lag": 0, "applied": 2,
        "parked_subjects": 0, "parked_events": 0, "skipped": 1,
    });
    assert_eq!(project.status()["projections"]["stock"], account);

    // Rebuilt, it is the same: what was decided holds.
    project.run(&["rebuild", "stock"]);
    assert_eq!(stock(&project), "teapot|12|2");
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
    wait("it goes on", || stock(&project) == "teapot|12|4");
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
