//! IPv6 addresses that are not public.
//!
//! Global unicast addresses are given out from 2000::/3 alone (RFC 4291, section 2.4, and
//! the IANA IPv6 Address Space registry); everything else is refused without being listed,
//! and is listed only so that a message can say what it is. Within 2000::/3 the IANA IPv6
//! Special-Purpose Address Registry (RFC 6890, RFC 8190) decides, and more strictly than
//! it says: all of 2001::/23 is refused, with its anycast services, since Teredo and the
//! ORCHIDs lie there, and so is 6to4, which hides an IPv4 address and is retired.
//!
//! The one exception is the well-known prefix of NAT64 (RFC 6052): where a network has
//! only IPv6, every name of the IPv4 Internet resolves to it. It is judged by the IPv4
//! address that it holds. The prefix that a network has chosen for itself cannot be told
//! from other addresses; who has one must see to it that it translates to nothing private.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::ipv4;
use super::ranges::Range;

const GLOBAL_UNICAST: Range<Ipv6Addr> = Range::v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3, "");

const NAT64: Range<Ipv6Addr> = Range::v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96, "");

const SPECIAL: &[Range<Ipv6Addr>] = &[
    // Within 2000::/3: without these lines they would pass.
    Range::v6(
        [0x2001, 0, 0, 0, 0, 0, 0, 0],
        32,
        "a Teredo tunnel (RFC 4380)",
    ),
    Range::v6(
        [0x2001, 0, 0, 0, 0, 0, 0, 0],
        23,
        "for protocols of the IETF (RFC 2928)",
    ),
    Range::v6(
        [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0],
        32,
        "for documentation (RFC 3849)",
    ),
    Range::v6(
        [0x2002, 0, 0, 0, 0, 0, 0, 0],
        16,
        "a 6to4 tunnel (RFC 3056)",
    ),
    Range::v6(
        [0x3fff, 0, 0, 0, 0, 0, 0, 0],
        20,
        "for documentation (RFC 9637)",
    ),
    // Outside of it: these lines only give them a name.
    Range::v6([0; 8], 128, "unspecified (RFC 4291)"),
    Range::v6([0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback (RFC 4291)"),
    Range::v6([0; 8], 96, "an IPv4 address in IPv6 (RFC 4291)"),
    Range::v6(
        [0, 0, 0, 0, 0, 0xffff, 0, 0],
        96,
        "an IPv4 address in IPv6 (RFC 4291)",
    ),
    Range::v6(
        [0x64, 0xff9b, 1, 0, 0, 0, 0, 0],
        48,
        "a NAT64 of the local network (RFC 8215)",
    ),
    Range::v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "discarded (RFC 6666)"),
    Range::v6([0x100, 0, 0, 1, 0, 0, 0, 0], 64, "a dummy (RFC 9780)"),
    Range::v6(
        [0x5f00, 0, 0, 0, 0, 0, 0, 0],
        16,
        "a segment of routing (RFC 9602)",
    ),
    Range::v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "private (RFC 4193)"),
    Range::v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local (RFC 4291)"),
    Range::v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "site-local (RFC 3879)"),
    Range::v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast (RFC 4291)"),
];

/// What the address is for when it is not public.
pub(super) fn special_purpose(address: Ipv6Addr) -> Option<&'static str> {
    if NAT64.holds(address) {
        return ipv4::special_purpose(embedded(address));
    }
    let listed = SPECIAL
        .iter()
        .find(|range| range.holds(address))
        .map(|range| range.purpose);
    if GLOBAL_UNICAST.holds(address) {
        listed
    } else {
        listed.or(Some("not of the global unicast addresses (RFC 4291)"))
    }
}

/// The IPv4 address in the last 32 bits.
const fn embedded(address: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b, c, d)
}
