//! Which addresses may be called. A hub that calls whatever address a configuration or a
//! name server gives it is a door into the network that it stands in (server-side request
//! forgery): to metadata services of clouds, to databases, to itself.
//!
//! What holds, together: a literal address is judged when the endpoint is made; a name is
//! resolved by [`GuardedResolver`] for each connection, refused when *any* of its addresses
//! is not public, and exactly the judged addresses are dialled, so that no second answer
//! of a name server comes between; no redirect is followed; no proxy is used, which would
//! resolve for itself.

mod ipv4;
mod ipv6;
mod ranges;
mod refused;
mod resolver;

use std::net::{IpAddr, Ipv4Addr};

use url::Host;

pub use self::refused::Refused;
pub(crate) use self::resolver::GuardedResolver;
#[cfg(test)]
pub(crate) use self::resolver::LookingUp;

/// Whether the address is a public unicast one, that is, reachable from everywhere by the
/// special-purpose registries of IANA (RFC 6890). It errs on the side of `false`.
#[must_use]
pub fn is_global(address: IpAddr) -> bool {
    special_purpose(address).is_none()
}

fn special_purpose(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => ipv4::special_purpose(address),
        IpAddr::V6(address) => ipv6::special_purpose(address),
    }
}

/// Judges hosts and addresses before they are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    private_network: bool,
}

impl Guard {
    /// One that lets only public addresses through, or with `private_network` all.
    #[must_use]
    pub const fn new(private_network: bool) -> Self {
        Self { private_network }
    }

    /// Judges what stands in a URL. A literal address, in whatever notation the URL had it,
    /// is judged for good; a name is judged when it is resolved, but for `localhost`, which
    /// is this machine by RFC 6761.
    ///
    /// # Errors
    /// The address that is not public.
    pub fn check_host(self, host: &Host<&str>) -> Result<(), Refused> {
        match host {
            Host::Ipv4(address) => self.check(&host.to_string(), &[IpAddr::V4(*address)]),
            Host::Ipv6(address) => self.check(&host.to_string(), &[IpAddr::V6(*address)]),
            Host::Domain(name) if is_localhost(name) => {
                self.check(name, &[IpAddr::V4(Ipv4Addr::LOCALHOST)])
            }
            Host::Domain(_) => Ok(()),
        }
    }

    /// Judges all addresses that a name has.
    ///
    /// # Errors
    /// The first address that is not public: one is enough, since which of them is dialled
    /// is left to chance.
    pub fn check(self, host: &str, addresses: &[IpAddr]) -> Result<(), Refused> {
        if self.private_network {
            return Ok(());
        }
        let refused = addresses
            .iter()
            .find_map(|address| Some((*address, special_purpose(*address)?)));
        refused.map_or(Ok(()), |(address, purpose)| {
            Err(Refused {
                host: host.into(),
                address,
                purpose,
            })
        })
    }
}

/// `localhost` and whatever ends in it, with or without the dot of the root.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    last.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests;
