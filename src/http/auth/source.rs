//! Where callbacks may come from.
//!
//! Invariant: the address is that of the connection; no header changes it.

use std::net::SocketAddr;

use ipnet::IpNet;

use super::Refusal;

const REFUSED: &str = "Callbacks are not taken from this address";

/// Refuses a peer outside the networks, if there are any. A peer without an address is in none.
pub(super) fn check(peer: Option<SocketAddr>, networks: &[IpNet]) -> Result<(), Refusal> {
    if networks.is_empty() {
        return Ok(());
    }
    // A socket of both families shows IPv4 addresses inside IPv6 ones.
    let address = peer.map(|peer| peer.ip().to_canonical());
    let is_inside = address.is_some_and(|address| networks.iter().any(|network| network.contains(&address)));
    if is_inside { Ok(()) } else { Err(Refusal::Forbidden(REFUSED)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken(peer: &str, networks: &[&str]) -> bool {
        let networks: Vec<IpNet> = networks.iter().map(|network| network.parse().unwrap()).collect();
        check(Some(peer.parse().unwrap()), &networks).is_ok()
    }

    #[test]
    fn only_the_networks_count_where_there_are_any() {
        assert!(is_taken("192.0.2.9:1", &[]));
        assert!(is_taken("192.0.2.9:1", &["198.51.100.0/24", "192.0.2.0/24"]));
        assert!(is_taken("[::ffff:192.0.2.9]:1", &["192.0.2.0/24"]));
        assert!(is_taken("[2001:db8::1]:1", &["2001:db8::/32"]));
        assert!(!is_taken("192.0.3.9:1", &["192.0.2.0/24"]));
        assert!(!is_taken("[::1]:1", &["0.0.0.0/0"]));
    }

    #[test]
    fn a_peer_without_an_address_is_in_no_network() {
        assert!(check(None, &[]).is_ok());
        assert!(check(None, &["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]).is_err());
    }
}
