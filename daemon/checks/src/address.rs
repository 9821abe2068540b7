//! Addresses: one spelling each, which reads back as itself and makes a key that is a name.

use std::net::IpAddr;

use lastbeat_proto::{InstanceId, NetworkEndpoint};

use crate::sentence::assert_plain;

/// Reads the bytes as an address with or without a port.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let endpoint = match NetworkEndpoint::parse(&text) {
        Ok(endpoint) => endpoint,
        Err(error) => return assert_plain("an error about an address", &error.to_string()),
    };
    let address = endpoint.address.as_str();
    let written = endpoint.address.with_port(endpoint.port);
    assert_eq!(
        NetworkEndpoint::parse(&written).as_ref(),
        Ok(&endpoint),
        "{written}"
    );
    let alone = NetworkEndpoint::parse(address).unwrap();
    assert_eq!((alone.address.as_str(), alone.port), (address, None));
    assert_ne!(endpoint.port, Some(0));
    assert!(address.len() <= 253 && !address.is_empty(), "{address}");
    assert_canonical(address);
    let key = InstanceId::of_address(&endpoint.address, endpoint.port);
    if written.len() <= 128 {
        assert_eq!(InstanceId::parse(key.as_str()), Ok(key), "{written}");
    }
}

fn assert_canonical(address: &str) {
    let (host, zone) = address
        .split_once('%')
        .map_or((address, None), |(h, z)| (h, Some(z)));
    match host.parse::<IpAddr>() {
        Ok(ip) => {
            assert_eq!(ip.to_string(), host);
            assert!(zone.is_none() || ip.is_ipv6(), "{address}");
            assert!(
                zone.is_some() || ip.to_canonical() == ip,
                "mapped: {address}"
            );
            let known = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
            assert!(zone.is_none_or(|z| z.bytes().all(known) && (1..=32).contains(&z.len())));
        }
        Err(_not_an_ip) => {
            assert_eq!(zone, None, "{address}");
            for label in host.split('.') {
                let known =
                    |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
                assert!(label.bytes().all(known), "{address}");
                assert!((1..=63).contains(&label.len()), "{address}");
                assert!(
                    !label.starts_with('-') && !label.ends_with('-'),
                    "{address}"
                );
            }
            let last = host.rsplit('.').next().unwrap();
            assert!(
                !last.bytes().all(|b| b.is_ascii_digit()),
                "a number: {address}"
            );
            assert!(!last.starts_with("0x") || u128::from_str_radix(&last[2..], 16).is_err());
        }
    }
}
