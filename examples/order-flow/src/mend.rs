//! What an operator does about what is parked.

use serde::de::IgnoredAny;
use stage::StageError;

use crate::house::House;
use crate::parked::{ParkedList, lines};
use crate::screen::Screen;

/// What was decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Decided {
    /// Subjects of which an event was skipped.
    pub(crate) subjects: Vec<String>,
    /// How many events were.
    pub(crate) events: u64,
}

impl Decided {
    /// What was skipped and why, for people.
    pub(crate) fn show(&self) -> Option<String> {
        let subjects = self.subjects.join(", ");
        (self.events > 0).then(|| {
            let events = self.events;
            format!("skipped: {events} event of notification ({subjects}): {NO_MESSAGES}")
        })
    }
}

/// Why one event is never sent.
const NO_MESSAGES: &str = "the customer wants no messages";

/// Mends what can be mended and skips one.
///
/// # Errors
/// When the hub does not do what it is asked.
pub(crate) async fn mend(
    house: &House,
    parked: &ParkedList,
    screen: &Screen,
) -> Result<Decided, StageError> {
    let forgetful = parked.subjects("crm");
    screen.say(&format!(
        "The CRM misses {} postal codes. Customers are asked; dragoman parked edit …",
        forgetful.len()
    ));
    for order in forgetful {
        edit(house, order).await?;
    }
    let mut decided = Decided::default();
    if let Some(order) = parked.subjects("notification").first() {
        let skip = ["parked", "skip", order, "--projection", "notification"];
        let why = ["--reason", NO_MESSAGES, "--json"];
        screen.say(&format!(
            "One wants no messages: dragoman parked skip {order} …"
        ));
        let skip = [skip.as_slice(), &why].concat();
        let said = house.hub.run(&skip).await?;
        decided.events = crate::wanted::size(lines::<IgnoredAny>(&said)?.len());
        decided.subjects.push((*order).to_owned());
    }
    house.cast.notification.repair();
    screen.say("The notification service is repaired: dragoman parked retry …");
    let retry = ["parked", "retry", "--projection", "notification"];
    house
        .hub
        .run(&[retry.as_slice(), &["--reason-like", "answered 422"]].concat())
        .await?;
    Ok(decided)
}

/// The projection sees the order with its postal code; the log keeps what came.
async fn edit(house: &House, order: &str) -> Result<(), StageError> {
    let mended = house.plan.mended.get(order).ok_or_else(|| {
        StageError::Unexpected(format!("{order} is parked, and nothing is wrong with it"))
    })?;
    let file = house.folder.join("mended.json");
    std::fs::write(&file, &mended.data)
        .map_err(StageError::system(format!("writing {}", file.display())))?;
    let file = file.display().to_string();
    let what = ["parked", "edit", order, "--projection", "crm"];
    let how = ["--data", &file, "--reason", "the customer was asked"];
    house
        .hub
        .run(&[what.as_slice(), &how].concat())
        .await
        .map(drop)
}
