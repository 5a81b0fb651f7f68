//! The services of the hub, each in a process of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use stage::{Hub, Service, StageError};
use tokio::sync::Mutex;
use tokio::time::sleep;

/// What runs beside the projections, in the order in which it is started.
const ALWAYS: [&str; 2] = ["run relay", "run ingest"];

/// The projections of the configuration.
pub(crate) const PROJECTIONS: [&str; 7] = [
    "payments",
    "erp",
    "crm",
    "notification",
    "stock",
    "sales",
    "order_state",
];

/// All services. Dropped, they are killed.
#[derive(Debug)]
pub(crate) struct Services {
    hub: Hub,
    running: Mutex<BTreeMap<String, Service>>,
}

impl Services {
    /// Starts all of them.
    ///
    /// # Errors
    /// When one cannot be started.
    pub(crate) fn start(hub: &Hub) -> Result<Self, StageError> {
        let mut running = BTreeMap::new();
        let projections = PROJECTIONS.map(|name| format!("run projection {name}"));
        for command in ALWAYS.map(str::to_owned).into_iter().chain(projections) {
            let service = start(hub, &command)?;
            running.insert(command, service);
        }
        Ok(Self {
            hub: hub.clone(),
            running: Mutex::new(running),
        })
    }

    /// That all of them run which should.
    ///
    /// # Errors
    /// One that ended by itself.
    pub(crate) async fn must_run(&self) -> Result<(), StageError> {
        self.running
            .lock()
            .await
            .values_mut()
            .try_for_each(Service::must_run)
    }

    /// SIGKILL, a while without it, and a new start.
    ///
    /// # Errors
    /// When it did not run, or does not start.
    pub(crate) async fn kill_and_start(
        &self,
        command: &str,
        without: Duration,
    ) -> Result<(), StageError> {
        let service = self.running.lock().await.remove(command);
        let mut service = service
            .ok_or_else(|| StageError::Unexpected(format!("`dragoman {command}` does not run")))?;
        service.kill().await?;
        sleep(without).await;
        let again = start(&self.hub, command)?;
        self.running.lock().await.insert(command.to_owned(), again);
        Ok(())
    }

    /// Stops all of them in good order.
    ///
    /// # Errors
    /// When one does not end well.
    pub(crate) async fn stop(self) -> Result<(), StageError> {
        for (_, service) in self.running.into_inner() {
            service.stop().await?;
        }
        Ok(())
    }
}

fn start(hub: &Hub, command: &str) -> Result<Service, StageError> {
    let arguments: Vec<&str> = command.split(' ').collect();
    hub.start(&arguments)
}
