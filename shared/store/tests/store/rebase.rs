//! The log in another cluster: positions stay, and sealing goes on.
//!
//! The other cluster is played by moving every transaction id far up and naming a
//! system identifier that is not this one: what a dump of an old, busy cluster
//! restored into a young one looks like.

use std::time::Duration;

use dragoman_core::Position;
use dragoman_store::{RebaseError, RebaseOutcome, SealError, SealOutcome};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection};

use crate::hub::Hub;

impl Hub {
    /// Seals until there is nothing left.
    async fn seal_all(&self) -> Result<(), SealError> {
        let ttl = Duration::from_secs(30);
        let lease = self
            .store
            .acquire_lease("relay", "test", ttl)
            .await
            .unwrap();
        let lease = lease.expect("nobody holds it");
        let result = loop {
            let tip = self.store.ledger_tip().await.unwrap();
            match self.store.seal(&lease, 3, &tip).await {
                Ok(SealOutcome::Sealed(_)) => {}
                Ok(SealOutcome::Idle) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.store.release_lease(&lease).await.unwrap();
        result
    }

    async fn ids(&self) -> Vec<String> {
        let events = self.store.read_after(Position::ZERO, 1000).await.unwrap();
        for (index, event) in events.iter().enumerate() {
            assert_eq!(event.position.0, index as i64 + 1, "dense from 1");
        }
        events.into_iter().map(|event| event.event.id).collect()
    }
}

async fn insert(session: &mut PgConnection, id: &str) {
    session
        .execute(AssertSqlSafe(format!(
            "with key as (insert into dragoman.event_keys (source, id, content_hash)
                          values ('/test', '{id}', ''))
             insert into dragoman.events
                 (id, source, type, subject, subject_hash, time, adapter, content_type, data)
             values ('{id}', '/test', 'thing.happened', 's', dragoman.subject_hash('s'), now(),
                     'api', 'application/json', '{{}}')"
        )))
        .await
        .unwrap();
}

/// Makes every id one of an older, busier cluster.
async fn move_to_another_cluster(session: &mut PgConnection) {
    session
        .execute(
            "alter table dragoman.events disable trigger append_only;
             alter table dragoman.ledger disable trigger append_only;
             update dragoman.events set xid = (xid::text::bigint + 1000000000)::text::xid8;
             update dragoman.event_keys set xid = (xid::text::bigint + 1000000000)::text::xid8;
             update dragoman.ledger
             set system_identifier = system_identifier - 1,
                 snapshot = ((pg_snapshot_xmin(snapshot)::text::bigint + 1000000000) || ':'
                          || (pg_snapshot_xmax(snapshot)::text::bigint + 1000000000) || ':'
                          || coalesce((select string_agg((xip::text::bigint + 1000000000)::text, ',' order by xip)
                                       from pg_snapshot_xip(snapshot) as xip), ''))::pg_snapshot;
             alter table dragoman.events enable trigger append_only;
             alter table dragoman.ledger enable trigger append_only;",
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn sealed_events_keep_their_position_and_sealing_goes_on() {
    let hub = Hub::new().await;
    let (mut slow, mut quick) = (hub.session().await, hub.session().await);
    // Late events, sealed in parts, and one that is late and not sealed at the dump.
    slow.execute("begin").await.unwrap();
    for number in 0..5 {
        insert(&mut slow, &format!("late-{number}")).await;
    }
    for number in 0..4 {
        insert(&mut quick, &format!("before-{number}")).await;
    }
    hub.seal_all().await.unwrap();
    slow.execute("commit").await.unwrap();
    insert(&mut quick, "after-0").await;
    hub.seal_all().await.unwrap();
    slow.execute("begin").await.unwrap();
    insert(&mut slow, "unsealed-late").await;
    insert(&mut quick, "after-1").await;
    hub.seal_all().await.unwrap();
    slow.execute("commit").await.unwrap();
    insert(&mut quick, "unsealed-next").await;
    let before = hub.ids().await;
    assert_eq!(before.len(), 11);

    move_to_another_cluster(&mut quick).await;
    assert!(matches!(
        hub.seal_all().await,
        Err(SealError::ForeignCluster { .. })
    ));
    assert_eq!(
        hub.store.rebase().await.unwrap(),
        RebaseOutcome::Rebased {
            kept: 11,
            sealed: 2
        }
    );
    let after = hub.ids().await;
    assert_eq!(after[..11], before[..]);
    assert_eq!(after[11..], ["unsealed-late", "unsealed-next"]);
    assert_eq!(hub.store.head().await.unwrap(), Position(13));

    // Nothing old looks late to the new cluster, and what comes is sealed once.
    hub.seal_all().await.unwrap();
    assert_eq!(hub.ids().await.len(), 13);
    slow.execute("begin").await.unwrap();
    insert(&mut slow, "new-late").await;
    insert(&mut quick, "new").await;
    hub.seal_all().await.unwrap();
    slow.execute("commit").await.unwrap();
    hub.seal_all().await.unwrap();
    assert_eq!(hub.ids().await[13..], ["new", "new-late"]);
    assert_eq!(
        hub.store.find_events(None, "late-0").await.unwrap().len(),
        1
    );
    assert_eq!(hub.store.rebase().await.unwrap(), RebaseOutcome::NotNeeded);
    let refused = quick.execute("update dragoman.events set id = 'x'").await;
    assert!(refused.is_err(), "the log is append-only again");
}

#[tokio::test]
async fn a_hub_that_still_runs_is_not_waited_for() {
    let hub = Hub::new().await;
    let mut session = hub.session().await;
    insert(&mut session, "one").await;
    move_to_another_cluster(&mut session).await;
    session.execute("begin").await.unwrap();
    insert(&mut session, "two").await;
    assert!(matches!(hub.store.rebase().await, Err(RebaseError::InUse)));
}

#[tokio::test]
async fn an_empty_log_is_taken_over_too() {
    let hub = Hub::new().await;
    let mut session = hub.session().await;
    move_to_another_cluster(&mut session).await;
    assert_eq!(
        hub.store.rebase().await.unwrap(),
        RebaseOutcome::Rebased { kept: 0, sealed: 0 }
    );
    insert(&mut session, "first").await;
    hub.seal_all().await.unwrap();
    assert_eq!(hub.ids().await, ["first"]);
}
