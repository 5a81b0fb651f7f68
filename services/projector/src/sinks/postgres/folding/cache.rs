//! Rows as a reader left them lately.
//!
//! A reader that folds many events into few rows would read each of them again and again,
//! and lock it, though nobody else writes them as a rule. What it left is therefore kept,
//! with the version that the row has since ([`Version`]), and a step that folds into a kept
//! row writes it only if that version is still there: optimistic concurrency control (Kung
//! and Robinson, 1981). If it is not, the step is done again with what the table holds.

use indexmap::IndexMap;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use super::super::value::Value;
use super::held::HeldRow;
use crate::bookkeeping::place::Place;

/// What the rows of one cache may take, in bytes, more or less.
const LIMIT: usize = 4 << 20;

/// For how many steps nothing is kept after a row had moved, or could not be known:
/// whoever shares rows with others gains nothing, and loses the step that is done twice.
const PAUSE: u32 = 64;

/// The transaction that wrote a row last, `xmin`.
///
/// A step writes a row once and nothing of a plain table changes behind it, so there is one
/// row of a key and a version. The number comes again after 2³² transactions; a cache that
/// lived as long without touching the row would not notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version(u32);

impl Version {
    /// As it travels: an `integer` of the same bits, which `=` compares with an `xid`.
    pub(super) const fn bits(self) -> i32 {
        self.0.cast_signed()
    }
}

/// Rows as the committed steps of one reader left them, up to some megabytes of those that
/// were touched last. What is not there is read; nothing depends on what is.
///
/// It is good for one generation of one projection. After a step that failed it is empty:
/// what would have become of its rows is not known.
#[derive(Debug, Default)]
pub struct RowCache {
    pub(super) rows: IndexMap<Vec<Value>, HeldRow>,
    /// What the rows take, in bytes.
    size: usize,
    /// Counts the steps.
    pub(super) step: u64,
    /// How many steps go by until rows are kept.
    pause: u32,
    /// The table as it was first written to.
    shape: Option<String>,
}

impl RowCache {
    /// All of it, for a step that may fail; what stays has no rows.
    pub(crate) fn take(&mut self) -> Self {
        let without = Self {
            pause: self.pause,
            shape: self.shape.clone(),
            ..Self::default()
        };
        std::mem::replace(self, without)
    }

    /// Keeps nothing of what a step left.
    pub(super) fn forget(&mut self) {
        self.rows.clear();
        self.size = 0;
    }

    /// Keeps nothing for a while.
    pub(crate) fn keep_off(&mut self) {
        self.forget();
        self.pause = PAUSE;
    }

    /// Whether the table is such that its rows can be known from what was written to them.
    pub(super) fn can_know(&mut self, table: &WrittenTable) -> bool {
        let shape = self.shape.get_or_insert_with(|| table.shape.clone());
        table.plain && *shape == table.shape
    }

    /// Keeps what a step left in the rows that it touched, if it commits.
    pub(super) fn keep(&mut self, touched: Vec<usize>, written: Version) {
        let mut unknown = Vec::new();
        for number in touched {
            let Some((key, row)) = self.rows.get_index_mut(number) else {
                continue;
            };
            self.size -= row.size;
            row.size = size_of_row(key, row);
            self.size += row.size;
            if !row.leave(written) {
                unknown.push(number);
            }
        }
        // From the last to the first: the last row takes the place of one that goes.
        unknown.sort_unstable_by(|one, other| other.cmp(one));
        for number in unknown {
            if let Some((_, row)) = self.rows.swap_remove_index(number) {
                self.size -= row.size;
            }
        }
        while self.size > LIMIT {
            self.drop_half();
        }
    }

    /// Drops the half of the rows that was not touched for longest, at least.
    fn drop_half(&mut self) {
        let mut steps: Vec<u64> = self.rows.values().map(|row| row.touched).collect();
        steps.sort_unstable();
        let median = steps.get(steps.len() / 2).copied();
        self.rows.retain(|_, row| Some(row.touched) > median);
        self.size = self.rows.values().map(|row| row.size).sum();
    }

    /// Counts a step; true if it is to keep rows.
    pub(super) const fn count_step(&mut self) -> bool {
        self.pause = self.pause.saturating_sub(1);
        self.pause == 0
    }
}

