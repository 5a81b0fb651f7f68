//! Parts of the hub are killed and a system around it is away, while events flow.

use std::time::Duration;

use stage::{Deadline, StageError, eventually};
use tokio::time::sleep;

use crate::screen::Screen;
use crate::status::Status;
use crate::watch::Watch;

/// How long a killed service is away.
const AWAY: Duration = Duration::from_secs(2);
/// How long the CRM is away at the least: as long as somebody needs to start it again.
const RESTART: Duration = Duration::from_secs(5);
/// How long it may take until the hub says that the CRM is away, in seconds.
const NOTICED: u64 = 30;

/// All of it, each when its time has come.
///
/// # Errors
/// When a service had ended by itself, or does not start again.
pub(crate) async fn trouble(watch: &Watch<'_>, screen: &Screen) -> Result<(), StageError> {
    let (counters, orders) = (&watch.house.counters, watch.house.plan.orders);
    let relay = async {
        counters.charges.reach(orders * 3 / 10).await;
        kill(watch, screen, "run relay").await
    };
    let projection = async {
        counters.charges.reach(orders / 2).await;
        kill(watch, screen, "run projection payments").await
    };
    let crm = async {
        counters.known.reach(orders * 6 / 10).await;
        crm_is_away(watch, screen).await
    };
    tokio::try_join!(relay, projection, crm).map(|_| ())
}

/// SIGKILL: it cannot finish anything.
async fn kill(watch: &Watch<'_>, screen: &Screen, service: &str) -> Result<(), StageError> {
    screen.say(&format!("kill -9 `dragoman {service}`"));
    watch.services.kill_and_start(service, AWAY).await?;
    screen.say(&format!("`dragoman {service}` is started again"));
    Ok(())
}

async fn crm_is_away(watch: &Watch<'_>, screen: &Screen) -> Result<(), StageError> {
    let house = watch.house;
    screen.say("The CRM is gone: connections are refused.");
    house.cast.crm_goes().await;
    sleep(RESTART).await;
    let what = "the hub says that the CRM is away";
    eventually(what, Deadline::within(NOTICED), async || {
        let status = Status::ask(&house.hub).await?;
        let mut halts = status.halts.iter();
        let noticed = halts.any(|halt| {
            halt.component.contains("crm")
                && ["receiver_down", "no_token"].contains(&halt.code.as_str())
        });
        Ok(noticed.then_some(()))
    })
    .await?;
    screen.say("`dragoman status` says so: receiver_down. The CRM is started again, and knows no token any more.");
    house.cast.crm_returns().await
}
