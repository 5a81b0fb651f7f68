//! Another generation, built beside the live one and put in its place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dragoman_core::{Position, RecordedEvent};
use dragoman_projector::{
    ApplyError, Definition, Generation, GenerationState, OpenError, Operator, Reader, ReaderMode,
    Target, TargetError,
};

use crate::support::{Database, Feed, MONEY, Sketch, partition, sale, sales};

/// Builds a generation up to the end of a log that stands still, and swaps.
async fn rebuild(
    target: &Target,
    definition: &Definition,
    log: &[RecordedEvent],
) -> Result<Generation, TargetError> {
    let mut building = begin(target, definition).await;
    for batch in log.chunks(50) {
        building.apply(batch).await.unwrap();
    }
    let lock = target.lock_live(&definition.name).await?;
    let level = building.at(log.last().unwrap());
    lock.swap(&building.generation, &level).await
}

async fn begin<'a>(target: &'a Target, definition: &'a Definition) -> Feed<'a> {
    let building = Feed::rebuild(target, definition).await;
    assert_eq!(building.generation.state, GenerationState::Building);
    building
}

fn log(length: i64) -> Vec<RecordedEvent> {
    (1..=length)
        .map(|n| {
            sale(
                n,
                &format!("subject-{}", n % 7),
                &format!("s{}", n % 5),
                "1.25",
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_under_live_traffic_loses_nothing_and_doubles_nothing() {
    let database = Arc::new(Database::new().await);
    let log = Arc::new(log(900));
    let definition = Arc::new(sales());
    let swapped = Arc::new(AtomicBool::new(false));
    let owners: Vec<_> = (0..2)
        .map(|number| {
            let (database, log) = (database.clone(), log.clone());
            let (definition, swapped) = (definition.clone(), swapped.clone());
            tokio::spawn(async move {
                let own: Vec<_> = log
                    .iter()
                    .filter(|event| event.event.subject_hash() % 2 == number)
                    .cloned()
                    .collect();
                let mut superseded = 0;
                'open: loop {
                    let reader = partition(number, 2);
                    let mut feed = Feed::open(&database.target, &definition, reader).await;
                    loop {
                        let done = feed.expected.unwrap_or(Position::ZERO);
                        let from = own.partition_point(|event| event.position <= done);
                        // The end is left until the swap is done: there is traffic during it.
                        let kept = if swapped.load(Ordering::SeqCst) {
                            0
                        } else {
                            60
                        };
                        let until = (from + 4).min(own.len() - kept.min(own.len()));
                        if from >= own.len() {
                            return superseded;
                        }
                        if from >= until {
                            tokio::task::yield_now().await;
                            continue;
                        }
                        match feed.apply(&own[from..until]).await {
                            Ok(_) => {}
                            Err(ApplyError::Superseded) => {
                                superseded += 1;
                                continue 'open;
                            }
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                }
            })
        })
        .collect();
    let target = &database.target;
    while target.look("sales").await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    let mut building = begin(target, &definition).await;
    for batch in log[..300].chunks(50) {
        building.apply(batch).await.unwrap();
    }
    let lock = target.lock_live("sales").await.unwrap();
    let checkpoints = lock.checkpoints().iter().map(|live| live.position);
    let highest = checkpoints
        .max()
        .unwrap_or(Position(300))
        .max(Position(300));
    let level = usize::try_from(highest.0).unwrap();
    if level > 300 {
        building.apply(&log[300..level]).await.unwrap();
    }
    let reached = building.at(&log[level - 1]);
    let live = lock.swap(&building.generation, &reached).await.unwrap();
    swapped.store(true, Ordering::SeqCst);
    assert_eq!((live.number, live.mode), (2, ReaderMode::Kafka));
    let mut superseded = 0;
    for owner in owners {
        superseded += owner.await.unwrap();
    }
    assert!(superseded >= 1, "somebody was at work");
    let rows = database.rows("select * from sales").await;
    let expected: Vec<_> = (0..5).map(|n| format!("(s{n},225.00,180)")).collect();
    assert_eq!(rows, expected);
    assert_eq!(database.account("sales", &log).await, [900, 0, 0]);
}

#[tokio::test]
async fn a_new_definition_takes_over_with_offsets_kept_and_the_old_one_is_superseded() {
    let database = Database::new().await;
    let target = &database.target;
    let log = log(100);
    let old = sales();
    let mut owner = Feed::open(target, &old, partition(0, 1)).await;
    owner.apply(&log[..80]).await.unwrap();
    let new = Sketch {
        hash: 2,
        ..Sketch::new("sales", &[("best", MONEY, Operator::Max, ".data.amount")])
    }
    .definition();
    let live = rebuild(target, &new, &log[..90]).await.unwrap();
    assert_eq!(live.definition_hash, [2; 32]);
    let late = owner.apply(&log[80..]).await;
    assert!(matches!(late, Err(ApplyError::Superseded)), "{late:?}");
    let refused = target.open(&old, ReaderMode::Kafka, Position::ZERO).await;
    assert!(matches!(refused, Err(OpenError::DefinitionChanged { .. })));

    let mut owner = Feed::open(target, &new, partition(0, 1)).await;
    assert_eq!(owner.expected, Some(Position(90)));
    let opened = target.look("sales").await.unwrap().unwrap();
    let kept = opened
        .checkpoints
        .iter()
        .find(|c| c.reader == partition(0, 1));
    assert_eq!(
        kept.unwrap().next_offset,
        Some(81),
        "read on from where it was"
    );
    assert_eq!(kept.unwrap().identity, Some(log[89].identity()));
    owner.apply(&log[90..]).await.unwrap();
    assert_eq!(database.account("sales", &log).await, [100, 0, 0]);
    let rows = database.rows("select * from sales").await;
    assert_eq!(rows.len(), 5);
    assert_eq!(rows[0], "(s0,1.25)");
    let left = database
        .rows("select distinct generation from dragoman_projection.readers")
        .await;
    assert_eq!(left, ["(2)"]);
}

#[tokio::test]
async fn what_is_beside_the_columns_comes_along_twice() {
    let database = Database::new().await;
    // Roles are of the whole cluster.
    let [reader, writer] =
        ["reader", "writer"].map(|role| format!("{role}_{}", uuid::Uuid::new_v4().simple()));
    database
        .run(&format!(
            "create role {reader}; create role {writer};
             create table sales (sku text primary key, revenue numeric(14,2), orders bigint,
                                 made date default current_date check (made is not null));
             create index on sales (revenue);
             grant select on sales to {reader};
             grant update (orders), insert on sales to {writer} with grant option;
             alter default privileges grant delete on tables to public"
        ))
        .await;
    let target = &database.target;
    let definition = sales();
    let log = log(20);
    let mut owner = Feed::open(target, &definition, partition(0, 1)).await;
    owner.apply(&log).await.unwrap();
    let describe = || async {
        let mut found = database
            .rows(
                "select relacl, (select array_agg(attname || ' ' || attacl::text) from pg_attribute
                                 where attrelid = pg_class.oid and attacl is not null)
                 from pg_class where relname = 'sales'",
            )
            .await;
        let indexes = "select indexname, indexdef from pg_indexes where tablename = 'sales'";
        found.extend(database.rows(indexes).await);
        let checks = "select conname, pg_get_constraintdef(oid) from pg_constraint
                      where conrelid = 'sales'::regclass";
        found.extend(database.rows(checks).await);
        found
    };
    let before = describe().await;
    assert!(before[0].contains(&format!("{reader}=r")), "{before:?}");
    for number in 2..=3 {
        let live = rebuild(target, &definition, &log).await.unwrap();
        assert_eq!(live.number, number);
        assert_eq!(describe().await, before);
    }
    let tables = "select relname from pg_class where relname like 'sales%' and relkind = 'r'";
    assert_eq!(database.rows(tables).await, ["(sales)"]);
    let drop = format!("drop owned by {reader}, {writer}; drop role {reader}; drop role {writer}");
    database.run(&drop).await;
}

#[tokio::test]
async fn what_would_be_lost_with_the_table_is_named_instead() {
    let database = Database::new().await;
    let target = &database.target;
    let definition = sales();
    let log = log(10);
    let mut owner = Feed::open(target, &definition, partition(0, 1)).await;
    owner.apply(&log).await.unwrap();
    let mut building = begin(target, &definition).await;
    building.apply(&log).await.unwrap();
    database
        .run("create view best as select * from sales where revenue > 2")
        .await;
    let lock = target.lock_live("sales").await.unwrap();
    let refused = lock.swap(&building.generation, &building.at(&log[9])).await;
    let error = refused.unwrap_err();
    assert!(matches!(error, TargetError::TableInUse { .. }), "{error:?}");
    assert!(error.to_string().contains("view public.best"), "{error}");
    let refused = target.begin_rebuild(&definition).await.unwrap_err();
    assert!(matches!(
        refused,
        OpenError::Target(TargetError::TableInUse { .. })
    ));
    let opened = target.look("sales").await.unwrap().unwrap();
    assert_eq!(opened.generation.number, 1, "nothing is changed");
    database
        .run("drop view best; create index mine on sales (revenue desc)")
        .await;
    let lock = target.lock_live("sales").await.unwrap();
    let refused = lock.swap(&building.generation, &building.at(&log[9])).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("index mine"), "{error}");
    database.run("drop index mine").await;
    let lock = target.lock_live("sales").await.unwrap();
    let swapped = lock.swap(&building.generation, &building.at(&log[9])).await;
    assert_eq!(swapped.unwrap().number, 2);
}

#[tokio::test]
async fn one_that_is_behind_or_not_the_last_cannot_be_swapped() {
    let database = Database::new().await;
    let target = &database.target;
    let definition = sales();
    let log = log(10);
    let mut owner = Feed::open(target, &definition, partition(0, 1)).await;
    owner.apply(&log).await.unwrap();
    let mut first = begin(target, &definition).await;
    first.apply(&log[..5]).await.unwrap();
    let lock = target.lock_live("sales").await.unwrap();
    let refused = lock.swap(&first.generation, &first.at(&log[4])).await;
    assert!(matches!(refused, Err(TargetError::NotLevel { .. })));

    let mut second = begin(target, &definition).await;
    let stale = first.apply(&log[5..]).await;
    assert!(matches!(stale, Err(ApplyError::Superseded)), "{stale:?}");
    let lock = target.lock_live("sales").await.unwrap();
    let refused = lock.swap(&first.generation, &first.at(&log[9])).await;
    assert!(matches!(refused, Err(TargetError::NotBuilding { .. })));
    let tables = "select relname from pg_class where relname like 'sales%' and relkind = 'r'";
    assert_eq!(database.rows(tables).await, ["(sales)", "(sales__g3)"]);

    // A lock that is dropped changes nothing, and lets everybody go on.
    drop(target.lock_live("sales").await.unwrap());
    second.apply(&log).await.unwrap();
    let more = sale(11, "a", "s0", "1");
    owner.apply(std::slice::from_ref(&more)).await.unwrap();
}

#[tokio::test]
async fn decisions_hold_for_the_rebuilt_table_and_its_parked_subjects_stay_parked() {
    let database = Database::new().await;
    let target = &database.target;
    let definition = sales();
    let mut log = log(20);
    log[3] = sale(4, "subject-4", "s4", r#""bad""#);
    log[5] = sale(6, "subject-6", "s1", r#""bad""#);
    let mut owner = Feed::open(target, &definition, partition(0, 1)).await;
    owner.apply(&log).await.unwrap();
    // 4, 11, 18 and 6, 13, 20 wait.
    assert_eq!(database.account("sales", &log).await, [14, 6, 0]);
    let mut building = begin(target, &definition).await;
    building.apply(&log).await.unwrap();
    target
        .skip("sales", "subject-4", false, "bad")
        .await
        .unwrap();
    assert_eq!(database.account("sales", &log).await, [14, 5, 1]);
    let lock = target.lock_live("sales").await.unwrap();
    let swapped = lock
        .swap(&building.generation, &building.at(&log[19]))
        .await;
    let live = swapped.unwrap();
    assert_eq!(database.account("sales", &log).await, [14, 5, 1]);
    let due = target.due(&live, &partition(0, 1), 10).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].0.subject, "subject-4");
    assert_eq!(due[0].1, [Position(11), Position(18)]);

    // Built again, what was decided is passed over from the start.
    rebuild(target, &definition, &log).await.unwrap();
    assert_eq!(database.account("sales", &log).await, [16, 3, 1]);
    let parked = target.parked("sales").await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].subject, "subject-6");
}

#[tokio::test]
async fn a_projection_without_kafka_goes_on_from_the_built_checkpoint() {
    let database = Database::new().await;
    let target = &database.target;
    let definition = sales();
    let log = log(30);
    let mut owner = Feed::open(target, &definition, Reader::Ledger).await;
    owner.apply(&log[..10]).await.unwrap();
    rebuild(target, &definition, &log[..20]).await.unwrap();
    let mut owner = Feed::open(target, &definition, Reader::Ledger).await;
    assert_eq!(owner.expected, Some(Position(20)));
    owner.apply(&log[20..]).await.unwrap();
    assert_eq!(database.account("sales", &log).await, [30, 0, 0]);
}
