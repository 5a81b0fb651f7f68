//! What `dragoman replay` prints.

use dragoman_projector::{
    Definition, Effect, PlannedEvent, Replay, ReplayOutcome, ReplayPlan, ReplayRefusal,
    ReplaySelection,
};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output;

/// How many refusals are shown at the end.
pub(super) const REFUSALS: i64 = 10;

/// How it is said what a replay does.
struct Words {
    send: &'static str,
    sent: &'static str,
    /// Who may refuse it.
    receiver: &'static str,
}

impl Words {
    const fn of(definition: &Definition) -> Self {
        match definition.effect {
            Effect::Requests(_) => Self {
                send: "send",
                sent: "sent",
                receiver: "the receiver",
            },
            Effect::Table(_) | Effect::Statements(_) => Self {
                send: "execute",
                sent: "executed",
                receiver: "the database",
            },
        }
    }
}

/// What would be sent or executed, and what to type for it.
pub(super) fn plan(
    name: &str,
    definition: &Definition,
    selection: &ReplaySelection,
    plan: &ReplayPlan,
) -> Result<(), Failure> {
    let Words { send, sent, .. } = Words::of(definition);
    let selected = plan.selected();
    output::line(&format!("{name} would {send} {} again", events(selected)))?;
    for (event_type, count) in &plan.types {
        output::line(&format!("  {count:>8}  {event_type}"))?;
    }
    for (word, event) in [("first", &plan.first), ("last", &plan.last)] {
        if let Some(event) = event {
            output::line(&format!("{word:<6}{}", event_line(event)))?;
        }
    }
    let left_out = left_out(plan);
    if !left_out.is_empty() {
        output::line(&format!("left out: {}", left_out.join(", ")))?;
    }
    if let Some(unfinished) = &plan.unfinished {
        output::line(&format!(
            "unfinished: {}, at position {} of {}; the same selection goes on with it, `dragoman replay {name} --abandon --reason …` gives it up",
            unfinished.selection, unfinished.position, unfinished.through
        ))?;
    }
    if let Some(done) = &plan.done_before {
        output::line(&format!(
            "done before: the same selection, begun {} ({}), {} {sent}, {} refused; this would be once more",
            done.started_at.format("%Y-%m-%d %H:%M:%S"),
            done.reason,
            done.resent,
            done.refused
        ))?;
    }
    if selected == 0 {
        return output::line(&format!("there is nothing to {send}"));
    }
    output::line(&format!(
        "nothing was {sent}; to {send} them:\n  dragoman replay {name} {selection} --resend --yes --reason …"
    ))
}

fn left_out(plan: &ReplayPlan) -> Vec<String> {
    let left_out = plan.left_out;
    [
        (left_out.not_passed, "not yet passed by the projection"),
        (left_out.parked, "parked"),
        (left_out.skipped, "skipped by an operator"),
        (left_out.before_start, "from before the projection began"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, why)| format!("{count} {why}"))
    .collect()
}

fn event_line(event: &PlannedEvent) -> String {
    format!(
        "{:>8}  {}  {}  {}",
        event.position,
        event.time.format("%Y-%m-%d %H:%M:%S"),
        event.event_type,
        event.subject
    )
}

/// A plan as scripts see it.
pub(super) fn plan_object(name: &str, selection: &ReplaySelection, plan: &ReplayPlan) -> Value {
    let left_out = plan.left_out;
    json!({
        "projection": name, "selection": selection,
        "selected": plan.selected(), "types": plan.types,
        "first": plan.first.as_ref().map(event_object),
        "last": plan.last.as_ref().map(event_object),
        "left_out": {
            "not_passed": left_out.not_passed, "parked": left_out.parked,
            "skipped": left_out.skipped, "before_start": left_out.before_start,
        },
        "unfinished": plan.unfinished.as_ref().map(replay_object),
        "done_before": plan.done_before.as_ref().map(replay_object),
    })
}

fn replay_object(replay: &Replay) -> Value {
    json!({
        "replay": replay.id, "selection": replay.selection, "position": replay.position,
        "through": replay.through, "resent": replay.resent, "refused": replay.refused,
        "reason": replay.reason, "started_at": replay.started_at,
    })
}

fn event_object(event: &PlannedEvent) -> Value {
    json!({
        "position": event.position, "type": event.event_type, "subject": event.subject,
        "time": event.time,
    })
}

/// What a replay came to.
pub(super) fn outcome(
    name: &str,
    definition: &Definition,
    outcome: &ReplayOutcome,
    refused: &[ReplayRefusal],
) -> Result<(), Failure> {
    let replay = &outcome.replay;
    let Words { sent, receiver, .. } = Words::of(definition);
    output::line(&format!(
        "{name}: {} {sent} again, {} refused by {receiver}",
        events(replay.resent),
        replay.refused
    ))?;
    if refused.is_empty() {
        return Ok(());
    }
    output::line(&refusals(refused))?;
    output::line(&format!(
        "`dragoman replay {name} --refused` shows all of them, until the next replay"
    ))
}

/// What a replay came to, as scripts see it.
pub(super) fn outcome_object(
    name: &str,
    outcome: &ReplayOutcome,
    refused: &[ReplayRefusal],
) -> Value {
    let replay = &outcome.replay;
    let refused: Vec<Value> = refused.iter().map(refusal_object).collect();
    json!({
        "projection": name, "replay": replay.id, "finished": outcome.finished,
        "position": replay.position, "through": replay.through,
        "resent": replay.resent, "refused": replay.refused, "first_refused": refused,
    })
}

/// A table of what was refused.
pub(super) fn refusals(refused: &[ReplayRefusal]) -> String {
    let rows = refused.iter().map(|refusal| {
        vec![
            refusal.identity.position.to_string(),
            refusal.subject.clone(),
            refusal.identity.source.clone(),
            refusal.identity.id.clone(),
            refusal.reason.clone(),
        ]
    });
    let head = ["position", "subject", "source", "id", "reason"];
    output::table(&head, rows).to_string()
}

/// A refusal as scripts see it.
pub(super) fn refusal_object(refusal: &ReplayRefusal) -> Value {
    json!({
        "position": refusal.identity.position, "source": refusal.identity.source,
        "id": refusal.identity.id, "subject": refusal.subject, "reason": refusal.reason,
    })
}

fn events(count: i64) -> String {
    let things = if count == 1 { "event" } else { "events" };
    format!("{count} {things}")
}
