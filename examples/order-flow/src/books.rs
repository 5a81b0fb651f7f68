//! The tables `stock` and `sales`: what they should hold, folded here from what was acknowledged, and
//! what they hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::{Connection, Row};
use stage::{StageError, connect, thousands};

use crate::orders::{OrderEvent, OrderKind};
use crate::warehouse::Receipt;

/// Rows by article; the columns in the order of the configuration.
type Rows<const COLUMNS: usize> = BTreeMap<String, [i64; COLUMNS]>;

/// Both tables. Money is in cents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Books {
    /// received, sold, on hand
    stock: Rows<3>,
    /// orders, pieces, revenue, largest
    sales: Rows<4>,
}

/// What a table should hold, what it holds, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableStanding {
    pub(crate) should: String,
    pub(crate) has: String,
    pub(crate) flaw: Option<String>,
}

impl Books {
    /// Folds what happened in the world, by rules of our own.
    pub(crate) fn fold(orders: &[Arc<OrderEvent>], receipts: &[Receipt]) -> Self {
        let mut books = Self::default();
        for event in orders {
            books.take_order(event);
        }
        for receipt in receipts {
            for (sku, quantity) in &receipt.lines {
                let [received, _, on_hand] = books.stock.entry((*sku).to_owned()).or_default();
                *received += quantity;
                *on_hand += quantity;
            }
        }
        books
    }

    fn take_order(&mut self, event: &OrderEvent) {
        let one = match event.kind {
            OrderKind::Placed => 1,
            OrderKind::Cancelled => -1,
        };
        for line in &event.lines {
            let [_, sold, on_hand] = self.stock.entry(line.sku.to_owned()).or_default();
            *sold += line.quantity;
            *on_hand -= line.quantity;
            let [orders, pieces, revenue, largest] = self
                .sales
                .entry(line.sku.to_owned())
                .or_insert([0, 0, 0, i64::MIN]);
            *orders += one;
            *pieces += line.quantity;
            *revenue += line.cents;
            *largest = line.cents.max(*largest);
        }
    }

    /// Reads the tables; one that is not made yet has no rows.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn read(analytics: &str) -> Result<Self, StageError> {
        let mut database = connect(analytics, None).await?;
        let missing: bool = sqlx::query_scalar(
            "select to_regclass('public.stock') is null or to_regclass('public.sales') is null",
        )
        .fetch_one(&mut database)
        .await
        .map_err(StageError::database("looking for the tables"))?;
        if missing {
            return Ok(Self::default());
        }
        let stock = sqlx::query("select sku, received, sold, on_hand from public.stock")
            .fetch_all(&mut database)
            .await
            .and_then(|rows| rows.iter().map(row_of).collect())
            .map_err(StageError::database("reading stock"))?;
        let sales = sqlx::query(
            "select sku, orders, pieces, (revenue * 100)::bigint, (largest * 100)::bigint from public.sales",
        )
        .fetch_all(&mut database)
        .await
        .and_then(|rows| rows.iter().map(row_of).collect())
        .map_err(StageError::database("reading sales"))?;
        database
            .close()
            .await
            .map_err(StageError::database("leaving the tables"))?;
        Ok(Self { stock, sales })
    }

    /// What `stock` holds, and what is wrong with it.
    pub(crate) fn stock(&self, should: &Self) -> TableStanding {
        TableStanding {
            should: stock_summary(&should.stock),
            has: stock_summary(&self.stock),
            flaw: difference(&should.stock, &self.stock),
        }
    }

    /// What `sales` holds, and what is wrong with it.
    pub(crate) fn sales(&self, should: &Self) -> TableStanding {
        TableStanding {
            should: sales_summary(&should.sales),
            has: sales_summary(&self.sales),
            flaw: difference(&should.sales, &self.sales),
        }
    }
}

fn row_of<const COLUMNS: usize>(
    row: &sqlx::postgres::PgRow,
) -> Result<(String, [i64; COLUMNS]), sqlx::Error> {
    let mut values = [0; COLUMNS];
    for (place, value) in values.iter_mut().enumerate() {
        *value = row.try_get(place + 1)?;
    }
    Ok((row.try_get(0)?, values))
}

fn stock_summary(rows: &Rows<3>) -> String {
    let on_hand: i64 = rows.values().map(|[_, _, on_hand]| on_hand).sum();
    format!(
        "{} articles, {} pieces on hand",
        rows.len(),
        signed(on_hand)
    )
}

fn sales_summary(rows: &Rows<4>) -> String {
    let pieces: i64 = rows.values().map(|[_, pieces, _, _]| pieces).sum();
    let revenue: i64 = rows.values().map(|[_, _, revenue, _]| revenue).sum();
    format!("{} pieces sold for {}", signed(pieces), euros(revenue))
}

/// Cents as euros, for people.
pub(crate) fn euros(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("€ {sign}{}.{:02}", thousands(cents / 100), cents % 100)
}

fn signed(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", thousands(number.unsigned_abs()))
}

/// The first article whose row is another, and how many there are.
fn difference<const COLUMNS: usize>(should: &Rows<COLUMNS>, has: &Rows<COLUMNS>) -> Option<String> {
    let names: std::collections::BTreeSet<&String> = should.keys().chain(has.keys()).collect();
    let mut different = names
        .into_iter()
        .filter(|name| should.get(*name) != has.get(*name));
    let first = different.next()?;
    Some(format!(
        "{first} and {} more rows differ",
        different.count()
    ))
}

#[cfg(test)]
mod tests {
    use super::{Books, difference};
    use crate::plan::{Plan, Step};

    #[test]
    fn a_cent_that_is_missing_is_seen() {
        let plan = Plan::new(200, 1);
        let orders: Vec<_> = plan
            .connections
            .iter()
            .flatten()
            .filter_map(|step| match step {
                Step::New(events) => Some(events.clone()),
                Step::Again(_) | Step::Altered(_) => None,
            })
            .flatten()
            .collect();
        let should = Books::fold(&orders, &[]);
        let mut has = should.clone();
        assert_eq!(difference(&should.sales, &has.sales), None);
        if let Some([_, _, revenue, _]) = has.sales.get_mut("kettle") {
            *revenue -= 1;
        }
        let seen = difference(&should.sales, &has.sales);
        assert_eq!(seen.as_deref(), Some("kettle and 0 more rows differ"));
        has.sales.remove("kettle");
        assert!(difference(&should.sales, &has.sales).is_some());
    }
}
