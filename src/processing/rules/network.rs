//! Networks of IP addresses.

use std::net::IpAddr;

/// A network; host bits in its text are tolerated, an address alone is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Reads `address`, `address/prefix` or `address/mask`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, rest) = match text.split_once('/') {
            Some((address, rest)) => (address, Some(rest)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let prefix = rest.map_or(Some(width(address)), |rest| prefix(rest, address))?;
        Some(Self { address, prefix })
    }

    /// Whether the address lies in this network. One of the other family never does.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let same_family = self.address.is_ipv4() == address.is_ipv4();
        let host_bits = width(address).saturating_sub(self.prefix);
        // A shift by all bits leaves nothing to differ.
        let network = |address| bits(address).checked_shr(host_bits).unwrap_or(0);
        same_family && network(self.address) == network(address)
    }
}

fn prefix(text: &str, address: IpAddr) -> Option<u32> {
    if let Ok(prefix) = text.parse::<u32>() {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        return Some(prefix).filter(|prefix| digits && *prefix <= width(address));
    }
    let mask: IpAddr = text.parse().ok().filter(|mask: &IpAddr| mask.is_ipv4() == address.is_ipv4())?;
    let ones = bits(mask).count_ones();
    let host_bits = width(mask).saturating_sub(ones);
    let is_mask = bits(mask).trailing_zeros().min(width(mask)) == host_bits;
    is_mask.then_some(ones)
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_inside_by_its_leading_bits() {
        let inside = |network: &str, address: &str| {
            Network::parse(network).unwrap().contains(address.parse().unwrap())
        };
        for network in ["192.0.2.0/24", "192.0.2.77/24", "192.0.2.10", "192.0.2.0/255.255.255.0", "0.0.0.0/0"]
        {
            assert!(inside(network, "192.0.2.10"), "{network}");
        }
        assert!(inside("2001:db8:77::/64", "2001:db8:77::1") && inside("::/0", "2001:db8::1"));
        assert!(!inside("192.0.2.0/24", "192.0.3.10"));
        assert!(!inside("2001:db8::/32", "192.0.2.10") && !inside("0.0.0.0/0", "::1"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "net",
            "10.0.0.0/99",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/",
            "10.0.0.0/255.0.255.0",
            "::/129",
        ] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
