//! What cannot take effect waits with its subject, in order, and the account adds up.

use dragoman_core::Position;
use dragoman_projector::{ColumnType, Drained, Operator, ParkedState};

use crate::support::{Database, Feed, Sketch, drain, event, partition, sale, sales};

#[tokio::test]
async fn a_failing_event_parks_its_subject_and_later_ones_queue_through_retry_and_skip() {
    let database = Database::new().await;
    let target = &database.target;
    let definition = Sketch::new(
        "states",
        &[
            ("last", ColumnType::Text, Operator::Set, ".data.state"),
            ("count", ColumnType::Bigint, Operator::Add, ".data.one"),
        ],
    )
    .definition();
    let state = |position, subject: &str, state: &str| {
        let data = format!(r#"{{"sku":"{subject}","state":{state},"one":1}}"#);
        event(position, subject, &data)
    };
    let log = [
        state(1, "a", r#""placed""#),
        state(2, "b", r#""placed""#),
        state(3, "a", "17"), // no text
        state(4, "a", r#""paid""#),
        state(5, "b", r#""paid""#),
        state(6, "a", r#""sent""#),
        state(7, "a", "18"),
        state(8, "a", r#""done""#),
    ];
    let mut feed = Feed::open(target, &definition, partition(0, 1)).await;
    let applied = feed.apply(&log[..5]).await.unwrap();
    assert_eq!(
        (applied.applied, applied.parked, applied.skipped),
        (3, 2, 0)
    );
    assert_eq!(database.account("states", &log).await, [3, 2, 0]);
    let applied = feed.apply(&log[5..]).await.unwrap();
    assert_eq!((applied.applied, applied.parked), (0, 3));
    assert_eq!(database.account("states", &log).await, [3, 5, 0]);
    let rows = || database.rows("select sku, last, count from states");
    assert_eq!(rows().await, ["(a,placed,1)", "(b,paid,2)"]);

    let parked = target.parked("states").await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].subject, "a");
    assert_eq!(parked[0].state, ParkedState::Held);
    assert_eq!((parked[0].events, parked[0].attempts), (5, 1));
    assert_eq!(parked[0].first_position, Position(3));
    assert_eq!(
        parked[0].reason,
        "column last: the program yielded a whole number, which is no value of type text"
    );
    let waiting = target.parked_events("states", "a").await.unwrap();
    let positions: Vec<_> = waiting.iter().map(|e| e.identity.position.0).collect();
    assert_eq!(positions, [3, 4, 6, 7, 8]);

    // Held means that nobody tries by itself; asked for, it fails again.
    assert!(drain(&feed, &log).await.is_empty());
    assert_eq!(target.retry("states", "a").await.unwrap(), 1);
    let left = |applied, skipped, left| Drained {
        applied,
        skipped,
        left,
    };
    assert_eq!(drain(&feed, &log).await, [left(0, 0, 5)]);
    let parked = target.parked("states").await.unwrap();
    assert_eq!(parked[0].state, ParkedState::Held);
    assert_eq!(parked[0].attempts, 2);
    assert_eq!(database.account("states", &log).await, [3, 5, 0]);

    // Skipped, the rest goes on up to the next that fails.
    let decided = target.skip("states", "a", false, "a test order").await;
    assert_eq!(decided.unwrap()[0].identity, log[2].identity());
    // Asked again before that: what is next has not failed, and is not skipped.
    let again = target.skip("states", "a", false, "pressed twice").await;
    assert!(again.unwrap().is_empty());
    assert_eq!(database.account("states", &log).await, [3, 4, 1]);
    assert_eq!(drain(&feed, &log).await, [left(2, 0, 2)]);
    assert_eq!(database.account("states", &log).await, [5, 2, 1]);
    assert_eq!(rows().await, ["(a,sent,3)", "(b,paid,2)"]);

    // What comes meanwhile waits behind; all skipped, the subject is free again.
    let decided = target.skip("states", "a", true, "the rest of it").await;
    assert_eq!(decided.unwrap().len(), 2);
    assert_eq!(database.account("states", &log).await, [5, 0, 3]);
    assert!(target.parked("states").await.unwrap().is_empty());
    let more = state(9, "a", r#""again""#);
    feed.apply(std::slice::from_ref(&more)).await.unwrap();
    assert_eq!(rows().await, ["(a,again,4)", "(b,paid,2)"]);
    let log: Vec<_> = log.into_iter().chain([more]).collect();
    assert_eq!(database.account("states", &log).await, [6, 0, 3]);
    let reasons: Vec<_> = target
        .decisions("states")
        .await
        .unwrap()
        .into_iter()
        .map(|decision| (decision.identity.position.0, decision.reason))
        .collect();
    let rest = "the rest of it".to_owned();
    assert_eq!(
        reasons,
        [(3, "a test order".into()), (7, rest.clone()), (8, rest)]
    );
}

#[tokio::test]
async fn a_value_that_the_database_refuses_is_found_among_a_thousand() {
    let database = Database::new().await;
    database
        .run(
            "create table sales (sku text primary key, orders bigint,
                                 revenue numeric(14,2) check (revenue <> 13))",
        )
        .await;
    let definition = sales();
    let mut log: Vec<_> = (1..=1000)
        .map(|n| sale(n, &format!("subject-{}", n % 250), &format!("s{n}"), "1"))
        .collect();
    log[500] = sale(501, "subject-1", "s501", "13");
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    let applied = feed.apply(&log).await.unwrap();
    // 501 % 250 = 1, and so is 751: it waits behind.
    assert_eq!((applied.applied, applied.parked), (998, 2));
    let parked = database.target.parked("sales").await.unwrap();
    assert_eq!(parked[0].first_position, Position(501));
    assert!(
        parked[0].reason.contains("sales_revenue_check"),
        "{}",
        parked[0].reason
    );
    assert_eq!(database.account("sales", &log).await, [998, 2, 0]);

    database
        .run("alter table sales drop constraint sales_revenue_check")
        .await;
    database.target.retry("sales", "subject-1").await.unwrap();
    assert_eq!(drain(&feed, &log).await[0].applied, 2);
    assert_eq!(database.account("sales", &log).await, [1000, 0, 0]);
    assert_eq!(
        database
            .rows("select from sales where revenue = 13")
            .await
            .len(),
        1
    );
}

#[tokio::test]
async fn sums_that_overflow_park_the_event_that_made_them() {
    let database = Database::new().await;
    let definition = Sketch::new(
        "totals",
        &[
            ("small", ColumnType::Integer, Operator::Add, ".data.small"),
            ("big", ColumnType::Bigint, Operator::Add, ".data.big"),
        ],
    )
    .definition();
    let add = |position: i64, small: i64, big: i64| {
        let data = format!(r#"{{"sku":"s","small":{small},"big":{big}}}"#);
        event(position, &format!("subject-{position}"), &data)
    };
    let log = [
        add(1, i64::from(i32::MAX), 1),
        add(2, 1, 1), // leaves integer
        add(3, 0, i64::MAX - 2),
        add(4, 0, i64::MAX), // leaves bigint
        add(5, -5, 1),
    ];
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    let applied = feed.apply(&log).await.unwrap();
    assert_eq!((applied.applied, applied.parked), (3, 2));
    let rows = database.rows("select small, big from totals").await;
    assert_eq!(rows, ["(2147483642,9223372036854775807)"]);
}

#[tokio::test]
async fn a_deferred_constraint_and_a_key_too_long_for_its_index_park_too() {
    let database = Database::new().await;
    database
        .run(
            "create table sales (sku text primary key, orders bigint, revenue numeric(14,2),
                                 unique (revenue) deferrable initially deferred)",
        )
        .await;
    let definition = sales();
    // Random enough not to be compressed into an index row.
    let long: String = (0..400).map(|n| uuid_of(n).to_string()).collect();
    let log = [
        sale(1, "a", "one", "1"),
        sale(2, "b", "two", "1"),
        sale(3, "c", &long, "3"),
        sale(4, "d", "four", "4"),
    ];
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    let applied = feed.apply(&log).await.unwrap();
    assert_eq!((applied.applied, applied.parked), (2, 2));
    let parked: Vec<_> = database
        .target
        .parked("sales")
        .await
        .unwrap()
        .into_iter()
        .map(|parked| parked.subject)
        .collect();
    assert_eq!(parked, ["b", "c"]);
    assert_eq!(database.account("sales", &log).await, [2, 2, 0]);
}

fn uuid_of(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(number.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
}

#[tokio::test]
async fn only_the_subjects_of_the_reader_are_due_and_drained_ones_keep_the_count() {
    let database = Database::new().await;
    let target = &database.target;
    let definition = sales();
    let reader = |subject: &str| {
        let hash = dragoman_core::subject_hash(subject);
        dragoman_core::partition_for(hash, 2)
    };
    let subjects: Vec<String> = (0..12).map(|n| format!("subject-{n}")).collect();
    let log: Vec<_> = (1..)
        .zip(&subjects)
        .map(|(n, subject)| sale(n, subject, "s", r#""no number""#))
        .collect();
    for number in 0..2 {
        let mut feed = Feed::open(target, &definition, partition(number, 2)).await;
        let own: Vec<_> = log
            .iter()
            .filter(|event| reader(&event.event.subject) == number)
            .cloned()
            .collect();
        feed.apply(&own).await.unwrap();
    }
    for subject in &subjects {
        assert_eq!(target.retry("sales", subject).await.unwrap(), 1);
    }
    // Mended in the meantime: the same places hold what can be read.
    let mended: Vec<_> = (1..)
        .zip(&subjects)
        .map(|(n, subject)| sale(n, subject, "s", "2"))
        .collect();
    let mut drained = 0;
    for number in 0..2 {
        let feed = Feed::open(target, &definition, partition(number, 2)).await;
        let due = target
            .due(&feed.generation, &feed.reader, 100)
            .await
            .unwrap();
        for (subject, positions) in &due {
            assert_eq!(reader(&subject.subject), number);
            assert_eq!(positions, &[subject.first_position]);
        }
        let done = drain(&feed, &mended).await;
        drained += done.iter().map(|drained| drained.applied).sum::<usize>();
        while !drain(&feed, &mended).await.is_empty() {
            drained += 1;
        }
    }
    assert_eq!(drained, 12);
    assert_eq!(database.account("sales", &log).await, [12, 0, 0]);
    let counted = database
        .rows("select applied from dragoman_projection.drained")
        .await;
    assert_eq!(counted, ["(12)"], "older rows are taken up");
}

#[tokio::test]
async fn a_row_of_each_element_and_an_event_with_one_bad_element_has_none() {
    let database = Database::new().await;
    let definition = Sketch {
        each: Some(".data.lines"),
        key: vec![("sku", ColumnType::Text, ".item.sku")],
        columns: vec![("pieces", ColumnType::Bigint, Operator::Add, ".item.pieces")],
        ..Sketch::new("lines", &[])
    }
    .definition();
    let log = [
        event(
            1,
            "a",
            r#"{"lines":[{"sku":"x","pieces":1},{"sku":"y","pieces":2},{"sku":"x","pieces":3}]}"#,
        ),
        event(
            2,
            "b",
            r#"{"lines":[{"sku":"x","pieces":1},{"sku":null,"pieces":2}]}"#,
        ),
        event(3, "c", "{}"),
        event(4, "d", r#"{"lines":[{"sku":"y"}]}"#),
    ];
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    let applied = feed.apply(&log).await.unwrap();
    assert_eq!((applied.applied, applied.parked), (3, 1));
    let rows = database.rows("select sku, pieces from lines").await;
    assert_eq!(rows, ["(x,4)", "(y,2)"]);
    let parked = database.target.parked("lines").await.unwrap();
    assert_eq!(parked[0].reason, "key sku: the program yielded null");
}
