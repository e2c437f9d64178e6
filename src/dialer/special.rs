//! Addresses that are no agent's: this machine, its link, and the services of clouds that give
//! credentials to any client inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Of Alibaba's metadata, and of Azure's services for its machines.
const METADATA_V4: [Ipv4Addr; 2] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// Of Amazon's metadata.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Whether a name that a user chose must not lead there.
pub(super) fn is_special(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(it) => {
            // 169.254.169.254, the metadata of most clouds, is link-local.
            let has_no_host = it.is_unspecified() || it.is_broadcast() || it.is_multicast();
            has_no_host || it.is_loopback() || it.is_link_local() || METADATA_V4.contains(&it)
        }
        IpAddr::V6(it) => {
            let has_no_host = it.is_unspecified() || it.is_multicast();
            let is_local = it.is_loopback() || it.is_unicast_link_local();
            has_no_host || is_local || it == METADATA_V6
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_no_agents_is_special() {
        for (address, expected) in [
            ("127.0.0.1", true),
            ("127.255.0.1", true),
            ("0.0.0.0", true),
            ("169.254.169.254", true),
            ("169.254.0.1", true),
            ("100.100.100.200", true),
            ("168.63.129.16", true),
            ("255.255.255.255", true),
            ("224.0.0.1", true),
            ("::1", true),
            ("::", true),
            ("::ffff:127.0.0.1", true),
            ("::ffff:169.254.169.254", true),
            ("fe80::1", true),
            ("fd00:ec2::254", true),
            ("ff02::1", true),
            ("10.0.0.1", false),
            ("100.100.100.201", false),
            ("168.63.129.17", false),
            ("170.254.0.1", false),
            ("192.168.1.1", false),
            ("::ffff:10.0.0.1", false),
            ("fd00:ec2::255", false),
            ("2001:db8::1", false),
        ] {
            let found = is_special(address.parse().unwrap());
            assert_eq!(found, expected, "{address}");
        }
    }
}
