//! Exactly once, whoever believes to own a reader and whatever the wire loses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dragoman_core::Position;
use dragoman_projector::{ApplyError, Reader, ReaderMode, Target};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Database, Feed, partition, sale, sales};

#[tokio::test]
async fn a_zombie_that_expects_an_older_checkpoint_loses() {
    let database = Database::new().await;
    let definition = sales();
    let mut owner = Feed::open(&database.target, &definition, partition(0, 1)).await;
    let mut zombie = Feed::open(&database.target, &definition, partition(0, 1)).await;
    let log: Vec<_> = (1..=3).map(|n| sale(n, "a", "s", "1")).collect();
    owner.apply(&log[..1]).await.unwrap();
    let lost = zombie.apply(&log[..1]).await;
    assert!(matches!(lost, Err(ApplyError::LostOwnership)), "{lost:?}");
    owner.apply(&log[1..2]).await.unwrap();
    zombie.expected = Some(Position(1));
    let lost = zombie.apply(&log[1..]).await;
    assert!(matches!(lost, Err(ApplyError::LostOwnership)), "{lost:?}");
    zombie.expected = Some(Position(3));
    let lost = zombie.apply(&log[2..]).await;
    assert!(matches!(lost, Err(ApplyError::LostOwnership)), "{lost:?}");
    let rows = database.rows("select revenue, orders from sales").await;
    assert_eq!(rows, ["(2.00,2)"]);
    assert_eq!(database.account("sales", &log).await, [2, 0, 0]);
}

#[tokio::test]
async fn of_many_that_move_one_reader_at_once_one_wins_each_time() {
    let database = Database::new().await;
    let definition = sales();
    let log: Vec<_> = (1..=100).map(|n| sale(n, "a", "s", "1")).collect();
    let contend = || async {
        let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
        let mut won = 0;
        loop {
            let done = feed.expected.map_or(0, |position| position.0);
            let rest = &log[usize::try_from(done).unwrap()..];
            if rest.is_empty() {
                return won;
            }
            match feed.apply(&rest[..rest.len().min(7)]).await {
                Ok(applied) => won += applied.applied,
                Err(ApplyError::LostOwnership) => {
                    feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    let won = tokio::join!(contend(), contend(), contend());
    assert_eq!(won.0 + won.1 + won.2, 100);
    let rows = database.rows("select revenue, orders from sales").await;
    assert_eq!(rows, ["(100.00,100)"]);
}

#[tokio::test]
async fn a_lost_acknowledgement_is_found_out_and_nothing_happens_twice() {
    let database = Database::new().await;
    let definition = sales();
    let cut = Arc::new(AtomicBool::new(false));
    let address = losing_acknowledgements(&database.url, cut.clone()).await;
    let host = database.url.rsplit_once('@').unwrap().1;
    let host = host.split_once('/').unwrap().0;
    let target = Target::connect(&database.url.replace(host, &address), "test", 2).unwrap();
    let log: Vec<_> = (1..=2).map(|n| sale(n, "a", "s", "1")).collect();

    let mut feed = Feed::open(&target, &definition, partition(0, 1)).await;
    cut.store(true, Ordering::SeqCst);
    let lost = feed.apply(&log[..1]).await;
    let Err(ApplyError::Target(error)) = lost else {
        panic!("the reply was lost: {lost:?}")
    };
    assert!(error.is_unavailable(), "{error:?}");
    assert_eq!(database.account("sales", &log).await, [1, 0, 0]);

    let again = feed.apply(&log[..1]).await;
    assert!(matches!(again, Err(ApplyError::LostOwnership)), "{again:?}");
    let mut feed = Feed::open(&target, &definition, partition(0, 1)).await;
    assert_eq!(feed.expected, Some(Position(1)));
    feed.apply(&log[1..]).await.unwrap();
    let rows = database.rows("select revenue, orders from sales").await;
    assert_eq!(rows, ["(2.00,2)"]);
}

/// A wire to the database of `url` that is cut, once it was told to, after a commit was
/// done and before its reply arrives.
async fn losing_acknowledgements(url: &str, cut: Arc<AtomicBool>) -> String {
    let host = url.rsplit_once('@').unwrap().1.split_once('/').unwrap().0;
    let host = host.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&host).await.unwrap();
            tokio::spawn(carry(client, server, cut.clone()));
        }
    });
    address
}

