//! The run from its beginning to the account.

use std::sync::Arc;
use std::time::Duration;

use stage::{Deadline, StageError, thousands};
use tokio::time::sleep;

use crate::books::Books;
use crate::counters::Counters;
use crate::house::House;
use crate::judge::Judge;
use crate::options::Options;
use crate::screen::{Progress, Screen};
use crate::services::Services;
use crate::status::Status;
use crate::team::Team;

/// How often everybody is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long it may take until everybody has everything, in seconds.
const LEVEL: u64 = 90;
/// How long a killed service is away.
const AWAY: Duration = Duration::from_secs(2);

/// Plays it, and says whether everything balances.
///
/// # Errors
/// When it cannot be played to the end.
pub(crate) async fn play(
    house: &House,
    options: &Options,
    screen: &mut Screen,
) -> Result<bool, StageError> {
    screen.say(&house.hub.run(&["check"]).await?);
    house.hub.run(&["migrate"]).await?;
    let services = Services::start(&house.hub)?;
    house.ready().await?;
    let shop = house.shop().await?;
    let warehouse = house.warehouse().await?;
    let code_host = house.code_host();
    let counters = Arc::new(Counters::default());
    let team = options.kafka.clone().map(|brokers| {
        let topic = format!("{}orders", options.topic_prefix);
        Team::start(brokers, topic, Arc::clone(&counters))
    });
    screen.say(&format!(
        "The hub runs: relay, ingest, two projections. A shop sends {} orders and cancellations, a warehouse \
         publishes receipts by SQL, a source host sends webhooks.",
        thousands(options.orders.into())
    ));
    screen.open();
    let watch = Watch {
        house,
        services: &services,
        counters: &counters,
        orders: options.orders.into(),
        with_kafka: options.kafka.is_some(),
    };
    let world = async {
        tokio::try_join!(
            shop.run(&counters),
            warehouse.run(&counters),
            code_host.run(&counters),
            trouble(&watch, screen),
        )
    };
    let (shop, stock, code, ()) = tokio::select! {
        tallies = world => tallies?,
        failed = watch.forever(screen) => return Err(failed),
    };
    screen.say("All is sent. Waiting until every system has it.");
    let judge = Judge::new(house, (shop, stock, code), warehouse, team);
    let balanced = settle(&judge, &watch, screen).await?;
    let rebuilt = balanced && rebuild(&judge, screen).await?;
    services.stop().await?;
    Ok(balanced && rebuilt)
}

/// Kills a part of the hub when a sixth of the orders is in, and another after five sixths: a
/// relay is back when the lease of the killed one has run out, and the second is to be killed at work.
async fn trouble(watch: &Watch<'_>, screen: &Screen) -> Result<(), StageError> {
    for (part, service) in [(1, "run relay"), (5, "run projection sales")] {
        while watch.counters.orders.get() < watch.orders * part / 6 {
            sleep(LOOK / 10).await;
        }
        screen.say(&format!("kill -9 `dragoman {service}`"));
        watch.services.kill_and_start(service, AWAY).await?;
        screen.say(&format!("`dragoman {service}` is started again"));
    }
    Ok(())
}

/// Waits until the account balances, or too long, and prints it.
async fn settle(
    judge: &Judge<'_>,
    watch: &Watch<'_>,
    screen: &mut Screen,
) -> Result<bool, StageError> {
    let deadline = Deadline::within(LEVEL);
    let account = loop {
        let status = watch.look(screen).await?;
        let account = judge.account(&status).await?;
        if account.balances() || deadline.is_over() {
            break account;
        }
        sleep(LOOK / 2).await;
    };
    screen.close();
    screen.say("The account:");
    stage::line(&account.to_string());
    Ok(account.balances())
}

/// Folds the log into `sales` once more, beside the live table, and compares.
async fn rebuild(judge: &Judge<'_>, screen: &Screen) -> Result<bool, StageError> {
    screen.say("dragoman rebuild sales");
    let before = Books::read(&judge.house.analytics).await?;
    judge.house.hub.run(&["rebuild", "sales"]).await?;
    let account = judge.rebuilt(&before).await?;
    stage::line(&account.to_string());
    // Exits with 3 when the hub's own account does not balance.
    judge.house.hub.run(&["status"]).await?;
    Ok(account.balances())
}

/// Whoever looks at everybody once a second.
struct Watch<'a> {
    house: &'a House,
    services: &'a Services,
    counters: &'a Counters,
    orders: u64,
    with_kafka: bool,
}

impl Watch<'_> {
    /// Until something is wrong.
    async fn forever(&self, screen: &Screen) -> StageError {
        loop {
            if let Err(error) = self.look(screen).await {
                return error;
            }
            sleep(LOOK).await;
        }
    }

    async fn look(&self, screen: &Screen) -> Result<Status, StageError> {
        self.services.must_run().await?;
        let status = Status::ask(&self.house.hub).await?;
        let sent = self.counters.orders.get();
        let stored = status.log.stored;
        let applied = |name: &str| {
            let projection = status.projections.get(name);
            projection.map_or(0, |projection| projection.applied)
        };
        let only_with_kafka = |part| self.with_kafka.then_some(part);
        screen.show(&Progress {
            parts: [
                Some((sent, self.orders)),
                Some((status.log.sealed, stored)),
                only_with_kafka((status.log.published, stored)),
                only_with_kafka((self.counters.read.get(), sent)),
                Some((applied("stock"), sent + self.counters.receipts.get())),
                Some((applied("sales"), sent)),
            ],
        });
        Ok(status)
    }
}
