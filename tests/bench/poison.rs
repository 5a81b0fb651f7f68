//! `poisoned_subject`: what one subject in a thousand, over which the receiver fails each
//! time, costs the others.

use tempfile::NamedTempFile;

use crate::broker::Topic;
use crate::contest::{Contest, OURS, Sample, in_turn};
use crate::goal::Goal;
use crate::preload;
use crate::receiver::Receiver;
use crate::report::{Figure, Row};
use crate::send;
use crate::servers::Servers;
use crate::settings::Settings;
use crate::window;

/// What this measures.
pub(crate) const NAME: &str = "poisoned_subject";

const WITHOUT: &str = "without_poisoned_subject";
/// Ten of the 10,000 subjects end so.
const POISONED: &str = "999";

const FIGURE: Figure = Figure {
    name: NAME,
    measure: window::RATE,
    unit: "events/s",
    peer: None,
    limit: Some(WITHOUT),
    goals: &[Goal::LimitAtLeast(0.98)],
};

/// Runs both in turn.
pub(crate) async fn measure(settings: &Settings, servers: &Servers) -> Vec<Row> {
    let mut contest = Contest::default();
    let program = NamedTempFile::new().expect("a file can be made");
    std::fs::write(
        &program,
        "{ \"path\": \"/orders/\" + .subject, \"body\": .data }",
    )
    .expect("it is written");
    for round in 1..=settings.rounds {
        eprintln!("bench: {NAME}, round {round} of {}", settings.rounds);
        for (contender, failing_over) in in_turn(round, [(WITHOUT, ""), (OURS, POISONED)]) {
            let receiver = Receiver::failing_over(failing_over).await;
            let sample = sent(servers, settings.events, &program, &receiver).await;
            contest.add(contender, sample);
        }
    }
    vec![FIGURE.of(&contest)]
}

async fn sent(
    servers: &Servers,
    events: i64,
    program: &NamedTempFile,
    receiver: &Receiver,
) -> Sample {
    let project = send::published(servers, events, program, receiver).await;
    let sample = send::ours(servers, &project, receiver, events).await;
    Topic::at(&servers.kafka, preload::topic_of(&project))
        .remove()
        .await;
    project.database.clone().remove().await;
    sample
}
