//! `order: total`: nothing goes past an event that fails.

use dragoman_core::Position;
use dragoman_projector::{ColumnType, Operator, Order, ParkedState, Reader};

use crate::support::{Database, Feed, Sketch, event};

fn sketch() -> Sketch {
    Sketch {
        order: Order::Total,
        ..Sketch::new(
            "line",
            &[("last", ColumnType::Integer, Operator::Set, ".data.value")],
        )
    }
}

#[tokio::test]
async fn it_stops_before_the_event_until_that_is_mended_or_skipped() {
    let database = Database::new().await;
    let target = &database.target;
    let definition = sketch().definition();
    let value = |position, value: &str| {
        let data = format!(r#"{{"sku":"s","value":{value}}}"#);
        event(position, &format!("subject-{position}"), &data)
    };
    let log = [
        value(1, "1"),
        value(2, "2"),
        value(3, r#""three""#),
        value(4, "4"),
        value(5, r#""five""#),
        value(6, "6"),
    ];
    let mut feed = Feed::open(target, &definition, Reader::Ledger).await;
    for attempts in 1..=2 {
        let rest = if attempts == 1 { &log[..] } else { &log[2..] };
        let applied = feed.apply(rest).await.unwrap();
        let stop = applied.stopped.expect("it stops");
        assert_eq!(stop.position, Position(3));
        assert_eq!(stop.attempts, attempts);
        assert!(!stop.retry_asked);
        assert_eq!(applied.checkpoint.position, Position(2));
        assert_eq!(applied.checkpoint.identity, Some(log[1].identity()));
        assert_eq!(applied.parked, 0);
    }
    assert_eq!(database.account("line", &log).await, [2, 0, 0]);
    assert_eq!(database.rows("select last from line").await, ["(2)"]);

    let parked = target.parked("line").await.unwrap();
    assert_eq!((parked.len(), parked[0].events), (1, 1));
    assert_eq!(parked[0].state, ParkedState::Held);
    let waiting = target.parked_events("line", "subject-3").await.unwrap();
    assert_eq!(waiting[0].identity, log[2].identity());
    assert_eq!(target.retry("line", "subject-3").await.unwrap(), 1);
    let stop = target.stop(&feed.generation).await.unwrap().unwrap();
    assert!(stop.retry_asked);
    let applied = feed.apply(&log[2..]).await.unwrap();
    assert!(!applied.stopped.unwrap().retry_asked, "asked once");

    target
        .skip("line", "subject-3", false, "typed by hand")
        .await
        .unwrap();
    assert!(
        target
            .stop(&feed.generation)
            .await
            .unwrap()
            .unwrap()
            .retry_asked
    );
    assert_eq!(database.account("line", &log).await, [2, 0, 0]);
    let applied = feed.apply(&log[2..]).await.unwrap();
    assert_eq!((applied.applied, applied.skipped), (1, 1));
    assert_eq!(applied.stopped.unwrap().position, Position(5));
    assert_eq!(database.account("line", &log).await, [3, 0, 1]);

    target
        .skip("line", "subject-5", true, "this one too")
        .await
        .unwrap();
    let applied = feed.apply(&log[4..]).await.unwrap();
    assert_eq!(applied.stopped, None);
    assert_eq!(target.stop(&feed.generation).await.unwrap(), None);
    assert_eq!(database.account("line", &log).await, [4, 0, 2]);
    assert_eq!(database.rows("select last from line").await, ["(6)"]);
}

#[tokio::test]
async fn an_event_that_the_database_refuses_stops_it_too_at_the_very_beginning() {
    let database = Database::new().await;
    database
        .run("create table line (sku text primary key, last integer check (last > 0))")
        .await;
    let definition = sketch().definition();
    let value = |position: i64, value: i64| {
        let data = format!(r#"{{"sku":"s{position}","value":{value}}}"#);
        event(position, "subject", &data)
    };
    let log = [value(1, -1), value(2, 2), value(3, -3), value(4, 4)];
    let mut feed = Feed::open(&database.target, &definition, Reader::Ledger).await;
    let applied = feed.apply(&log).await.unwrap();
    assert_eq!(applied.checkpoint.position, Position::ZERO);
    assert_eq!(applied.checkpoint.identity, None);
    assert_eq!(applied.stopped.unwrap().position, Position(1));
    assert_eq!(database.account("line", &log).await, [0, 0, 0]);

    database
        .target
        .skip("line", "subject", false, "no")
        .await
        .unwrap();
    let applied = feed.apply(&log).await.unwrap();
    assert_eq!((applied.applied, applied.skipped), (1, 1));
    assert_eq!(applied.stopped.unwrap().position, Position(3));
    assert_eq!(applied.checkpoint.position, Position(2));
    assert_eq!(database.rows("select sku from line").await, ["(s2)"]);
}
