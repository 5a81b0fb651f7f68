//! `dragoman quarantine`: deliveries that could not become events.

mod retry;

use clap::{Args, Subcommand};
use dragoman_store::{QuarantineState, QuarantinedDelivery, QuarantinedSummary};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::failure::Failure;
use crate::globals::Globals;
use crate::hub::Hub;
use crate::output;

/// Deliveries that were authentic and could not become events
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dragoman quarantine list, mend the mapping, then: dragoman quarantine retry --adapter payments"
)]
pub(crate) struct Quarantine {
    #[command(subcommand)]
    command: QuarantineCommand,
}

#[derive(Debug, Subcommand)]
enum QuarantineCommand {
    List(List),
    Show(Show),
    Retry(retry::Retry),
    Drop(Drop),
}

/// List those that wait, oldest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dragoman quarantine list --adapter payments")]
struct List {
    /// Only those of one adapter
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
    /// How many at the most
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    limit: u32,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Show one whole: headers without credentials, query, body
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dragoman quarantine show 0198c0de-0000-7000-8000-000000000000")]
struct Show {
    /// Its id, from the list
    id: Uuid,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Give deliveries up. The reason is kept with them; they count as refused
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dragoman quarantine drop 0198c0de-0000-7000-8000-000000000000 --reason 'test of the sender'"
)]
struct Drop {
    /// Their ids, from the list
    #[arg(required = true)]
    ids: Vec<Uuid>,
    /// Why
    #[arg(long)]
    reason: String,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Quarantine {
    pub(crate) async fn run(self, globals: &Globals) -> Result<(), Failure> {
        let hub = Hub::open(globals).await?;
        match self.command {
            QuarantineCommand::List(command) => command.run(&hub).await,
            QuarantineCommand::Show(command) => command.run(&hub).await,
            QuarantineCommand::Retry(command) => command.run(&hub).await,
            QuarantineCommand::Drop(command) => command.run(&hub).await,
        }
    }
}

impl List {
    async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let waiting = hub
            .store
            .list_quarantine(self.adapter.as_deref(), i64::from(self.limit))
            .await
            .map_err(|error| Failure::from_error(&error))?;
        if self.json {
            return waiting
                .iter()
                .map(summary)
                .try_for_each(|line| output::json(&line));
        }
        if waiting.is_empty() {
            return output::line("nothing is in quarantine");
        }
        let rows = waiting.iter().map(|delivery| {
            vec![
                delivery.id.to_string(),
                delivery.adapter.clone(),
                delivery.received_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                delivery.reason.clone(),
                delivery.detail.clone(),
                delivery.bytes.to_string(),
            ]
        });
        let head = ["id", "adapter", "received", "reason", "detail", "bytes"];
        output::line(&output::table(&head, rows).to_string())
    }
}

impl Show {
    async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let (delivery, state) = find(hub, self.id).await?;
        if self.json {
            return output::json(&whole(&delivery, state));
        }
        output::line(&format!(
            "{} of {}, {}, received {}",
            delivery.id,
            delivery.adapter,
            state.as_str(),
            delivery.received_at.to_rfc3339()
        ))?;
        output::line(&format!("{}: {}", delivery.reason, delivery.detail))?;
        output::line("")?;
        for (name, value) in &delivery.headers {
            output::line(&format!("{name}: {value}"))?;
        }
        for (name, value) in &delivery.query {
            output::line(&format!("?{name}={value}"))?;
        }
        output::line("")?;
        output::line(&String::from_utf8_lossy(&delivery.body))
    }
}

impl Drop {
    async fn run(self, hub: &Hub) -> Result<(), Failure> {
        for id in self.ids {
            find(hub, id).await?;
            let dropped = hub
                .store
                .release_quarantine(id, QuarantineState::Dropped, &self.reason)
                .await
                .map_err(|error| Failure::from_error(&error))?;
            if self.json {
                output::json(&json!({ "id": id, "dropped": dropped }))?;
            } else if dropped {
                output::line(&format!("{id} is dropped"))?;
            } else {
                output::line(&format!("{id} did not wait any more"))?;
            }
        }
        Ok(())
    }
}

async fn find(hub: &Hub, id: Uuid) -> Result<(QuarantinedDelivery, QuarantineState), Failure> {
    hub.store
        .quarantined(id)
        .await
        .map_err(|error| Failure::from_error(&error))?
        .ok_or_else(|| {
            Failure::usage(
                format!("there is no quarantined delivery {id}"),
                "`dragoman quarantine list` shows those that wait",
            )
        })
}

fn summary(delivery: &QuarantinedSummary) -> Value {
    json!({
        "id": delivery.id, "adapter": delivery.adapter, "received": delivery.received_at,
        "reason": delivery.reason, "detail": delivery.detail, "bytes": delivery.bytes,
    })
}

fn whole(delivery: &QuarantinedDelivery, state: QuarantineState) -> Value {
    json!({
        "id": delivery.id, "adapter": delivery.adapter, "received": delivery.received_at,
        "reason": delivery.reason, "detail": delivery.detail, "bytes": delivery.body.len(),
        "state": state.as_str(), "headers": delivery.headers, "query": delivery.query,
        "body": String::from_utf8_lossy(&delivery.body),
    })
}
