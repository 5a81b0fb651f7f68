//! What a run has for itself: databases, a copy of the configuration, keys, addresses.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use stage::{
    Client, Databases, Deadline, Hub, StageError, eventually, free_address, random_secret,
};

use crate::code_host::CodeHost;
use crate::folder::copy_configuration;
use crate::options::Options;
use crate::shop::{self, Shop};
use crate::warehouse::{self, Warehouse};

/// How long the hub may take to be ready, in seconds.
const READY: u64 = 30;

/// Everything but what moves.
#[derive(Debug)]
pub(crate) struct House {
    databases: Databases,
    pub(crate) hub: Hub,
    pub(crate) analytics: String,
    listen: SocketAddr,
    hub_database: String,
    warehouse_role: String,
    warehouse_password: String,
    old_secret: String,
    secret: String,
    time: Duration,
    events: usize,
}

impl House {
    /// Makes it. `folder`: an empty one, for configuration and logs.
    ///
    /// # Errors
    /// When something is refused.
    pub(crate) async fn open(options: &Options, folder: &Path) -> Result<Self, StageError> {
        let random = random_secret()?;
        let suffix: String = random.chars().take(8).collect();
        let warehouse_password = random_secret()?;
        let (old_secret, secret) = (random_secret()?, random_secret()?);
        let (listen, admin) = (free_address()?, free_address()?);
        let mut databases = Databases::new(&options.postgres, &suffix)?;
        let hub_database = databases.create("order_flow_hub").await?;
        let analytics = databases.create("order_flow_analytics").await?;
        let warehouse_role = databases
            .create_role("order_flow_warehouse", &warehouse_password)
            .await?;
        let configuration = copy_configuration(&folder.join("hub"), options.kafka.is_some())?;
        let hub = Hub::new(&options.dragoman, &configuration, folder)
            .with("DATABASE_URL", &hub_database)
            .with("ANALYTICS_URL", &analytics)
            .with(
                "KAFKA_BROKERS",
                options.kafka.as_deref().unwrap_or_default(),
            )
            .with("TOPIC_PREFIX", &options.topic_prefix)
            .with("CODE_HOST_SECRET", &secret)
            .with("CODE_HOST_OLD_SECRET", &old_secret)
            .with("LISTEN", listen.to_string())
            .with("ADMIN", admin.to_string());
        Ok(Self {
            databases,
            hub,
            analytics,
            listen,
            hub_database,
            warehouse_role,
            warehouse_password,
            old_secret,
            secret,
            time: Duration::from_secs(options.seconds),
            events: usize::try_from(options.orders).unwrap_or(usize::MAX),
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
            events: self.events,
            time: self.time,
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
            time: self.time,
        };
        warehouse.move_in().await?;
        Ok(warehouse)
    }

    /// The source host.
    pub(crate) fn code_host(&self) -> CodeHost {
        CodeHost {
            hub: self.listen,
            old_secret: self.old_secret.clone(),
            secret: self.secret.clone(),
            time: self.time,
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
