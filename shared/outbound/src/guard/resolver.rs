//! From a name to the addresses that are dialled.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::Guard;

/// The addresses of a name, on their way.
pub(crate) type LookingUp = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Asks somebody for the addresses of a name.
pub(crate) type Lookup = fn(String) -> LookingUp;

/// Resolves a name, has every address judged, and hands out those and no others: what was
/// judged is what is dialled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuardedResolver {
    guard: Guard,
    lookup: Lookup,
}

impl GuardedResolver {
    /// By the resolver of this machine.
    pub(crate) fn new(guard: Guard) -> Self {
        Self {
            guard,
            lookup: look_up,
        }
    }

    #[cfg(test)]
    pub(crate) fn with_lookup(guard: Guard, lookup: Lookup) -> Self {
        Self { guard, lookup }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { guard, lookup } = *self;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let addresses = lookup(host.clone()).await?;
            if addresses.is_empty() {
                return Err(io::Error::other("the name has no address").into());
            }
            guard.check(&host, &addresses)?;
            // Port 0 stands for the one of the URL.
            let pinned = addresses
                .into_iter()
                .map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(pinned) as Addrs)
        })
    }
}

fn look_up(host: String) -> LookingUp {
    Box::pin(async move {
        let addresses = tokio::net::lookup_host((host.as_str(), 0)).await?;
        Ok(addresses.map(|address| address.ip()).collect())
    })
}
