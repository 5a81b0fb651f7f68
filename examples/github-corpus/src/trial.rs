//! One trial: send, send again, send altered, compare.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;
use stage::{
    Account, Client, Deadline, Hub, Line, StageError, eventually, free_address, random_secret,
};

use crate::delivery::Delivery;
use crate::log;
use crate::sender::{Answers, Sender};

/// How long the hub may take to be ready, and to seal what it has, in seconds.
const PATIENCE: u64 = 30;

/// Sends everything and asks the hub what it has.
///
/// # Errors
/// When it could not be tried.
pub(crate) async fn run(
    binary: &Path,
    database: &str,
    logs: &Path,
    deliveries: &[Delivery],
) -> Result<Account, StageError> {
    let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join("hub/dragoman.yaml");
    let secret = random_secret()?;
    let (listen, admin) = (free_address()?, free_address()?);
    let hub = Hub::new(binary, &configuration, logs)
        .with("DATABASE_URL", database)
        .with("GITHUB_SECRET", &secret)
        .with("LISTEN", listen.to_string())
        .with("ADMIN", admin.to_string());
    hub.run(&["check"]).await?;
    hub.run(&["migrate"]).await?;
    let relay = hub.start(&["run", "relay"])?;
    let ingest = hub.start(&["run", "ingest"])?;
    wait_until_ready(listen).await?;

    let sender = Sender::new(listen, secret);
    stage::line(&format!(
        "{} bodies: each once, again, and altered …",
        deliveries.len()
    ));
    let first = sender.send_all(deliveries).await?;
    let again = sender.send_all(deliveries).await?;
    let altered = sender.send_all_altered(deliveries).await?;

    let wanted: Vec<&Delivery> = deliveries
        .iter()
        .filter(|delivery| delivery.is_wanted())
        .collect();
    let status = wait_until_settled(&hub, 3 * deliveries.len(), wanted.len()).await?;
    let log = log::read_log(&hub).await?;
    relay.stop().await?;
    ingest.stop().await?;

    let mut account = Account::default();
    let all = size(deliveries.len());
    account.add(Line::count(
        "sent: answered 200",
        "deliveries",
        all,
        count(&first, 200),
    ));
    account.add(Line::count(
        "sent again: answered 200",
        "deliveries",
        all,
        count(&again, 200),
    ));
    account.add(Line::count(
        "one byte altered: answered 401",
        "deliveries",
        all,
        count(&altered, 401),
    ));
    let adapter = |name: &str| {
        status["adapters"]["github"][name]
            .as_u64()
            .unwrap_or_default()
    };
    let kept = size(wanted.len());
    account.add(Line::count(
        "hub: stored",
        "deliveries",
        kept,
        adapter("stored"),
    ));
    account.add(Line::count(
        "hub: nothing for us",
        "deliveries",
        all - kept,
        adapter("ignored"),
    ));
    account.add(Line::count(
        "hub: duplicates",
        "deliveries",
        all,
        adapter("duplicate"),
    ));
    account.add(Line::count(
        "hub: refused",
        "deliveries",
        all,
        adapter("refused"),
    ));
    account.add(Line::count(
        "hub: quarantined",
        "deliveries",
        0,
        adapter("quarantined"),
    ));
    account.add(Line::judged(
        "the log, digit for digit",
        format!("{kept} events"),
        format!("{} events", log.lines().count()),
        log::difference(&log, &wanted)?,
    ));
    Ok(account)
}

async fn wait_until_ready(listen: SocketAddr) -> Result<(), StageError> {
    let client = Client::new(listen);
    eventually("the hub answers", Deadline::within(PATIENCE), async || {
        Ok(client.get("/").await.ok().map(drop))
    })
    .await
}

/// Waits until all that was sent is counted and all that is wanted is sealed, or until it is clear that it will not
/// be; the account then says so.
async fn wait_until_settled(hub: &Hub, sent: usize, wanted: usize) -> Result<Value, StageError> {
    let deadline = Deadline::within(PATIENCE);
    eventually(
        "all is counted and sealed",
        Deadline::within(2 * PATIENCE),
        async || {
            let spoken = hub.ask(&["status", "--json"]).await?;
            let status: Value = serde_json::from_str(&spoken.stdout).map_err(|error| {
                StageError::Unexpected(format!("no status ({error}): {}", spoken.stderr))
            })?;
            let sealed = status["log"]["sealed"].as_u64().unwrap_or_default();
            let received = status["adapters"]["github"]["received"]
                .as_u64()
                .unwrap_or_default();
            let settled = sealed >= size(wanted) && received >= size(sent);
            Ok((settled || deadline.is_over()).then_some(status))
        },
    )
    .await
}

fn count(answers: &Answers, status: u16) -> u64 {
    answers.get(&status).copied().unwrap_or_default()
}

fn size(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
