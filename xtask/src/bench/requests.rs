//! The requests, byte for byte, of the daemon and of what it is compared with.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::load::Request;

/// How far the numbers of neighboring requests lie apart: a prime, so that those that beat one after
/// the other do not lie side by side in memory or on the disk.
const STRIDE: u64 = 7_919;

/// The name of an instance.
pub(super) fn name(number: u64) -> String {
    format!("service-{number:07}")
}

/// Its address.
fn ip(number: u64) -> Ipv4Addr {
    let low = u32::try_from(number % (1 << 24)).unwrap_or_default();
    Ipv4Addr::from((10 << 24) | low)
}

/// A request of HTTP/1.1 without or with a body.
fn post(out: &mut Vec<u8>, path: &str, body: &str) {
    let written = write!(
        out,
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // Memory takes everything.
    drop(written);
}

/// Registers an instance, or beats for it when it is known: what the original's clients do.
fn register(out: &mut Vec<u8>, number: u64) {
    let body = format!(r#"{{"name": "{}", "ip": "{}"}}"#, name(number), ip(number));
    post(out, "/register", &body);
}

/// Heartbeats of the first `count` instances by `POST /register`, each in its turn.
pub(super) fn heartbeats(count: u64) -> Request {
    Arc::new(move |number, out| register(out, number.wrapping_mul(STRIDE) % count))
}

/// The same by `POST /heartbeat/NAME`, without a body.
pub(super) fn bare_heartbeats(count: u64) -> Request {
    Arc::new(move |number, out| {
        let name = name(number.wrapping_mul(STRIDE) % count);
        post(out, &format!("/heartbeat/{name}"), "");
    })
}

/// Registrations of instances that are new, from `first` on.
pub(super) fn registrations(first: u64) -> Request {
    Arc::new(move |number, out| register(out, first + number))
}

/// The same with a ttl in seconds that is told for each.
pub(super) fn registrations_for(
    first: u64,
    ttl: impl Fn(u64) -> f64 + Send + Sync + 'static,
) -> Request {
    Arc::new(move |number, out| {
        let body = format!(
            r#"{{"name": "{}", "ip": "{}", "ttl_s": {:.6}}}"#,
            name(first + number),
            ip(first + number),
            ttl(number)
        );
        post(out, "/register", &body);
    })
}

/// Registrations whose deadlines all are at one moment, whenever they are made.
pub(super) fn registrations_until(first: u64, moment: SystemTime) -> Request {
    registrations_for(first, move |_number| {
        // One that comes too late is refused for its ttl, and the run ends.
        let left = moment.duration_since(SystemTime::now());
        left.unwrap_or(Duration::ZERO).as_secs_f64()
    })
}

/// Asks for the same again and again.
pub(super) fn get(path: &str) -> Request {
    let text = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    Arc::new(move |_number, out| out.extend_from_slice(text.as_bytes()))
}

/// What a client of Redis does for a heartbeat: `SET NAME IP EX 60`.
pub(super) fn redis_set(count: u64) -> Request {
    Arc::new(move |number, out| {
        let number = number.wrapping_mul(STRIDE) % count;
        let (name, ip) = (name(number), ip(number).to_string());
        let written = write!(
            out,
            "*5\r\n$3\r\nSET\r\n${}\r\n{name}\r\n${}\r\n{ip}\r\n$2\r\nEX\r\n$2\r\n60\r\n",
            name.len(),
            ip.len()
        );
        // Memory takes everything.
        drop(written);
    })
}

/// What a client of etcd's gateway does for a heartbeat: it keeps its lease.
pub(super) fn etcd_keep_alive(count: u64) -> Request {
    Arc::new(move |number, out| {
        let id = 1 + number.wrapping_mul(STRIDE) % count;
        post(out, "/v3/lease/keepalive", &format!(r#"{{"ID": "{id}"}}"#));
    })
}

/// Grants the leases that are kept.
pub(super) fn etcd_grant() -> Request {
    Arc::new(|number, out| {
        let body = format!(r#"{{"ID": "{}", "TTL": "3600"}}"#, 1 + number);
        post(out, "/v3/lease/grant", &body);
    })
}

/// The other thing that such a client could do: put its key again.
pub(super) fn etcd_put(count: u64) -> Request {
    Arc::new(move |number, out| {
        let number = number.wrapping_mul(STRIDE) % count;
        let body = format!(
            r#"{{"key": "{}", "value": "{}"}}"#,
            base64(name(number).as_bytes()),
            base64(ip(number).to_string().as_bytes())
        );
        post(out, "/v3/kv/put", &body);
    })
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or_default());
        let bits = (at(0) << 16) | (at(1) << 8) | at(2);
        for place in 0..4 {
            let six = usize::try_from((bits >> (18 - 6 * place)) & 63).unwrap_or_default();
            let letter = ALPHABET.get(six).copied().unwrap_or_default();
            text.push(if place <= three.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(request: &Request, number: u64) -> String {
        let mut out = Vec::new();
        request(number, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn heartbeats_reach_every_instance_in_turn() {
        let request = heartbeats(10);
        let mut seen: Vec<String> = (0..10).map(|number| text(&request, number)).collect();
        seen.sort_unstable();
        seen.dedup();

        assert_eq!(seen.len(), 10);
        assert_eq!(text(&request, 0), text(&request, 10));
        assert!(
            text(&request, 0)
                .ends_with("\r\n\r\n{\"name\": \"service-0000000\", \"ip\": \"10.0.0.0\"}")
        );
    }

    #[test]
    fn what_is_due_at_one_moment_is_asked_for_a_ttl_until_then() {
        let moment = SystemTime::now() + Duration::from_secs(60);

        let text = text(&registrations_until(0, moment), 0);

        let ttl = text
            .split_once("\"ttl_s\": ")
            .unwrap()
            .1
            .trim_end_matches('}');
        assert!(
            (59.0..=60.0).contains(&ttl.parse::<f64>().unwrap()),
            "{text}"
        );
    }

    #[test]
    fn keys_of_etcd_are_base64() {
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"];
        let coded = [
            "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy",
        ];

        assert_eq!(texts.map(|text| base64(text.as_bytes())), coded);
    }
}
