//! What the hub took in, beside what the world told it.

use stage::{Account, Line};

use crate::judge::Judge;
use crate::outside::HookTally;
use crate::status::Status;
use crate::wanted::size;

/// What came to the doors that was not to come in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Uninvited {
    /// Events that the shop sent again, and the warehouse.
    pub(crate) shop_repeats: u64,
    pub(crate) warehouse_repeats: u64,
    /// Events that the shop sent again with other content, and how many were refused.
    pub(crate) altered: u64,
    pub(crate) conflicts: u64,
    /// How often a stranger was refused.
    pub(crate) forged: u64,
}

impl Judge<'_> {
    /// What the hub took in, and how.
    pub(crate) fn doors(&self, status: &Status, uninvited: &Uninvited) -> Account {
        let [api, sql, payments, erp] =
            ["api", "sql", "payments", "erp"].map(|name| status.adapter(name));
        let cast = &self.house.cast;
        let (captured, dispatched) = (cast.gateway.tally(), cast.erp.tally());
        let wanted = &self.wanted;
        let mut account = Account::default();
        let mut add = |system, things, should, has| {
            account.add(Line::count(system, things, should, has));
        };
        add("shop, by the API", "events", wanted.told(), api.stored);
        add("warehouse, by SQL", "events", wanted.receipts(), sql.stored);
        add(
            "gateway, by webhook",
            "payments",
            wanted.placed(),
            payments.stored,
        );
        add("ERP, in XML", "parcels", wanted.placed(), erp.stored);
        add(
            "gateway: nothing for us",
            "deliveries",
            size(captured.ignored.len()),
            payments.ignored,
        );
        let mut again = |who, should, has| add(who, "repeats", should, has);
        again("shop: stored once", uninvited.shop_repeats, api.duplicate);
        again(
            "warehouse: stored once",
            uninvited.warehouse_repeats,
            sql.duplicate,
        );
        again(
            "gateway: stored once",
            captured.repeated,
            payments.duplicate,
        );
        again("ERP: stored once", dispatched.repeated, erp.duplicate);
        add(
            "forged or altered, refused",
            "refusals",
            uninvited.altered + uninvited.forged,
            uninvited.conflicts + uninvited.forged,
        );
        add("the log", "events", wanted.everything(), status.log.stored);
        add("sealed", "events", wanted.everything(), status.log.sealed);
        if self.house.with_kafka {
            let published = status.log.published;
            add(
                "published to Kafka",
                "events",
                wanted.everything(),
                published,
            );
        }
        account.add(failures(&captured, &dispatched));
        account.add(own_account(status));
        account
    }
}

/// Deliveries that the hub did not take, or answered as it must not.
fn failures(captured: &HookTally, dispatched: &HookTally) -> Line {
    let failures: Vec<&String> = [captured, dispatched]
        .iter()
        .flat_map(|tally| &tally.failures)
        .collect();
    Line::judged(
        "deliveries that failed",
        "none",
        failures.len().to_string(),
        failures.first().map(|first| (*first).clone()),
    )
}

fn own_account(status: &Status) -> Line {
    let has = if status.balanced {
        "balanced"
    } else {
        "not balanced"
    };
    let wrong = (!status.balanced).then(|| "see `dragoman status`".to_owned());
    Line::judged("its own account", "balanced", has, wrong)
}
