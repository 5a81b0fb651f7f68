//! Ranges of addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Addresses that begin with the same bits, and what they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range<Address> {
    pub(super) first: Address,
    /// How many bits all of them share.
    pub(super) bits: u32,
    /// What they are for, and where that is said: as it goes after "which is".
    pub(super) purpose: &'static str,
}

impl Range<Ipv4Addr> {
    pub(super) const fn v4(first: [u8; 4], bits: u32, purpose: &'static str) -> Self {
        let [a, b, c, d] = first;
        Self {
            first: Ipv4Addr::new(a, b, c, d),
            bits,
            purpose,
        }
    }

    pub(super) const fn holds(&self, address: Ipv4Addr) -> bool {
        let differing = self.first.to_bits() ^ address.to_bits();
        differing.leading_zeros() >= self.bits
    }
}

impl Range<Ipv6Addr> {
    pub(super) const fn v6(first: [u16; 8], bits: u32, purpose: &'static str) -> Self {
        let [a, b, c, d, e, f, g, h] = first;
        Self {
            first: Ipv6Addr::new(a, b, c, d, e, f, g, h),
            bits,
            purpose,
        }
    }

    pub(super) const fn holds(&self, address: Ipv6Addr) -> bool {
        let differing = self.first.to_bits() ^ address.to_bits();
        differing.leading_zeros() >= self.bits
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::Range;

    #[test]
    fn a_range_holds_its_first_and_its_last_and_no_neighbour() {
        let private = Range::v4([172, 16, 0, 0], 12, "");
        assert!(private.holds(Ipv4Addr::new(172, 16, 0, 0)));
        assert!(private.holds(Ipv4Addr::new(172, 31, 255, 255)));
        assert!(!private.holds(Ipv4Addr::new(172, 15, 255, 255)));
        assert!(!private.holds(Ipv4Addr::new(172, 32, 0, 0)));
        let one = Range::v6([0, 0, 0, 0, 0, 0, 0, 1], 128, "");
        assert!(one.holds(Ipv6Addr::LOCALHOST));
        assert!(!one.holds(Ipv6Addr::UNSPECIFIED));
    }
}
