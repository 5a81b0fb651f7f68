//! Appending: each event once, requests whole, nobody held up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use dragoman_core::{Event, JSON};
use dragoman_store::{
    AdapterCounts, AppendConflict, AppendOutcome, AppendRequest, AppendResult, Appended, NewKey,
    content_hash,
};
use proptest::prelude::*;
use sqlx::Executor as _;
use tokio::task::JoinSet;

use crate::hub::Hub;

impl Hub {
    async fn append(&self, requests: Vec<Vec<Event>>) -> Vec<AppendResult> {
        let requests: Vec<AppendRequest> = requests.into_iter().map(request).collect();
        self.store.append(&requests).await
    }

    /// The ids in the log, in its order.
    async fn logged_ids(&self) -> Vec<String> {
        sqlx::query_scalar("select id from dragoman.events order by seq")
            .fetch_all(&mut self.session().await)
            .await
            .unwrap()
    }

    async fn counts(&self) -> AdapterCounts {
        let totals = self.store.adapter_totals().await.unwrap();
        let totals = totals.get("api").copied().unwrap_or_default();
        assert_eq!(totals.unbalanced(), 0, "{totals:?}");
        totals.counts
    }
}

fn request(events: Vec<Event>) -> AppendRequest {
    AppendRequest {
        adapter: "api".into(),
        events,
    }
}

fn event(id: impl Into<String>, data: &str) -> Event {
    Event {
        id: id.into(),
        source: "/test".into(),
        event_type: "thing.happened".into(),
        subject: "thing".into(),
        time: Utc::now(),
        content_type: JSON.into(),
        data: data.into(),
        traceparent: None,
        extensions: BTreeMap::new(),
    }
}

fn one(result: &AppendResult) -> &AppendOutcome {
    result.as_ref().unwrap()
}

fn appended(outcomes: &[Appended]) -> AppendOutcome {
    AppendOutcome::Appended(outcomes.to_vec())
}

const STORED: Appended = Appended::Stored;
const DUPLICATE: Appended = Appended::Duplicate;

#[tokio::test]
async fn an_event_is_stored_once_with_everything_that_it_said() {
    let hub = Hub::new().await;
    let sent = Event {
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        extensions: [("tenant".to_owned(), "a \"b\" \\ é".to_owned())].into(),
        time: "2026-01-02T03:04:05.678901Z".parse().unwrap(),
        ..event("1", " {\"n\": 1.10, \"t\": \"\\u0000\"} ")
    };
    let result = hub.append(vec![vec![sent.clone()]]).await;
    assert_eq!(one(&result[0]), &appended(&[STORED]));
    let later = Event {
        time: Utc::now(),
        ..sent.clone()
    };
    let again = hub.append(vec![vec![later]]).await;
    assert_eq!(
        one(&again[0]),
        &appended(&[DUPLICATE]),
        "the time is no content"
    );
    let lease = hub.lease().await;
    hub.seal(&lease, 10).await;
    let log = hub
        .store
        .read_after(dragoman_core::Position::ZERO, 10)
        .await
        .unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].event, sent);
    let stored_at = log[0].stored_at;
    let other = hub.append(vec![vec![event("1", "{}")]]).await;
    let AppendOutcome::Conflict(conflicts) = one(&other[0]) else {
        panic!("{other:?}");
    };
    let conflict_at = conflicts[0].stored_at.unwrap();
    assert!((conflict_at - stored_at).num_milliseconds().abs() < 1000);
    let counts = hub.counts().await;
    assert_eq!(
        (counts.received, counts.stored, counts.duplicate),
        (2, 1, 1)
    );
}

