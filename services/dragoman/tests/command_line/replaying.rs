//! `dragoman replay` of a projection that gives its events to statements: shown first, done
//! when it is said twice, gone on with when it is interrupted.

use std::process::{Child, Output, Stdio};

use serde_json::{Value, json};

use crate::dev::{Dev, read_log, send_signal, wait};
use crate::new_project::Project;
use crate::support::{dragoman, shown};

const ORDERS: usize = 120;

const SHIPPING: &str = "projections:
  shipping:
    events: [order.placed]
    from: beginning
    sink: { kind: postgres }
    execute: { order.placed: 'select ship(:subject)' }
";

/// Somebody else's: order-110 waits for whoever has the lock, and some are refused.
const TABLES: &str = "
    create table shipped (order_id text);
    create table refused (order_id text);
    create function ship(id text) returns void language plpgsql as $$ begin
        if id = 'order-110' then perform pg_advisory_xact_lock(42); end if;
        insert into shipped values (id);
        if exists (select from refused where order_id = id) then
            raise exception 'there is nothing left of it';
        end if;
    end $$";

/// Which orders were shipped how often, as `psql` prints it.
const SHIPPED: &str = "
    select times, count(*), min(number), max(number) from (
        select substr(order_id, 7)::int as number, count(*) as times from shipped group by 1
    ) as orders group by times order by times";

fn replay(project: &Project, arguments: &[&str]) -> Output {
    let mut command = dragoman(project.path());
    command.args(["replay", "shipping"]).args(arguments);
    command.output().unwrap()
}

fn object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", shown(output)))
}

/// A project where so many orders were shipped once.
fn with_orders() -> (Project, Dev) {
    let project = Project::new();
    let mut dev = Dev::start(project.path());
    project.query(TABLES);
    dev.signal("TERM");
    assert_eq!(dev.end(), Some(0), "{}", read_log(project.path()));
    project.edit("projections:\n", SHIPPING);
    let dev = Dev::start(project.path());
    let key = project.run(&["keys", "create", "shop", "--source", "/shop"]);
    let lines = json!([{ "sku": "teapot", "quantity": 2 }]);
    for number in 1..=ORDERS {
        let order = format!("order-{number}");
        let stored = project.send(key.trim(), "order.placed", &order, &lines);
        assert_eq!(stored, 201);
    }
    wait("all are shipped", || {
        project.query(SHIPPED) == "1|120|1|120"
    });
    wait("it is written down", || {
        project.status()["projections"]["shipping"]["applied"] == ORDERS
    });
    (project, dev)
}

