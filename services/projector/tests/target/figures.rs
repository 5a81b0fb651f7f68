//! What applying costs beside the bare upsert of the same rows, roughly; no gate. Run with
//! `cargo test --profile quick -p dragoman-projector --test target -- --ignored --nocapture`.

use std::time::Instant;

use sqlx::Connection as _;

use crate::support::{Database, Feed, partition, sale, sales};

const BATCH: usize = 1_000;
const BATCHES: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "figures, not a gate"]
async fn sixty_batches_of_a_thousand() {
    let log: Vec<_> = (1..=i64::try_from(BATCH * BATCHES).unwrap())
        .map(|n| {
            let sku = format!("sku-{}", (n * 7_919) % 50_000);
            sale(n, &format!("order-{n}"), &sku, "12.34")
        })
        .collect();
    let definition = sales();
    for round in 0..3 {
        let database = Database::new().await;
        let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
        let started = Instant::now();
        for batch in log.chunks(BATCH) {
            feed.apply(batch).await.unwrap();
        }
        report(round, "apply", started);

        let database = Database::new().await;
        database
            .run(
                "create table sales (sku text primary key, revenue numeric(14,2), orders bigint);
                 create table checkpoints (position bigint primary key)",
            )
            .await;
        let mut session = database.session().await;
        let started = Instant::now();
        for (number, batch) in (0_i64..).zip(log.chunks(BATCH)) {
            bare(&mut session, batch, number).await;
        }
        report(round, "bare upsert", started);
    }
}

async fn bare(
    session: &mut sqlx::PgConnection,
    batch: &[dragoman_core::RecordedEvent],
    number: i64,
) {
    let mut skus: Vec<String> = batch
        .iter()
        .map(|event| format!("sku-{}", (event.position.0 * 7_919) % 50_000))
        .collect();
    skus.sort_unstable();
    skus.dedup();
    let amounts = vec!["12.34"; skus.len()];
    let ones = vec![1_i64; skus.len()];
    let mut transaction = session.begin().await.unwrap();
    sqlx::query(
        "insert into sales as t (sku, revenue, orders)
         select sku, revenue::numeric, orders
         from unnest($1::text[], $2::text[], $3::bigint[]) v (sku, revenue, orders)
         on conflict (sku) do update
            set revenue = t.revenue + excluded.revenue, orders = t.orders + excluded.orders",
    )
    .bind(skus)
    .bind(amounts)
    .bind(ones)
    .execute(&mut *transaction)
    .await
    .unwrap();
    sqlx::query("insert into checkpoints values ($1)")
        .bind(number)
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

#[allow(clippy::print_stderr, clippy::cast_precision_loss)]
fn report(round: usize, what: &str, started: Instant) {
    let events = (BATCH * BATCHES) as f64;
    let micros = started.elapsed().as_secs_f64() * 1e6 / events;
    eprintln!("{round}: {what}: {micros:.2} µs per event");
}
