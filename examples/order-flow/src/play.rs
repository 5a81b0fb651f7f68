//! The run from its beginning to the account.

use std::sync::Arc;
use std::time::Duration;

use stage::{StageError, thousands};
use tokio::time::sleep;

use crate::doors::Uninvited;
use crate::house::House;
use crate::judge::Judge;
use crate::mend::{Decided, mend};
use crate::options::Options;
use crate::parked::ParkedList;
use crate::rebuild::rebuild;
use crate::screen::Screen;
use crate::services::Services;
use crate::standing::Standings;
use crate::status::Status;
use crate::team::{Source, Team};
use crate::trouble::trouble;
use crate::wanted::{Happened, Wanted};
use crate::watch::{Movement, Watch};

/// How often it is asked whether everything has come to rest.
const LOOK: Duration = Duration::from_millis(500);

/// Plays it, and says whether everything balances.
///
/// # Errors
/// When it cannot be played to the end.
pub(crate) async fn play(
    house: &House,
    options: &Options,
    screen: &mut Screen,
) -> Result<bool, StageError> {
    screen.say("dragoman check");
    stage::line(&house.hub.run(&["check"]).await?);
    house.hub.run(&["migrate"]).await?;
    let services = Services::start(&house.hub)?;
    house.ready().await?;
    let team = Team::start(source(house, options), Arc::clone(&house.counters));
    screen.say(&format!(
        "The hub runs: relay, ingest, seven projections. A shop places {} orders (seed {}).",
        thousands(options.orders.into()),
        options.seed
    ));
    let watch = Watch {
        house,
        services: &services,
    };
    let happened = happen(&watch, screen).await?;
    let uninvited = uninvited(&happened);
    let judge = Judge {
        house,
        wanted: Wanted::of(&happened, &house.plan),
        team,
    };
    screen.say("All is sent. Waiting until every event is in its place, or parked.");
    let rested = rest(&judge, &watch, screen).await?;
    screen.close();
    screen.say("What the hub took in:");
    let account = judge.doors(&rested.status, &uninvited);
    stage::line(&account.to_string());
    crate::troubles::show(&house.cast);
    let before = show(&judge, &rested, &Decided::default(), screen).await?;
    if !account.balances() || !before.balance() {
        return Ok(false);
    }
    let decided = mend(house, &rested.parked, screen).await?;
    drained(&watch, screen).await?;
    let rebuilt = rebuild(&judge, screen).await?;
    let rested = rest(&judge, &watch, screen).await?;
    let after = show(&judge, &rested, &decided, screen).await?;
    // Exits with 3 when the hub's own account does not balance.
    house.hub.run(&["status"]).await?;
    services.stop().await?;
    let settled = decided.events > 0 && after.settle(decided.events);
    Ok(rebuilt && settled && rested.status.balanced)
}

fn source(house: &House, options: &Options) -> Source {
    match options.kafka.clone() {
        Some(brokers) => Source::Topic {
            brokers,
            topic: format!("{}fulfilment", options.topic_prefix),
        },
        None => Source::Log(house.hub.clone()),
    }
}

/// Everything that happens in the world, and in the middle of it the trouble.
async fn happen(watch: &Watch<'_>, screen: &mut Screen) -> Result<Happened, StageError> {
    let house = watch.house;
    let shop = house.shop().await?;
    let warehouse = house.warehouse().await?;
    let stranger = house.stranger();
    screen.open();
    let counters = &house.counters;
    let world = async {
        tokio::try_join!(
            shop.run(&house.plan, counters),
            warehouse.run(counters),
            stranger.run(counters),
            trouble(watch, screen),
        )
    };
    let (shop, warehouse_tally, forged, ()) = tokio::select! {
        tallies = world => tallies?,
        failed = watch.forever(screen) => return Err(failed),
    };
    let own_table = warehouse.receipts().await?;
    if own_table != crate::wanted::size(warehouse_tally.committed.len()) {
        return Err(StageError::Unexpected(format!(
            "the warehouse's own table has {own_table} receipts"
        )));
    }
    Ok(Happened {
        shop,
        warehouse: warehouse_tally,
        forged,
    })
}

fn uninvited(happened: &Happened) -> Uninvited {
    Uninvited {
        shop_repeats: happened.shop.duplicates,
        warehouse_repeats: happened.warehouse.repeated,
        altered: happened.shop.altered,
        conflicts: happened.shop.conflicts,
        forged: happened.forged,
    }
}

/// What the hub says when nothing moves any more.
struct Rested {
    status: Status,
    parked: ParkedList,
}

/// Waits until every event is in its place or parked for somebody; or until nothing has
/// moved for too long: then the account shows why.
async fn rest(judge: &Judge<'_>, watch: &Watch<'_>, screen: &Screen) -> Result<Rested, StageError> {
    let mut movement = Movement::new();
    loop {
        let (status, progress) = watch.look(screen).await?;
        let stands = movement.stands(progress.sum());
        if stands || judge.is_through(&status) {
            let parked = ParkedList::ask(&judge.house.hub).await?;
            let applied = |status: &Status| -> u64 {
                let projections = status.projections.values();
                projections.filter_map(|it| it.applied).sum()
            };
            let again = Status::ask(&judge.house.hub).await?;
            if stands || parked.rests() && applied(&again) == applied(&status) {
                return Ok(Rested {
                    status: again,
                    parked,
                });
            }
        }
        sleep(LOOK).await;
    }
}

/// Waits until nothing is parked any more, or nothing has moved for too long.
async fn drained(watch: &Watch<'_>, screen: &Screen) -> Result<(), StageError> {
    let mut movement = Movement::new();
    loop {
        let (status, progress) = watch.look(screen).await?;
        let parked: Option<u64> = status.projections.values().map(|it| it.parked_events).sum();
        if parked == Some(0) || movement.stands(progress.sum()) {
            return Ok(());
        }
        sleep(LOOK).await;
    }
}

async fn show(
    judge: &Judge<'_>,
    rested: &Rested,
    decided: &Decided,
    screen: &Screen,
) -> Result<Standings, StageError> {
    let standings = judge
        .standings(&rested.status, &rested.parked, &decided.subjects)
        .await?;
    screen.say("What every system has:");
    stage::line(&standings.show());
    for line in rested.parked.reasons().into_iter().chain(decided.show()) {
        stage::line(&line);
    }
    Ok(standings)
}