#[tokio::test]
async fn a_shared_statement_gives_every_sender_its_own_answer_in_the_order_of_the_input() {
    let hub = Hub::new().await;
    hub.append(vec![vec![event("known", "1")]]).await;
    let results = hub
        .append(vec![
            vec![event("z", "1")],
            vec![event("known", "1")],
            vec![event("a", "1")],
            vec![event("a", "1")],
            vec![event("a", "2")],
            vec![],
            vec![event("known", "2")],
            vec![event("m", "1")],
            vec![event("known", "1")],
        ])
        .await;
    let conflict = |result: &AppendResult| match one(result) {
        AppendOutcome::Conflict(conflicts) => {
            conflicts.len() == 1 && conflicts[0].event == 0 && conflicts[0].stored_at.is_some()
        }
        AppendOutcome::Appended(_) => false,
    };
    for (at, outcome) in [
        (0, STORED),
        (1, DUPLICATE),
        (2, STORED),
        (3, DUPLICATE),
        (7, STORED),
        (8, DUPLICATE),
    ] {
        assert_eq!(one(&results[at]), &appended(&[outcome]), "{at}");
    }
    assert!(
        conflict(&results[4]) && conflict(&results[6]),
        "{results:?}"
    );
    assert_eq!(one(&results[5]), &appended(&[]));
    assert_eq!(hub.logged_ids().await, ["known", "z", "a", "m"]);
    let counts = hub.counts().await;
    assert_eq!(
        (counts.received, counts.stored, counts.duplicate),
        (7, 4, 3)
    );
}

#[tokio::test]
async fn a_request_of_several_is_stored_whole_or_not_at_all() {
    let hub = Hub::new().await;
    hub.append(vec![vec![event("b", "1")]]).await;
    let whole = vec![
        event("d", "1"),
        event("b", "1"),
        event("c", "1"),
        event("d", "1"),
    ];
    let broken = vec![event("e", "1"), event("b", "2"), event("f", "1")];
    let against_itself = vec![event("g", "1"), event("h", "1"), event("g", "2")];
    let results = hub.append(vec![whole, broken, against_itself]).await;
    let outcomes = [STORED, DUPLICATE, STORED, DUPLICATE];
    assert_eq!(one(&results[0]), &appended(&outcomes));
    assert!(
        matches!(one(&results[1]), AppendOutcome::Conflict(conflicts)
            if matches!(conflicts.as_slice(), [AppendConflict { event: 1, stored_at: Some(_) }])),
        "{results:?}"
    );
    let conflict = AppendConflict {
        event: 2,
        stored_at: None,
    };
    assert_eq!(one(&results[2]), &AppendOutcome::Conflict(vec![conflict]));
    assert_eq!(hub.logged_ids().await, ["b", "d", "c"]);
    let counts = hub.counts().await;
    assert_eq!(
        (counts.received, counts.stored, counts.duplicate),
        (5, 3, 2)
    );
}

#[tokio::test]
async fn requests_of_several_share_a_statement_until_one_of_their_keys_is_not_new() {
    let hub = Hub::new().await;
    let new = |first: &str, second: &str| vec![event(first, "1"), event(second, "1")];
    let results = hub.append(vec![new("a", "b"), new("d", "c")]).await;
    for result in &results {
        assert_eq!(one(result), &appended(&[STORED, STORED]));
    }
    assert_eq!(hub.logged_ids().await, ["a", "b", "d", "c"]);
    // One key twice, in different requests.
    let results = hub.append(vec![new("e", "f"), new("g", "f")]).await;
    assert_eq!(one(&results[0]), &appended(&[STORED, STORED]));
    assert_eq!(one(&results[1]), &appended(&[STORED, DUPLICATE]));
    // One of them is known with other content: the others are stored.
    let conflicting = vec![event("i", "1"), event("a", "2")];
    let results = hub.append(vec![new("h", "j"), conflicting]).await;
    assert_eq!(one(&results[0]), &appended(&[STORED, STORED]));
    assert!(
        matches!(one(&results[1]), AppendOutcome::Conflict(_)),
        "{results:?}"
    );
    let logged = ["a", "b", "d", "c", "e", "f", "g", "h", "j"];
    assert_eq!(hub.logged_ids().await, logged);
    let counts = hub.counts().await;
    assert_eq!(
        (counts.received, counts.stored, counts.duplicate),
        (10, 9, 1)
    );
}

