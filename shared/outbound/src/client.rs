//! The HTTP client, with everything off that would call somebody else or twice.

use std::time::Duration;

use reqwest::{Client, redirect, retry};

use crate::guard::GuardedResolver;

/// What is said of who calls, when a call does not say it.
pub(crate) const USER_AGENT: &str = concat!("dragoman/", env!("CARGO_PKG_VERSION"));

/// The longest that a connection may take to come about.
const MAX_CONNECT: Duration = Duration::from_secs(5);

/// How long a connection may wait for the next call. Shorter than what servers commonly
/// wait (the shortest are five seconds): a call that meets one which is just being closed
/// has an unknown outcome.
const IDLE: Duration = Duration::from_secs(4);

/// A client whose connections come about within three quarters of `timeout`, and five
/// seconds at the most: what is not connected by then could not be answered in time, and
/// is known not to have been sent.
pub(crate) fn new(resolver: GuardedResolver, timeout: Duration) -> reqwest::Result<Client> {
    Client::builder()
        .dns_resolver(resolver)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout((timeout * 3 / 4).min(MAX_CONNECT))
        .pool_idle_timeout(IDLE)
        .build()
}
