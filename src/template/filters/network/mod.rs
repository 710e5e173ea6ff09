//! The filters of ansible.utils on addresses and networks.

mod hwaddr;
mod ipaddr;
mod masks;
mod subnets;

pub(super) use hwaddr::{hwaddr, macaddr};
pub(super) use ipaddr::{ipaddr, ipv4, ipv6, ipwrap};
pub(super) use masks::{cidr_merge, ip4_hex, ipcut, ipmath, ipv6form, slaac};
pub(super) use subnets::{
    ipsubnet, network_in_network, network_in_usable, next_nth_usable, nthhost, previous_nth_usable,
    reduce_on_network, usable_range,
};