/// What a row takes in memory, more or less.
fn size_of_row(key: &[Value], row: &HeldRow) -> usize {
    let values = row.now.iter().flatten().flatten();
    let values = key.iter().chain(values).map(size_of_value);
    size_of::<(Vec<Value>, HeldRow)>() + values.sum::<usize>()
}

fn size_of_value(value: &Value) -> usize {
    let beside = match value {
        Value::Text(text) | Value::Json(text) => text.capacity(),
        // A few characters can stand for many digits.
        Value::Numeric(number) => {
            let bits = number.as_bigint_and_scale().0.bits();
            usize::try_from(bits / 8).unwrap_or(LIMIT)
        }
        _ => 0,
    };
    size_of::<Value>() + beside
}

/// A table that a transaction has written to.
#[derive(Debug)]
pub(super) struct WrittenTable {
    /// What the rows have that it wrote.
    pub(super) version: Version,
    /// Whether nothing leaves something else in a row than what was written, or hides it:
    /// no partition, trigger, foreign key, rule or policy.
    plain: bool,
    /// Another one after every change of its columns, which may change rows without a trace.
    shape: String,
}

impl WrittenTable {
    /// Looks at it. To be done last: what was written to cannot be altered before the commit.
    pub(super) async fn look(
        connection: &mut PgConnection,
        table: &Place,
    ) -> Result<Self, sqlx::Error> {
        let row: PgRow = sqlx::query(
            "select pg_current_xact_id()::xid::text::bigint as version,
                    relkind = 'r' and not (relhastriggers or relhasrules or relrowsecurity) as plain,
                    (select relation.oid || ':' || string_agg(attribute.xmin::text, ' ' order by attnum)
                     from pg_attribute as attribute
                     where attrelid = relation.oid and attnum > 0) as shape
             from pg_class as relation where oid = $1::text::regclass",
        )
        .bind(table.to_string())
        .fetch_one(connection)
        .await?;
        let version: i64 = row.try_get("version")?;
        Ok(Self {
            version: Version(u32::try_from(version).unwrap_or_default()),
            plain: row.try_get("plain")?,
            shape: row.try_get("shape")?,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::super::value::Value;
    use super::super::held::HeldRow;
    use super::super::keyed::KeyedRows;
    use super::{LIMIT, RowCache, Version};

    fn step(cache: &mut RowCache, keys: &[String], bytes: usize) {
        let keys: Vec<_> = keys.iter().map(|key| [Value::Text(key.clone())]).collect();
        let (mut rows, numbers) = KeyedRows::of(cache, keys.iter().map(<[Value; 1]>::as_slice));
        for number in numbers {
            let text = Value::Text("x".repeat(bytes));
            let row = rows.row(number).unwrap();
            row.become_known(HeldRow::read(vec![Some(text)]));
            row.changed = true;
        }
        rows.keep(Version(7));
    }

    fn knows(cache: &RowCache, key: &str) -> bool {
        cache
            .rows
            .contains_key([Value::Text(key.to_owned())].as_slice())
    }

    #[test]
    fn it_stays_within_its_limit_and_keeps_what_is_touched_again() {
        let mut cache = RowCache::default();
        let bytes = LIMIT / 100;
        for number in 0..1_000 {
            let keys = ["again".to_owned(), number.to_string()];
            step(&mut cache, &keys, bytes);
            let size: usize = cache.rows.values().map(|row| row.size).sum();
            assert_eq!(cache.size, size);
            assert!(size <= LIMIT && knows(&cache, "again"), "{number}: {size}");
        }
        assert!(cache.rows.len() > 10);
        step(&mut cache, &["large".to_owned()], 2 * LIMIT);
        assert_eq!((cache.rows.len(), cache.size), (0, 0));
    }

    #[test]
    fn what_could_not_be_known_is_not_kept_for_a_while() {
        let mut cache = RowCache::default();
        step(&mut cache, &["a".to_owned()], 1);
        let taken = cache.take();
        assert!(knows(&taken, "a") && !knows(&cache, "a"));
        cache.keep_off();
        let steps = (0..1_000).take_while(|_| !cache.count_step()).count();
        assert!((10..200).contains(&steps), "{steps}");
    }
}