#[tokio::test]
async fn requests_of_several_that_are_all_known_are_duplicates_or_conflicts() {
    let hub = Hub::new().await;
    let request = |data: &str| vec![event("a", data), event("b", data)];
    let results = hub.append(vec![request("1")]).await;
    assert_eq!(one(&results[0]), &appended(&[STORED, STORED]));
    // Alone in its statement, and beside another one.
    let results = hub.append(vec![request("1")]).await;
    assert_eq!(one(&results[0]), &appended(&[DUPLICATE, DUPLICATE]));
    let results = hub.append(vec![request("2")]).await;
    assert!(
        matches!(one(&results[0]), AppendOutcome::Conflict(_)),
        "{results:?}"
    );
    let both = vec![event("c", "1"), event("d", "1")];
    assert_eq!(
        one(&hub.append(vec![both.clone()]).await[0]),
        &appended(&[STORED, STORED])
    );
    for result in &hub.append(vec![request("1"), both]).await {
        assert_eq!(one(result), &appended(&[DUPLICATE, DUPLICATE]));
    }
    assert_eq!(hub.logged_ids().await, ["a", "b", "c", "d"]);
    let counts = hub.counts().await;
    assert_eq!(
        (counts.received, counts.stored, counts.duplicate),
        (10, 4, 6)
    );
}

#[tokio::test]
async fn of_many_who_send_one_key_at_once_one_stores_it() {
    let hub = Arc::new(Hub::new().await);
    let mut senders = JoinSet::new();
    for sender in 0..16 {
        let hub = Arc::clone(&hub);
        senders.spawn(async move {
            let mut stored = 0;
            for number in 0..50 {
                // Half of them as part of a request that must be whole.
                let mut events = vec![event(format!("{number}"), "1")];
                if sender % 2 == 0 {
                    events.push(event(format!("{number}-{sender}"), "1"));
                }
                let results = hub.append(vec![events]).await;
                let AppendOutcome::Appended(outcomes) = one(&results[0]) else {
                    panic!("{results:?}");
                };
                stored += usize::from(outcomes[0] == STORED);
            }
            stored
        });
    }
    let stored: usize = senders.join_all().await.into_iter().sum();
    assert_eq!(stored, 50);
    assert_eq!(hub.logged_ids().await.len(), 50 + 8 * 50);
    let counts = hub.counts().await;
    assert_eq!((counts.stored, counts.duplicate), (450, 15 * 50));
}

#[tokio::test]
async fn opposite_key_orders_beside_an_open_publisher_neither_deadlock_nor_stall() {
    let hub = Arc::new(Hub::new().await);
    let key = NewKey {
        name: "sql".into(),
        sources: vec!["/sql".into()],
        types: vec!["*".parse().unwrap()],
        expires_at: None,
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    while hub.store.grant_publisher(&key, "postgres").await.is_err() {
        assert!(Instant::now() < deadline, "the grant is never made");
    }
    let mut publisher = hub.session().await;
    publisher.execute("begin").await.unwrap();
    for id in 0..100 {
        sqlx::query("select dragoman.publish('thing.happened', 's', '{}', '/sql', $1)")
            .bind(id.to_string())
            .execute(&mut publisher)
            .await
            .unwrap();
    }
    let started = Instant::now();
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let hub = Arc::clone(&hub);
        writers.spawn(async move {
            let mut ends = [0_usize; 3];
            for round in 0..10 {
                let mut requests: Vec<AppendRequest> = (0..100)
                    .map(|number| request(vec![event(format!("{round}-{number:03}"), "1")]))
                    .collect();
                if writer % 2 == 1 {
                    requests.reverse();
                }
                // A duplicate inside the batch, and a conflict with what others store.
                requests.push(request(vec![event(format!("{round}-050"), "1")]));
                let twisted = event(format!("{round}-051"), "2");
                requests.insert(0, request(vec![event(format!("{round}-051"), "1")]));
                requests.push(request(vec![twisted]));
                for result in hub.store.append(&requests).await {
                    match one(&result) {
                        AppendOutcome::Appended(outcomes) => {
                            ends[usize::from(outcomes[0] == DUPLICATE)] += 1;
                        }
                        AppendOutcome::Conflict(_) => ends[2] += 1,
                    }
                }
            }
            ends
        });
    }
    let mut sum = [0; 3];
    for ends in writers.join_all().await {
        for (all, more) in sum.iter_mut().zip(ends) {
            *all += more;
        }
    }
    assert!(started.elapsed() < Duration::from_secs(20), "it stalled");
    assert_eq!(sum, [1000, 16 * 10 * 102 - 1000, 160]);
    publisher.execute("commit").await.unwrap();
    assert_eq!(hub.logged_ids().await.len(), 1100);
    assert_eq!(hub.counts().await.stored, 1000);
}

