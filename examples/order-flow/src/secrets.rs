//! What only two know, for one run.

use stage::{StageError, random_secret};

/// Secrets that nobody can guess.
#[derive(Debug)]
pub(crate) struct Secrets {
    pub(crate) payments: String,
    pub(crate) payments_old: String,
    pub(crate) erp: String,
    pub(crate) erp_hook: String,
    pub(crate) crm: String,
    pub(crate) notification: String,
    pub(crate) warehouse: String,
}

impl Secrets {
    /// New ones.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub(crate) fn new() -> Result<Self, StageError> {
        Ok(Self {
            payments: random_secret()?,
            payments_old: random_secret()?,
            erp: random_secret()?,
            erp_hook: random_secret()?,
            crm: random_secret()?,
            notification: random_secret()?,
            warehouse: random_secret()?,
        })
    }

    /// The variables in which the configuration finds them.
    pub(crate) fn environment(&self) -> [(&'static str, &str); 6] {
        [
            ("PAYMENTS_SECRET", &self.payments),
            ("PAYMENTS_OLD_SECRET", &self.payments_old),
            ("ERP_KEY", &self.erp),
            ("ERP_HOOK_KEY", &self.erp_hook),
            ("CRM_SECRET", &self.crm),
            ("NOTIFICATION_TOKEN", &self.notification),
        ]
    }
}
