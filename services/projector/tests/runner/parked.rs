//! What is looked up before a receiver is called may be otherwise once it has answered.

use std::sync::Arc;

use dragoman_core::Event;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::Notify;

use crate::support::{
    Receiver, Relay, Reply, Running, World, event, eventually, everything_arrived, requests,
};

fn of_subject(number: usize, subject: usize) -> Event {
    Event {
        event_type: "order.placed".into(),
        subject: format!("order-{subject}"),
        ..event(number)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_parked_subjects_keep_their_order_and_hold_up_no_other() {
    const SUBJECTS: usize = 400;
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let refused = |subject: &str| {
        let subject = subject.trim_start_matches("order-");
        subject.parse::<usize>().unwrap() < SUBJECTS / 2
    };
    let receiver = Receiver::behaving(move |call| match refused(call.subject()) {
        true => Reply::Refuse(422),
        false => Reply::Act(200),
    })
    .await;
    let crm = requests(&world, &receiver, &json!({}));
    let running = Running::by_ledger(&world, &crm, "one");
    for round in 0..3 {
        let events = (0..SUBJECTS).map(|number| of_subject(round * SUBJECTS + number, number));
        world.append_events(events.collect()).await;
        relay.seal().await;
        let account = world.level(&crm).await;
        let half = i64::try_from(SUBJECTS / 2).unwrap();
        let rounds = i64::try_from(round + 1).unwrap();
        let found = (
            account.parked_subjects,
            account.parked_events,
            account.applied,
        );
        assert_eq!(found, (half, rounds * half, rounds * half));
    }
    let refusals = receiver
        .calls()
        .iter()
        .filter(|call| refused(call.subject()))
        .count();
    assert_eq!(refusals, SUBJECTS / 2, "those behind are not tried");

    receiver.behave(|_| Reply::Act(200));
    let target = world.target();
    for parked in target.parked(&crm.name).await.unwrap() {
        assert_eq!(target.retry(&crm.name, &parked.subject).await.unwrap(), 1);
    }
    everything_arrived(&world, &receiver, &crm).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_edited_while_it_is_sent_is_sent_again_as_it_was_edited() {
    for order in [json!({}), json!({ "order": "total" })] {
        for old_version_fails in [false, true] {
            edited_while_sent(&order, old_version_fails).await;
        }
    }
}

async fn edited_while_sent(order: &Value, old_version_fails: bool) {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let receiver = Receiver::behaving(|call| match call.id() {
        "id-0" => Reply::Refuse(422),
        _ => Reply::Act(200),
    })
    .await;
    let crm = requests(&world, &receiver, order);
    let running = Running::by_ledger(&world, &crm, "one");
    world
        .append_events((0..3).map(|number| of_subject(number, 0)).collect())
        .await;
    relay.seal().await;
    let target = world.target();
    eventually("it is parked, or it has stopped", || async {
        target.parked(&crm.name).await.unwrap().len() == 1
    })
    .await;

    let told = Arc::new(Notify::new());
    let answer = Arc::clone(&told);
    let old = if old_version_fails { 422 } else { 200 };
    receiver.behave(move |call| match call.body["note"].as_str() {
        None if call.id() == "id-0" => Reply::Wait(old, Arc::clone(&answer)),
        _ => Reply::Act(200),
    });
    let before = receiver.calls().len();
    assert_eq!(target.retry(&crm.name, "order-0").await.unwrap(), 1);
    eventually("it is under way", || async {
        receiver.calls().len() > before
    })
    .await;
    let edited = "{\"item\":\"item-0\",\"amount\":5,\"note\":\"mended\"}";
    let decision = target.edit(&crm.name, "order-0", None, edited, "by phone");
    assert!(decision.await.unwrap().is_some());
    told.notify_one();
    eventually("nothing is parked", || async {
        target.parked(&crm.name).await.unwrap().is_empty()
    })
    .await;
    let effects = receiver.effects();
    let sent: Vec<(&str, Option<&str>)> = effects
        .iter()
        .map(|call| (call.id(), call.body["note"].as_str()))
        .collect();
    let mended = ("id-0", Some("mended"));
    let mut expected = vec![mended, ("id-1", None), ("id-2", None)];
    if !old_version_fails {
        expected.insert(0, ("id-0", None));
    }
    if order["order"] == "total" && !old_version_fails {
        // The next go out as soon as the one before is answered, be it decided otherwise.
        assert!(sent.contains(&mended));
        let sent_without = sent.iter().filter(|sent| **sent != mended);
        expected.retain(|expected| *expected != mended);
        assert_eq!(sent_without.copied().collect::<Vec<_>>(), expected);
    } else {
        assert_eq!(sent, expected, "{order}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_it_cannot_be_written_down() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let receiver = Receiver::behaving(|call| match call.id() {
        "id-0" => Reply::Refuse(500),
        _ => Reply::Act(200),
    })
    .await;
    let crm = requests(&world, &receiver, &json!({}));
    let running = Running::by_ledger(&world, &crm, "one");
    world
        .append_events(
            (0..100)
                .map(|number| of_subject(number, number % 10))
                .collect(),
        )
        .await;
    relay.seal().await;
    world.level(&crm).await;
    let target = world.target();
    let parked = target.parked(&crm.name).await.unwrap();
    assert_eq!(parked.len(), 1);

    let mut session = PgConnection::connect(&world.target_url).await.unwrap();
    let database: String = sqlx::query_scalar("select current_database()")
        .fetch_one(&mut session)
        .await
        .unwrap();
    let read_only = format!("alter database {database} set default_transaction_read_only");
    const END_OTHERS: &str = "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    sqlx::query(AssertSqlSafe(format!("{read_only} = on")))
        .execute(&mut session)
        .await
        .unwrap();
    session.execute(END_OTHERS).await.unwrap();
    let before = receiver.calls().len();
    // New ones come, too.
    world
        .append_events(
            (100..200)
                .map(|number| of_subject(number, number % 10))
                .collect(),
        )
        .await;
    relay.seal().await;
    eventually("the parked one is long due", || async {
        let mut session = PgConnection::connect(&world.target_url).await.unwrap();
        sqlx::query_scalar(
            "select next_attempt < clock_timestamp() - interval '2 seconds'
             from dragoman_projection.parked_subjects",
        )
        .fetch_one(&mut session)
        .await
        .unwrap()
    })
    .await;
    // One may have been under way.
    assert!(receiver.calls().len() <= before + 1);

    sqlx::query(AssertSqlSafe(format!("{read_only} to default")))
        .execute(&mut session)
        .await
        .unwrap();
    session.execute(END_OTHERS).await.unwrap();
    receiver.behave(|_| Reply::Act(200));
    everything_arrived(&world, &receiver, &crm).await;
    running.stop().await;
}
