//! What a run has for itself: databases, a copy of the configuration, keys, addresses, and
//! the systems around the hub.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stage::{
    Client, Databases, Deadline, Hub, StageError, eventually, free_address, random_secret,
};

use crate::cast::Cast;
use crate::counters::Counters;
use crate::folder::copy_configuration;
use crate::options::Options;
use crate::plan::Plan;
use crate::secrets::Secrets;
use crate::shop::{self, Shop};
use crate::stranger::Stranger;
use crate::warehouse::{self, Warehouse};

/// How long the hub may take to be ready, in seconds.
const READY: u64 = 60;

/// Everything but what moves.
#[derive(Debug)]
pub(crate) struct House {
    databases: Databases,
    /// For what an operator writes.
    pub(crate) folder: PathBuf,
    pub(crate) plan: Arc<Plan>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) cast: Cast,
    pub(crate) hub: Hub,
    pub(crate) analytics: String,
    pub(crate) with_kafka: bool,
    listen: SocketAddr,
    hub_database: String,
    warehouse_role: String,
    warehouse_password: String,
}

impl House {
    /// Makes it. `folder`: an empty one, for configuration and logs.
    ///
    /// # Errors
    /// When something is refused.
    pub(crate) async fn open(options: &Options, folder: &Path) -> Result<Self, StageError> {
        let plan = Arc::new(Plan::new(options.orders, options.seed));
        let counters = Arc::new(Counters::default());
        let secrets = Secrets::new()?;
        let (listen, admin) = (free_address()?, free_address()?);
        let cast = Cast::open(&plan, &counters, &secrets, listen).await?;
        let suffix: String = random_secret()?.chars().take(8).collect();
        let mut databases = Databases::new(&options.postgres, &suffix)?;
        let hub_database = databases.create("order_flow_hub").await?;
        let analytics = databases.create("order_flow_analytics").await?;
        let warehouse_role = databases
            .create_role("order_flow_warehouse", &secrets.warehouse)
            .await?;
        let configuration = copy_configuration(&folder.join("hub"), options.kafka.is_some())?;
        let mut hub = Hub::new(&options.dragoman, &configuration, folder)
            .with("DATABASE_URL", &hub_database)
            .with("ANALYTICS_URL", &analytics)
            .with(
                "KAFKA_BROKERS",
                options.kafka.as_deref().unwrap_or_default(),
            )
            .with("TOPIC_PREFIX", &options.topic_prefix)
            .with("LISTEN", listen.to_string())
            .with("ADMIN", admin.to_string());
        for (name, value) in secrets.environment() {
            hub = hub.with(name, value);
        }
        for (name, value) in cast.environment() {
            hub = hub.with(name, value);
        }
        Ok(Self {
            databases,
            folder: folder.to_owned(),
            plan,
            counters,
            cast,
            hub,
            analytics,
            with_kafka: options.kafka.is_some(),
            listen,
            hub_database,
            warehouse_role,
            warehouse_password: secrets.warehouse,
        })
    }

    /// Waits until the hub takes events.
    ///
    /// # Errors
    /// When it does not in time.
    pub(crate) async fn ready(&self) -> Result<(), StageError> {
        let client = Client::new(self.listen);
        eventually("the hub answers", Deadline::within(READY), async || {
            Ok(client.get("/").await.ok().map(drop))
        })
        .await
    }

    /// A shop with a key of its own.
    ///
    /// # Errors
    /// When the hub gives no key.
    pub(crate) async fn shop(&self) -> Result<Shop, StageError> {
        let key = self
            .hub
            .run(&[
                "keys",
                "create",
                "shop",
                "--source",
                shop::SOURCE,
                "--type",
                "order.*",
            ])
            .await?;
        Ok(Shop {
            hub: self.listen,
            key,
        })
    }

    /// A warehouse that may publish.
    ///
    /// # Errors
    /// When the hub or its database refuses it.
    pub(crate) async fn warehouse(&self) -> Result<Warehouse, StageError> {
        let role = self.warehouse_role.as_str();
        let grant = ["keys", "create", "warehouse", "--role", role];
        let scope = ["--source", warehouse::SOURCE, "--type", "stock.*"];
        self.hub
            .run(&[grant.as_slice(), scope.as_slice()].concat())
            .await?;
        let warehouse = Warehouse {
            database: self.hub_database.clone(),
            role: self.warehouse_role.clone(),
            password: self.warehouse_password.clone(),
            orders: self.plan.orders,
        };
        warehouse.move_in().await?;
        Ok(warehouse)
    }

    /// Somebody who is not to be believed.
    pub(crate) fn stranger(&self) -> Stranger {
        Stranger {
            hub: self.listen,
            orders: self.plan.orders,
        }
    }

    /// Takes the databases away.
    ///
    /// # Errors
    /// When the cluster refuses it.
    pub(crate) async fn close(self) -> Result<(), StageError> {
        self.databases.drop_all().await
    }
}
