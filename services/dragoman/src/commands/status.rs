//! `dragoman status`.

use clap::Args;

use crate::failure::Failure;
use crate::globals::Globals;
use crate::hub::Hub;
use crate::output;
use crate::status::{Status, StatusReader};

/// Show the flow and the account: what came in, what stands in the log, where each projection is
///
/// The account is computed from the log, the ledger, parking and decisions
/// themselves. Exits with 3 when it does not balance, with 1 when it cannot be
/// proved because the database of a projection does not answer.
#[derive(Debug, Args)]
#[command(
    name = "status",
    after_help = "Example:\n  dragoman status --json | jq .balanced"
)]
pub(crate) struct StatusCommand {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl StatusCommand {
    pub(crate) async fn run(self, globals: &Globals) -> Result<(), Failure> {
        let hub = Hub::open(globals).await?;
        let status = StatusReader::new(hub.store.clone(), hub.projections()?)
            .read()
            .await?;
        if self.json {
            output::json(&status)?;
        } else {
            show(&status)?;
        }
        let unreachable: Vec<&str> = status.unreachable().collect();
        if status.unbalanced_events > 0 {
            Err(Failure::Wanting)
        } else if unreachable.is_empty() {
            Ok(())
        } else {
            Err(Failure::failed(
                format!(
                    "the account cannot be proved: no answer from the database of {}",
                    unreachable.join(", ")
                ),
                "start that database, or correct `sink.url` of the projection",
            ))
        }
    }
}

fn show(status: &Status) -> Result<(), Failure> {
    let log = &status.log;
    output::line(&format!(
        "log: {} stored, {} sealed, {} published, head at position {}",
        log.stored, log.sealed, log.published, log.head_position
    ))?;
    show_adapters(status)?;
    show_projections(status)?;
    for halt in &status.halts {
        output::line(&format!(
            "\n{} has halted since {} ({}): {}\n  help: {}",
            halt.component,
            halt.halted_at.format("%Y-%m-%d %H:%M:%S"),
            halt.code,
            halt.message,
            halt.remedy
        ))?;
    }
    if status.gaps > 0 {
        output::line(&format!(
            "{} gaps in Kafka were filled from the log",
            status.gaps
        ))?;
    }
    for gap in &status.newest_gaps {
        let (after, before) = (gap.after_position, gap.before_position);
        output::line(&format!(
            "  topic {} partition {}, {} {before}: {} events, found by {} at {}",
            gap.topic,
            gap.partition,
            if gap.at_end {
                format!("its end, after {after} up to")
            } else {
                format!("between {after} and")
            },
            gap.events,
            gap.projection,
            gap.found_at.format("%Y-%m-%d %H:%M:%S"),
        ))?;
    }
    if status.schema_violations > 0 {
        output::line(&format!(
            "{} events that came by SQL break their schema",
            status.schema_violations
        ))?;
    }
    if status.unbalanced_events == 0 && !status.balanced {
        return output::line("the rest of the account balances");
    }
    output::line(&if status.balanced {
        "the account balances".to_owned()
    } else {
        format!(
            "THE ACCOUNT DOES NOT BALANCE: {} events are not where they should be",
            status.unbalanced_events
        )
    })
}

fn show_adapters(status: &Status) -> Result<(), Failure> {
    if status.adapters.is_empty() {
        return Ok(());
    }
    let rows = status.adapters.iter().map(|(name, adapter)| {
        std::iter::once(name.clone())
            .chain(
                [
                    adapter.received,
                    adapter.stored,
                    adapter.duplicate,
                    adapter.refused,
                    adapter.ignored,
                    adapter.quarantined,
                ]
                .map(|number| number.to_string()),
            )
            .collect()
    });
    let head = [
        "adapter",
        "received",
        "stored",
        "duplicate",
        "refused",
        "ignored",
        "quarantined",
    ];
    output::line(&output::table(&head, rows).to_string())
}

fn show_projections(status: &Status) -> Result<(), Failure> {
    if status.projections.is_empty() {
        return Ok(());
    }
    let rows = status.projections.iter().map(|(name, projection)| {
        let state = match (&projection.unreachable, &projection.paused) {
            (Some(why), _) => format!("unreachable: {why}"),
            (None, Some(why)) if why.is_empty() => "paused".to_owned(),
            (None, Some(why)) => format!("paused: {why}"),
            (None, None) => String::new(),
        };
        std::iter::once(name.clone())
            .chain(
                [
                    projection.position,
                    projection.lag,
                    projection.applied,
                    projection.parked_subjects,
                    projection.parked_events,
                    projection.skipped,
                ]
                .map(|number| number.map_or("?".to_owned(), |number| number.to_string())),
            )
            .chain([state])
            .collect()
    });
    let head = [
        "projection",
        "position",
        "lag",
        "applied",
        "parked subjects",
        "parked events",
        "skipped",
        "",
    ];
    output::line(&output::table(&head, rows).to_string())
}
