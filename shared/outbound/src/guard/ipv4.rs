//! IPv4 addresses that are not public.
//!
//! From the IANA IPv4 Special-Purpose Address Registry (RFC 6890, updated by RFC 8190),
//! its addresses that are not globally reachable; multicast, which stands in a registry of
//! its own (RFC 5771). In three places this is stricter than the registry: the whole of
//! 192.0.0.0/24 is refused with its anycast services, the 6to4 relays are refused as
//! RFC 7526 retired them, and so is the address at which a large cloud serves the
//! configuration of its machines, which is public by its number and not by its nature.
//! The AS112 and AMT services of the registry are globally reachable and are let through.

use std::net::Ipv4Addr;

use super::ranges::Range;

const SPECIAL: &[Range<Ipv4Addr>] = &[
    Range::v4([0, 0, 0, 0], 8, "this host or network (RFC 791)"),
    Range::v4([10, 0, 0, 0], 8, "private (RFC 1918)"),
    Range::v4([100, 64, 0, 0], 10, "shared by a carrier's NAT (RFC 6598)"),
    Range::v4([127, 0, 0, 0], 8, "loopback (RFC 1122)"),
    Range::v4(
        [168, 63, 129, 16],
        32,
        "where a cloud serves the configuration of its machines",
    ),
    Range::v4([169, 254, 0, 0], 16, "link-local (RFC 3927)"),
    Range::v4([172, 16, 0, 0], 12, "private (RFC 1918)"),
    Range::v4([192, 0, 0, 0], 24, "for protocols of the IETF (RFC 6890)"),
    Range::v4([192, 0, 2, 0], 24, "for documentation (RFC 5737)"),
    Range::v4([192, 88, 99, 0], 24, "a retired 6to4 relay (RFC 7526)"),
    Range::v4([192, 168, 0, 0], 16, "private (RFC 1918)"),
    Range::v4([198, 18, 0, 0], 15, "for benchmarks (RFC 2544)"),
    Range::v4([198, 51, 100, 0], 24, "for documentation (RFC 5737)"),
    Range::v4([203, 0, 113, 0], 24, "for documentation (RFC 5737)"),
    Range::v4([224, 0, 0, 0], 4, "multicast (RFC 5771)"),
    Range::v4([240, 0, 0, 0], 4, "reserved (RFC 1112)"),
];

/// What the address is for when it is not public.
pub(super) fn special_purpose(address: Ipv4Addr) -> Option<&'static str> {
    SPECIAL
        .iter()
        .find(|range| range.holds(address))
        .map(|range| range.purpose)
}
