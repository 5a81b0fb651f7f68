//! The account of a run.

use stage::{Account, Line, StageError};

use crate::books::Books;
use crate::code_host::{self, CodeHostTally};
use crate::house::House;
use crate::shop::ShopTally;
use crate::status::Status;
use crate::team::Team;
use crate::warehouse::{Warehouse, WarehouseTally};

/// What the world was acknowledged, and whom to ask what has become of it.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    pub(crate) house: &'a House,
    pub(crate) shop: ShopTally,
    pub(crate) warehouse: WarehouseTally,
    pub(crate) code_host: CodeHostTally,
    pub(crate) warehouse_service: Warehouse,
    /// `None`: there is no Kafka.
    pub(crate) team: Option<Team>,
    should: Books,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(
        house: &'a House,
        (shop, warehouse, code_host): (ShopTally, WarehouseTally, CodeHostTally),
        warehouse_service: Warehouse,
        team: Option<Team>,
    ) -> Self {
        Self {
            should: Books::fold(&shop.acknowledged, &warehouse.committed),
            house,
            shop,
            warehouse,
            code_host,
            warehouse_service,
            team,
        }
    }

    /// Asks every system what it has.
    ///
    /// # Errors
    /// When one does not answer.
    pub(crate) async fn account(&self, status: &Status) -> Result<Account, StageError> {
        let mut account = Account::default();
        self.add_doors(status, &mut account);
        let everything = self.everything();
        account.add(Line::count(
            "hub: sealed, with a position",
            "events",
            everything,
            status.log.sealed,
        ));
        if let Some(team) = &self.team {
            account.add(Line::count(
                "hub: published to Kafka",
                "events",
                everything,
                status.log.published,
            ));
            account.add(team.line(&self.shop.acknowledged));
        }
        account.add(Line::count(
            "Postgres: the warehouse's own table",
            "receipts",
            size(self.warehouse.committed.len()),
            self.warehouse_service.receipts().await?,
        ));
        for line in Books::read(&self.house.analytics)
            .await?
            .lines(&self.should)
        {
            account.add(line);
        }
        let parked = status
            .projections
            .values()
            .map(|projection| projection.parked_events)
            .sum();
        account.add(Line::count("hub: parked", "events", 0, parked));
        account.add(Line::judged(
            "hub: its own account",
            "balanced",
            if status.balanced {
                "balanced"
            } else {
                "not balanced"
            },
            (!status.balanced).then(|| "see `dragoman status`".to_owned()),
        ));
        Ok(account)
    }

    /// Compares `sales` once more.
    ///
    /// # Errors
    /// When its database does not answer.
    pub(crate) async fn rebuilt(&self, before: &Books) -> Result<Account, StageError> {
        let after = Books::read(&self.house.analytics).await?;
        let mut account = Account::default();
        account.add(after.sales_line("Postgres: table sales, rebuilt", before));
        Ok(account)
    }

    fn everything(&self) -> u64 {
        size(self.shop.acknowledged.len())
            + size(self.warehouse.committed.len())
            + self.code_host.wanted
    }

    fn add_doors(&self, status: &Status, account: &mut Account) {
        let api = status.adapter("api");
        let sql = status.adapter("sql");
        let hook = status.adapter(code_host::ADAPTER);
        let mut add = |system, things, should, has| {
            account.add(Line::count(system, things, should, has));
        };
        add(
            "hub: from the shop, by the API",
            "events",
            size(self.shop.acknowledged.len()),
            api.stored,
        );
        add(
            "hub: from the warehouse, by SQL",
            "events",
            size(self.warehouse.committed.len()),
            sql.stored,
        );
        add(
            "hub: from the source host, by webhook",
            "events",
            self.code_host.wanted,
            hook.stored,
        );
        add(
            "hub: deliveries with nothing for us",
            "deliveries",
            self.code_host.ignored,
            hook.ignored,
        );
        add(
            "hub: repeats, stored once",
            "repeats",
            self.shop.duplicates + self.warehouse.repeated + self.code_host.repeated,
            api.duplicate + sql.duplicate + hook.duplicate,
        );
        add(
            "hub: forged or altered, refused",
            "refusals",
            self.shop.altered + self.code_host.forged,
            self.shop.conflicts + self.code_host.refused,
        );
        add(
            "hub: the log",
            "events",
            self.everything(),
            status.log.stored,
        );
    }
}

fn size(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
