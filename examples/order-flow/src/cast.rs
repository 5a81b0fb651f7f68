//! The systems around the hub that it calls, each at an address of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use stage::{Site, StageError};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::counters::Counters;
use crate::outside::{Crm, Erp, ErpKeys, Gateway, GatewaySecrets, Hook, Notification};
use crate::plan::Plan;
use crate::secrets::Secrets;

/// All of them. Dropped, they are gone.
#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) erp: Arc<Erp>,
    pub(crate) crm: Arc<Crm>,
    pub(crate) notification: Arc<Notification>,
    addresses: [SocketAddr; 4],
    crm_site: Mutex<Option<Site>>,
    _sites: [Site; 3],
    _workers: [JoinSet<()>; 2],
}

impl Cast {
    /// Opens them. `hub`: where it will listen.
    ///
    /// # Errors
    /// When there is no room.
    pub(crate) async fn open(
        plan: &Arc<Plan>,
        counters: &Arc<Counters>,
        secrets: &Secrets,
        hub: SocketAddr,
    ) -> Result<Self, StageError> {
        let signing = GatewaySecrets {
            old: secrets.payments_old.clone(),
            new: secrets.payments.clone(),
        };
        let hook = Hook::new(hub, "/hooks/payments");
        let (gateway, deliveries) = Gateway::open(plan, counters, signing, hook);
        let keys = ErpKeys {
            calls: secrets.erp.clone(),
            hook: secrets.erp_hook.clone(),
        };
        let (erp, lorries) = Erp::open(plan, counters, keys, Hook::new(hub, "/hooks/erp"));
        let crm = Crm::new(plan, counters, secrets.crm.clone());
        let notification = Notification::new(plan, counters, secrets.notification.clone());
        let sites = [
            Site::open(0, Arc::clone(&gateway)).await?,
            Site::open(0, Arc::clone(&erp)).await?,
            Site::open(0, Arc::clone(&notification)).await?,
        ];
        let crm_site = Site::open(0, Arc::clone(&crm)).await?;
        let [at_gateway, at_erp, at_notification] = &sites;
        Ok(Self {
            addresses: [at_gateway, at_erp, &crm_site, at_notification].map(Site::address),
            gateway,
            erp,
            crm,
            notification,
            crm_site: Mutex::new(Some(crm_site)),
            _sites: sites,
            _workers: [deliveries, lorries],
        })
    }

    /// The variables in which the configuration finds them.
    pub(crate) fn environment(&self) -> [(&'static str, String); 4] {
        let names = ["GATEWAY_URL", "ERP_URL", "CRM_URL", "NOTIFICATION_URL"];
        let mut addresses = self.addresses.into_iter();
        names.map(|name| {
            let address = addresses.next().map(|address| format!("http://{address}"));
            (name, address.unwrap_or_default())
        })
    }

    /// The CRM is not there any more: connections are cut, new ones are refused.
    pub(crate) async fn crm_goes(&self) {
        self.crm_site.lock().await.take();
    }

    /// The CRM is there again, at the same place, and knows no token any more.
    ///
    /// # Errors
    /// When somebody else is at its place.
    pub(crate) async fn crm_returns(&self) -> Result<(), StageError> {
        self.crm.restart();
        let [_, _, address, _] = self.addresses;
        let site = Site::open(address.port(), Arc::clone(&self.crm)).await?;
        *self.crm_site.lock().await = Some(site);
        Ok(())
    }
}
