//! One leader per name, by a row with an epoch.

use std::time::{Duration, Instant};

use crate::{Store, StoreError};

/// A lease as it is held. Time is the database's; the deadline is this process's
/// monotonic clock, counted from before the request, so it never ends later than
/// the lease does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What is led.
    pub name: String,
    /// Who holds it.
    pub holder: String,
    /// Fences whoever held it before: one higher at each taking.
    pub epoch: i64,
    /// How long it lasts without being renewed.
    pub ttl: Duration,
    /// Until when it may be relied on.
    pub deadline: Instant,
}

impl Store {
    /// Takes a lease that nobody holds or that has run out. `None` when somebody
    /// else holds it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let asked = Instant::now();
        let epoch: Option<i64> = sqlx::query_scalar(
            "insert into dragoman.leases as held (name, holder, epoch, expires_at)
             values ($1, $2, 1, clock_timestamp() + $3 * interval '1 second')
             on conflict (name) do update
                set holder = excluded.holder, epoch = held.epoch + 1, expires_at = excluded.expires_at
                where held.expires_at <= clock_timestamp()
             returning epoch",
        )
        .bind(name)
        .bind(holder)
        .bind(ttl.as_secs_f64())
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::during("taking a lease"))?;
        Ok(epoch.map(|epoch| Lease {
            name: name.to_owned(),
            holder: holder.to_owned(),
            epoch,
            ttl,
            deadline: asked + ttl,
        }))
    }

    /// Makes a lease last its whole time again. `None` when it ran out or was taken:
    /// whoever held it stands down.
    ///
    /// # Errors
    /// When the database does not answer; the lease lasts until its deadline.
    pub async fn renew_lease(&self, lease: &Lease) -> Result<Option<Lease>, StoreError> {
        let asked = Instant::now();
        let renewed = sqlx::query(
            "update dragoman.leases set expires_at = clock_timestamp() + $3 * interval '1 second'
             where name = $1 and epoch = $2 and expires_at > clock_timestamp()",
        )
        .bind(&lease.name)
        .bind(lease.epoch)
        .bind(lease.ttl.as_secs_f64())
        .execute(&self.pool)
        .await
        .map_err(StoreError::during("renewing a lease"))?;
        Ok((renewed.rows_affected() == 1).then(|| Lease {
            deadline: asked + lease.ttl,
            ..lease.clone()
        }))
    }

    /// Gives a lease back, so that nobody has to wait for its end.
    ///
    /// # Errors
    /// When the database does not answer; the lease then runs out by itself.
    pub async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        sqlx::query(
            "update dragoman.leases set expires_at = clock_timestamp()
             where name = $1 and epoch = $2",
        )
        .bind(&lease.name)
        .bind(lease.epoch)
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(StoreError::during("giving a lease back"))
    }
}