#[test]
fn it_is_shown_first_and_done_when_it_is_said_twice() {
    let (project, _dev) = with_orders();
    let chosen = ["--from", "3", "--to", "5"];
    let with = |more: &[&str]| replay(&project, &[&chosen, more].concat());

    // Shown, with and without the word, and nothing is done.
    for more in [&[][..], &["--resend"], &["--resend", "--reason", "a test"]] {
        let plan = with(more);
        assert_eq!(plan.status.code(), Some(0), "{}", shown(&plan));
        let said = String::from_utf8_lossy(&plan.stdout);
        for part in [
            "shipping would execute 3 events again",
            "order-3",
            "order-5",
            "nothing was executed",
            "dragoman replay shipping --from 3 --to 5 --resend --yes --reason",
        ] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
    }
    let plan = object(&with(&["--json"]));
    assert_eq!(plan["selected"], 3, "{plan}");
    assert_eq!(plan["types"], json!({ "order.placed": 3 }));
    assert_eq!(plan["first"]["subject"], "order-3");
    assert_eq!(plan["last"]["position"], 5);
    assert_eq!(plan["unfinished"], Value::Null);
    assert_eq!(plan["done_before"], Value::Null);

    // Refused as long as it is not said, with its reason.
    let unsaid = with(&["--yes", "--reason", "a test"]);
    assert_eq!(unsaid.status.code(), Some(2));
    insta::assert_snapshot!("without-resend", shown(&unsaid));
    let unreasoned = with(&["--resend", "--yes"]);
    assert_eq!(unreasoned.status.code(), Some(2));
    insta::assert_snapshot!("without-reason", shown(&unreasoned));
    assert_eq!(project.query(SHIPPED), "1|120|1|120");

    // Done.
    let yes = ["--resend", "--yes", "--reason", "a test"];
    let done = with(&yes);
    assert_eq!(done.status.code(), Some(0), "{}", shown(&done));
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "shipping: 3 events executed again, 0 refused by the database\n"
    );
    assert_eq!(project.query(SHIPPED), "1|117|1|120\n2|3|3|5");

    // Who lost sight of it sees that it was done.
    let plan = with(&[]);
    let said = String::from_utf8_lossy(&plan.stdout);
    assert!(said.contains("done before: the same selection"), "{said}");
    let plan = object(&with(&["--json"]));
    assert_eq!(plan["done_before"]["resent"], 3, "{plan}");

    // What is refused is told by the exit code, and found again.
    project.query("insert into refused values ('order-4')");
    let done = with(&[&yes[..], &["--json"]].concat());
    assert_eq!(done.status.code(), Some(3), "{}", shown(&done));
    let outcome = object(&done);
    assert_eq!(outcome["finished"], true, "{outcome}");
    assert_eq!(
        (&outcome["resent"], &outcome["refused"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(project.query(SHIPPED), "1|117|1|120\n2|1|4|4\n3|2|3|5");
    let refused = replay(&project, &["--refused", "--json"]);
    assert_eq!(refused.status.code(), Some(0));
    let refused = object(&refused);
    assert_eq!(
        (&refused["position"], &refused["subject"]),
        (&json!(4), &json!("order-4"))
    );
    let reason = refused["reason"].as_str().unwrap();
    assert!(reason.contains("there is nothing left of it"), "{reason}");
    let account = &project.status()["projections"]["shipping"];
    assert_eq!(
        (&account["applied"], &account["lag"]),
        (&json!(ORDERS), &json!(0))
    );
}

/// Somebody who has the lock that order-110 needs; ended with its session.
struct InTheWay<'p>(&'p Project, Child);

impl<'p> InTheWay<'p> {
    fn stand(project: &'p Project) -> Self {
        let mut session = project.psql("select pg_advisory_lock(42), pg_sleep(3600)");
        let session = session
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let granted =
            "select count(*) from pg_locks where locktype = 'advisory' and objid = 42 and granted";
        wait("the lock is taken", || project.query(granted) == "1");
        Self(project, session)
    }

    /// Somebody waits for it.
    fn is_waited_for(&self) {
        let waiting = "select count(*) from pg_locks where locktype = 'advisory' and objid = 42 and not granted";
        wait("order-110 waits", || self.0.query(waiting) == "1");
    }
}

impl Drop for InTheWay<'_> {
    fn drop(&mut self) {
        let end = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = 42 and granted";
        let _ended = self.0.psql(end).output();
        let _ = self.1.wait();
    }
}

#[test]
fn interrupted_the_same_command_goes_on_where_it_was() {
    let (project, _dev) = with_orders();
    let all = [
        "--from", "1", "--to", "120", "--resend", "--yes", "--reason", "a test",
    ];
    let in_the_way = InTheWay::stand(&project);
    let mut interrupted = dragoman(project.path());
    interrupted.args(["replay", "shipping"]).args(all);
    interrupted.stdout(Stdio::piped()).stderr(Stdio::piped());
    let interrupted = interrupted.spawn().unwrap();
    in_the_way.is_waited_for();
    send_signal("INT", interrupted.id());
    let interrupted = interrupted.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&interrupted.stderr);
    assert_eq!(
        interrupted.status.code(),
        Some(1),
        "{}",
        shown(&interrupted)
    );
    assert!(said.contains("stopped at position 100 of 120"), "{said}");
    assert!(
        said.contains("the same command goes on from there"),
        "{said}"
    );
    drop(in_the_way);
    // A hundred with the record of them; of the rest nothing.
    assert_eq!(project.query(SHIPPED), "1|20|101|120\n2|100|1|100");

    let plan = object(&replay(&project, &["--from", "1", "--to", "120", "--json"]));
    assert_eq!(plan["unfinished"]["position"], 100, "{plan}");
    let other = replay(
        &project,
        &[
            "--from", "1", "--to", "7", "--resend", "--yes", "--reason", "x",
        ],
    );
    assert_eq!(other.status.code(), Some(1), "{}", shown(&other));
    assert!(shown(&other).contains("(--from 1 --to 120) is unfinished"));
    let gone_on = replay(&project, &all);
    assert_eq!(gone_on.status.code(), Some(0), "{}", shown(&gone_on));
    assert_eq!(project.query(SHIPPED), "2|120|1|120");
}