async fn carry(client: TcpStream, server: TcpStream, cut: Arc<AtomicBool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut losing = false;
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = from_client.read(&mut up) => match read {
                Ok(length) if length > 0 => {
                    let commits = up[..length].windows(6).any(|word| word == b"COMMIT");
                    losing |= commits && cut.swap(false, Ordering::SeqCst);
                    to_server.write_all(&up[..length]).await.unwrap();
                }
                _ => return,
            },
            read = from_server.read(&mut down) => match read {
                Ok(length) if length > 0 && !losing => {
                    to_client.write_all(&down[..length]).await.unwrap();
                }
                _ => return,
            },
        }
    }
}

#[tokio::test]
async fn a_reader_of_another_mode_is_superseded() {
    let database = Database::new().await;
    let definition = sales();
    let mut by_kafka = Feed::open(&database.target, &definition, partition(0, 1)).await;
    let mut by_ledger = Feed::open(&database.target, &definition, Reader::Ledger).await;
    assert_eq!(by_ledger.generation.mode, ReaderMode::Ledger);
    let log = [sale(1, "a", "s", "1"), sale(2, "a", "s", "1")];
    let late = by_kafka.apply(&log).await;
    assert!(matches!(late, Err(ApplyError::Superseded)), "{late:?}");
    by_ledger.apply(&log).await.unwrap();
    assert_eq!(database.account("sales", &log).await, [2, 0, 0]);
}

#[tokio::test]
async fn a_step_without_events_moves_the_checkpoint_and_one_without_way_the_offset() {
    let database = Database::new().await;
    let definition = sales();
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    let log = [sale(1, "a", "s", "1")];
    feed.apply(&log).await.unwrap();
    for (position, offset) in [(9, 4), (9, 6), (12, 7)] {
        let mut reached = feed.at(&sale(position, "other", "s", "1"));
        reached.next_offset = Some(offset);
        let step = dragoman_projector::Step {
            reached,
            expected: feed.expected,
            events: &[],
        };
        let applied = database.target.apply(
            &definition,
            definition.effect.in_database().unwrap(),
            &feed.generation,
            step,
            &mut feed.cache,
        );
        let checkpoint = applied.await.unwrap().checkpoint;
        feed.expected = Some(checkpoint.position);
        let looked = database.target.look("sales").await.unwrap().unwrap();
        assert_eq!(looked.checkpoints, [checkpoint]);
        assert_eq!(looked.checkpoints[0].next_offset, Some(offset));
        assert_eq!(looked.checkpoints[0].applied, 1);
    }
}

#[tokio::test]
async fn old_checkpoints_are_pruned_and_the_newest_stays() {
    let database = Database::new().await;
    let definition = sales();
    let log: Vec<_> = (1..=70).map(|n| sale(n, "a", "s", "1")).collect();
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    for event in &log[..60] {
        feed.apply(std::slice::from_ref(event)).await.unwrap();
    }
    database
        .run("update dragoman_projection.checkpoints set recorded_at = now() - interval '2 min'")
        .await;
    for event in &log[60..] {
        feed.apply(std::slice::from_ref(event)).await.unwrap();
    }
    let left = database
        .rows("select position from dragoman_projection.checkpoints")
        .await;
    assert!(left.len() < 20, "{}", left.len());
    assert_eq!(database.account("sales", &log).await, [70, 0, 0]);
}

#[tokio::test]
async fn two_readers_that_share_rows_in_opposite_orders_do_not_lock_each_other_out() {
    let database = Database::new().await;
    // Slow enough that the two are at it at the same time.
    database
        .run(
            "create table sales (sku text primary key, revenue numeric(14,2), orders bigint);
             create function dawdle() returns trigger language plpgsql as
                 $$ begin perform pg_sleep(0.005); return new; end $$;
             create trigger dawdle before insert on sales for each row execute function dawdle()",
        )
        .await;
    let definition = sales();
    let run = |number: i32| {
        let (database, definition) = (&database, &definition);
        async move {
            let reader = partition(number, 2);
            let mut feed = Feed::open(&database.target, definition, reader).await;
            for round in 0..4_i64 {
                let mut skus: Vec<i64> = (0..20).collect();
                if number == 1 {
                    skus.reverse();
                }
                let events: Vec<_> = (1..)
                    .zip(skus)
                    .map(|(n, sku)| sale(round * 20 + n, "a", &format!("s{sku}"), "0.5"))
                    .collect();
                feed.apply(&events).await.unwrap();
            }
        }
    };
    tokio::join!(run(0), run(1));
    let rows = database
        .rows("select distinct revenue, orders from sales")
        .await;
    assert_eq!(rows, ["(4.00,8)"]);
}
