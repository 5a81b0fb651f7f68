//! The warehouse: a service that publishes stock receipts by SQL, inside the
//! transactions in which it writes them down for itself.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use stage::{StageError, connect};

use crate::counters::Counters;
use crate::goods::GOODS;

/// Who the warehouse is to the hub.
pub(crate) const SOURCE: &str = "/warehouse";
/// How many receipts it writes.
const RECEIPTS: u32 = 600;
/// Every so many is rolled back, after it was published.
const ROLLED_BACK: u32 = 7;
/// Every so many is published a second time, in a transaction of its own.
const REPEATED: u32 = 11;

/// The warehouse's access to the hub's database: a role of its own.
#[derive(Debug, Clone)]
pub(crate) struct Warehouse {
    pub(crate) database: String,
    pub(crate) role: String,
    pub(crate) password: String,
    /// How many orders there will be: it works as long as they come.
    pub(crate) orders: u64,
}

/// Goods that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    number: String,
    pub(crate) lines: Vec<(&'static str, i64)>,
}

/// What the warehouse has done.
#[derive(Debug, Default)]
pub(crate) struct WarehouseTally {
    pub(crate) committed: Vec<Receipt>,
    pub(crate) rolled_back: u64,
    pub(crate) repeated: u64,
}

impl Warehouse {
    /// Makes the warehouse's own table. `owner`: a URL of a superuser.
    ///
    /// # Errors
    /// When the database refuses it.
    pub(crate) async fn move_in(&self) -> Result<(), StageError> {
        let mut database = connect(&self.database, None).await?;
        let statement = format!(
            r#"create schema warehouse authorization "{role}";
               create table warehouse.receipts (number text primary key, lines jsonb not null);
               alter table warehouse.receipts owner to "{role}""#,
            role = self.role
        );
        database
            .execute(sqlx::raw_sql(AssertSqlSafe(statement)))
            .await
            .map_err(StageError::database("making the warehouse's table"))?;
        Ok(())
    }

    /// Works: one delivery after the other, and beside them one that takes long to count.
    ///
    /// # Errors
    /// When a transaction fails that should not.
    pub(crate) async fn run(&self, counters: &Arc<Counters>) -> Result<WarehouseTally, StageError> {
        let (tally, slow) = tokio::try_join!(self.receive(counters), self.count_slowly(counters))?;
        let mut all = tally;
        all.committed.push(slow);
        Ok(all)
    }

    async fn receive(&self, counters: &Counters) -> Result<WarehouseTally, StageError> {
        let mut random = StdRng::seed_from_u64(1);
        let mut database = self.log_in().await?;
        let mut tally = WarehouseTally::default();
        for number in 1..=RECEIPTS {
            let due = self.orders * u64::from(number - 1) / u64::from(RECEIPTS);
            counters.charges.reach(due).await;
            let receipt = Receipt::random(format!("receipt-{number:05}"), &mut random);
            let mut transaction = database.begin().await.map_err(failed("beginning"))?;
            write_down(&mut transaction, &receipt).await?;
            publish(&mut transaction, &receipt).await?;
            if number % ROLLED_BACK == 0 {
                transaction
                    .rollback()
                    .await
                    .map_err(failed("rolling back"))?;
                tally.rolled_back += 1;
                continue;
            }
            transaction.commit().await.map_err(failed("committing"))?;
            counters.receipts.add(1);
            if number % REPEATED == 0 {
                publish(&mut database, &receipt).await?;
                tally.repeated += 1;
            }
            tally.committed.push(receipt);
        }
        Ok(tally)
    }

    /// A transaction that stays open most of the time: nobody has to wait for it.
    async fn count_slowly(&self, counters: &Counters) -> Result<Receipt, StageError> {
        let mut database = self.log_in().await?;
        let receipt = Receipt::random("receipt-slow".to_owned(), &mut StdRng::seed_from_u64(2));
        let mut transaction = database.begin().await.map_err(failed("beginning"))?;
        publish(&mut transaction, &receipt).await?;
        counters.charges.reach(self.orders * 4 / 5).await;
        write_down(&mut transaction, &receipt).await?;
        transaction.commit().await.map_err(failed("committing"))?;
        counters.receipts.add(1);
        Ok(receipt)
    }

    /// How many receipts the warehouse's own table has.
    ///
    /// # Errors
    /// When the database does not say.
    pub(crate) async fn receipts(&self) -> Result<u64, StageError> {
        let count: i64 = sqlx::query_scalar("select count(*) from warehouse.receipts")
            .fetch_one(&mut self.log_in().await?)
            .await
            .map_err(failed("counting receipts"))?;
        Ok(count.unsigned_abs())
    }

    async fn log_in(&self) -> Result<PgConnection, StageError> {
        connect(&self.database, Some((&self.role, &self.password))).await
    }
}

impl Receipt {
    fn random(number: String, random: &mut StdRng) -> Self {
        let mut goods = GOODS;
        let (some, _) = goods.partial_shuffle(random, 4);
        let lines = some
            .iter()
            .map(|article| (article.sku, random.random_range(20..=200)))
            .collect();
        Self { number, lines }
    }

    fn data(&self) -> String {
        let lines: Vec<String> = self
            .lines
            .iter()
            .map(|(sku, quantity)| format!(r#"{{"sku":"{sku}","quantity":{quantity}}}"#))
            .collect();
        format!(r#"{{"lines":[{}]}}"#, lines.join(","))
    }
}

/// The warehouse's own business.
async fn write_down(database: &mut PgConnection, receipt: &Receipt) -> Result<(), StageError> {
    sqlx::query("insert into warehouse.receipts (number, lines) values ($1, $2::jsonb)")
        .bind(&receipt.number)
        .bind(receipt.data())
        .execute(database)
        .await
        .map_err(failed("writing the receipt down"))?;
    Ok(())
}

/// All that it takes to tell the world, in the same transaction.
async fn publish(database: &mut PgConnection, receipt: &Receipt) -> Result<(), StageError> {
    sqlx::query("select dragoman.publish('stock.received', $1, $2::jsonb, id => $1)")
        .bind(&receipt.number)
        .bind(receipt.data())
        .execute(database)
        .await
        .map_err(failed("publishing the receipt"))?;
    Ok(())
}

fn failed(doing: &str) -> impl FnOnce(sqlx::Error) -> StageError {
    StageError::database(format!("warehouse: {doing}"))
}
