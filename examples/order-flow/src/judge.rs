//! What every system has, beside what it should have.

use stage::{StageError, thousands};

use crate::books::{Books, TableStanding, euros};
use crate::deeds::Deeds;
use crate::house::House;
use crate::order_states::OrderStates;
use crate::parked::ParkedList;
use crate::services::PROJECTIONS;
use crate::standing::{Standing, Standings};
use crate::status::Status;
use crate::team::Team;
use crate::wanted::Wanted;

/// What should be, and whom to ask what is.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    pub(crate) house: &'a House,
    pub(crate) wanted: Wanted,
    pub(crate) team: Team,
}

impl Judge<'_> {
    /// Whether everything has come to rest: in its place, parked, or skipped.
    pub(crate) fn is_through(&self, status: &Status) -> bool {
        let log = &status.log;
        let everything = self.wanted.everything();
        log.stored == everything
            && log.sealed == everything
            && (!self.house.with_kafka || log.published == everything)
            && self.team.reading().count() == self.wanted.placed()
            && PROJECTIONS.iter().all(|name| {
                let it = status.projection(name);
                let accounted = [it.applied, it.parked_events, it.skipped];
                let accounted: Option<u64> = accounted.into_iter().sum();
                accounted == Some(self.wanted.events(name))
            })
    }

    /// Where every system stands. `skipped`: subjects of `notification` of which an
    /// operator has skipped an event.
    ///
    /// # Errors
    /// When one does not answer.
    pub(crate) async fn standings(
        &self,
        status: &Status,
        parked: &ParkedList,
        skipped: &[String],
    ) -> Result<Standings, StageError> {
        let wanted = &self.wanted;
        let cast = &self.house.cast;
        let (charges, releases) = (cast.gateway.deeds(), cast.erp.deeds());
        let (known, messages) = (cast.crm.deeds(), cast.notification.deeds());
        let books = Books::read(&self.house.analytics).await?;
        let states = OrderStates::read(&self.house.analytics).await?;
        let waits = |projection: &str, thing: &str| {
            let order = thing.split(' ').next().unwrap_or_default();
            parked.subjects(projection).contains(order)
                || projection == "notification" && skipped.iter().any(|it| it == order)
        };
        let called = |name: &'static str, system, things, deeds: &Deeds, should| Standing {
            effects: Some(deeds.count()),
            should: format!("{} {things}", thousands(wanted.events(name))),
            has: format!("{} {things}", thousands(deeds.count())),
            flaw: deeds.flaw(should, |thing| waits(name, thing)),
            ..self.standing(status, name, system)
        };
        let payments = called(
            "payments",
            "payment gateway",
            "charges",
            &charges,
            &wanted.charges,
        );
        let kept = |name, system, table: TableStanding| Standing {
            should: table.should,
            has: table.has,
            flaw: table.flaw,
            ..self.standing(status, name, system)
        };
        let taken = i64::try_from(cast.gateway.cents.get()).unwrap_or(i64::MAX);
        Ok(Standings(vec![
            Standing {
                should: format!("{}, {}", payments.should, euros(wanted.cents)),
                has: format!("{}, {}", payments.has, euros(taken)),
                ..payments
            },
            called("erp", "ERP", "releases", &releases, &wanted.releases),
            called("crm", "CRM", "orders", &known, &wanted.known),
            called(
                "notification",
                "notification",
                "messages",
                &messages,
                &wanted.messages,
            ),
            self.team(),
            kept("stock", "stock", books.stock(&wanted.books)),
            kept("sales", "sales (analytics)", books.sales(&wanted.books)),
            Standing {
                effects: Some(states.events()),
                should: wanted.states.summary(),
                has: states.summary(),
                flaw: states.flaw(&wanted.states),
                ..self.standing(status, "order_state", "order_state")
            },
        ]))
    }

    fn standing(&self, status: &Status, projection: &str, system: &str) -> Standing {
        let it = status.projection(projection);
        Standing {
            system: system.to_owned(),
            wanted: self.wanted.events(projection),
            applied: it.applied.unwrap_or_default(),
            parked: it.parked_events.unwrap_or_default(),
            skipped: it.skipped.unwrap_or_default(),
            ..Standing::default()
        }
    }

    fn team(&self) -> Standing {
        let reading = self.team.reading();
        let again = match reading.repeats {
            0 => String::new(),
            repeats => format!(" ({} repeats dropped)", thousands(repeats)),
        };
        Standing {
            system: "fulfilment team".to_owned(),
            wanted: self.wanted.placed(),
            applied: reading.count(),
            effects: Some(reading.count()),
            should: format!("{} parcels, in order", thousands(self.wanted.placed())),
            has: format!("{} parcels{again}", thousands(reading.count())),
            flaw: reading.flaw(&self.house.cast.erp.tally().acknowledged),
            ..Standing::default()
        }
    }
}