#[tokio::test]
async fn a_key_that_somebody_holds_keeps_only_its_own_request_waiting() {
    let hub = Hub::new().await;
    let mut holder = hub.session().await;
    holder.execute("begin").await.unwrap();
    holder
        .execute(
            "insert into dragoman.event_keys (source, id, content_hash) values ('/test', '17', '')",
        )
        .await
        .unwrap();
    let started = Instant::now();
    let requests = (0..40).map(|id| vec![event(id.to_string(), "1")]).collect();
    let results = hub.append(requests).await;
    assert!(started.elapsed() < Duration::from_secs(10));
    for (id, result) in results.iter().enumerate() {
        match result {
            Ok(outcome) => assert!(id != 17 && *outcome == appended(&[STORED])),
            Err(error) => assert!(id == 17 && error.is_unavailable(), "{id}: {error}"),
        }
    }
    holder.execute("rollback").await.unwrap();
    let again = hub.append(vec![vec![event("17", "1")]]).await;
    assert_eq!(one(&again[0]), &appended(&[STORED]));
    assert_eq!(hub.counts().await.stored, 40);
}

#[tokio::test]
async fn an_event_that_the_database_refuses_fails_alone() {
    let hub = Hub::new().await;
    let requests = (0..9)
        .map(|id| vec![event(id.to_string(), if id == 4 { "\0" } else { "1" })])
        .collect();
    let results = hub.append(requests).await;
    for (id, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), id != 4, "{id}: {result:?}");
    }
    assert_eq!(
        hub.logged_ids().await,
        ["0", "1", "2", "3", "5", "6", "7", "8"]
    );
    assert_eq!(hub.counts().await.stored, 8);
}

#[tokio::test]
async fn a_sleeping_sealer_is_woken() {
    let hub = Hub::new().await;
    let mut bell = hub.store.doorbell().await.unwrap();
    for (round, events) in [
        vec![event("1", "1")],
        vec![event("2", "1"), event("3", "1")],
    ]
    .into_iter()
    .enumerate()
    {
        bell.arm().await.unwrap();
        hub.append(vec![events]).await;
        tokio::time::timeout(Duration::from_secs(10), bell.rung())
            .await
            .unwrap_or_else(|_| panic!("round {round} did not ring"))
            .unwrap();
        bell.disarm().await.unwrap();
    }
}

#[test]
fn the_hashes_are_those_of_the_database() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let session = runtime.block_on(async { Hub::new().await.session().await });
    let session = std::cell::RefCell::new(session);
    let parts = ("\\PC{0,30}", "\\PC{0,30}", "\\PC{0,30}", "\\PC{0,300}");
    proptest!(ProptestConfig::with_cases(64), |((kind, subject, content_type, data) in parts)| {
        let event = Event {
            event_type: kind,
            subject,
            content_type,
            time: DateTime::<Utc>::UNIX_EPOCH,
            ..event("1", &data)
        };
        let (theirs, of_subject): (Vec<u8>, i32) = runtime.block_on(
            sqlx::query_as("select dragoman.content_hash($1, $2, $3, $4), dragoman.subject_hash($2)")
                .bind(&event.event_type)
                .bind(&event.subject)
                .bind(&event.content_type)
                .bind(&event.data)
                .fetch_one(&mut *session.borrow_mut()),
        ).unwrap();
        prop_assert_eq!(content_hash(&event).to_vec(), theirs);
        prop_assert_eq!(event.subject_hash(), of_subject);
    });
}
