//! `poisoned_subject`: what one subject in a thousand, over which the receiver fails each
//! time, costs the others.

use dragoman_tests::{Process, eventually};
use tempfile::NamedTempFile;

use crate::broker::Topic;
use crate::contest::{Contest, OURS, Sample};
use crate::goal::Goal;
use crate::preload;
use crate::receiver::Receiver;
use crate::report::{Figure, Row};
use crate::send;
use crate::servers::Servers;
use crate::settings::Settings;
use crate::turns::{Runner, in_turns};
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
        let [without, ours] = sent(servers, settings.events, &program).await;
        contest.add(WITHOUT, without);
        contest.add(OURS, ours);
    }
    vec![FIGURE.of(&contest)]
}

async fn sent(servers: &Servers, events: i64, program: &NamedTempFile) -> [Sample; 2] {
    let (well, failing) = (
        Receiver::start().await,
        Receiver::failing_over(POISONED).await,
    );
    let projects = [
        send::published(servers, events, program, &well).await,
        send::published(servers, events, program, &failing).await,
    ];
    servers.settle().await;
    let [mut of_well, mut of_failing] =
        [&projects[0], &projects[1]].map(|project| project.projection(send::COURIER));
    let accepted = [&well, &failing].map(|it| it.accepts(send::BEGUN..send::BEGUN + events));
    let before = [&well, &failing].map(Receiver::received);
    let runners = [
        runner(&mut of_well, &well),
        runner(&mut of_failing, &failing),
    ];
    let samples = in_turns(servers, runners, accepted[1]).await;
    let passed = || {
        let received = [&well, &failing].map(Receiver::received);
        [received[0] - before[0], received[1] - before[1]]
    };
    eventually("the rest is sent", async || {
        passed()[0] >= accepted[0] && passed()[1] >= accepted[1]
    })
    .await;
    assert_eq!(passed(), accepted, "one effect for each event");
    for process in [&mut of_well, &mut of_failing] {
        process.stop().await;
    }
    for project in &projects {
        Topic::at(&servers.kafka, preload::topic_of(project))
            .remove()
            .await;
        project.database.clone().remove().await;
    }
    samples
}

fn runner<'r>(process: &'r mut Process, receiver: &'r Receiver) -> Runner<'r> {
    let before = receiver.received();
    Runner {
        process,
        passed: Box::new(move || receiver.received() - before),
    }
}
