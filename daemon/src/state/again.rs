//! A registration that says nothing new of a known instance: the heartbeat of clients of the
//! original, found and compared without making anything.

use lastbeat_proto::Address;
use lastbeat_proto::register::{Patch, Registration};

use super::State;
use super::command::Heard;
use super::slab::{Detail, Place};
use crate::clock::Moment;
use crate::instance::Life;

impl State {
    /// Hears an instance again that registers as it is known; nobody when it does not: then
    /// [`Self::register`] is meant.
    pub fn hear_again(
        &mut self,
        registration: &Registration,
        caller: &Address,
        now: Moment,
    ) -> Option<Heard> {
        let place = self.known_by(registration, caller)?;
        self.advance(now);
        self.judge(place, now);
        self.beat(place, now);
        self.heard(place, false).ok()
    }

    /// The known instance of which `registration` says nothing but that it lives.
    fn known_by(&self, registration: &Registration, caller: &Address) -> Option<Place> {
        let (address, port) = whereabouts(registration, caller);
        let name = registration.name.as_str();
        let place = match (&registration.instance, port) {
            (Patch::Set(instance), _) => self.slab.find(name, instance.as_str()),
            // As `InstanceId::of_address` has it, without making one.
            (_, None) => self.slab.find(name, address.as_str()),
            (_, Some(_)) => self.slab.find(name, &address.with_port(port)),
        }?;
        let hot = self.slab.get(place)?;
        let is_known = hot.life != Life::Deregistered
            && says_nothing_new(&hot.detail, registration, (address, port));
        is_known.then_some(place)
    }
}

/// Whether a registration for this address leaves all that is kept of an instance as it is.
pub(super) fn says_nothing_new(
    old: &Detail,
    registration: &Registration,
    (address, port): (&Address, Option<u16>),
) -> bool {
    let is_port_left = match (&registration.port, port) {
        (Patch::Keep, None) => true,
        (_, port) => old.port == port,
    };
    is_port_left
        && old.address == *address
        && leaves(&registration.ttl, |ttl| old.own_ttl.as_ref() == ttl)
        && leaves(&registration.tags, |tags| {
            old.tags() == tags.map_or(&[][..], Vec::as_slice)
        })
        && leaves(&registration.metadata, |metadata| {
            metadata.map_or(old.metadata().is_empty(), |metadata| {
                old.metadata() == metadata
            })
        })
}

/// Address and port as a registration has them.
pub(super) fn whereabouts<'a>(
    registration: &'a Registration,
    caller: &'a Address,
) -> (&'a Address, Option<u16>) {
    let (address, written) = match &registration.ip {
        Some(endpoint) => (&endpoint.address, endpoint.port),
        None => (caller, None),
    };
    let given = match registration.port {
        Patch::Set(port) => Some(port),
        Patch::Keep | Patch::Clear => None,
    };
    (address, given.or(written))
}

/// Whether a patch makes the same again of what is there; `is` says whether a value, or none, is.
fn leaves<T>(patch: &Patch<T>, is: impl FnOnce(Option<&T>) -> bool) -> bool {
    match patch {
        Patch::Keep => true,
        Patch::Clear => is(None),
        Patch::Set(value) => is(Some(value)),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use lastbeat_proto::{Span, Timestamp};

    use super::*;
    use crate::clock::Mono;
    use crate::config::{Limits, Rules};
    use crate::state::record::Loaded;

    const LIMITS: Limits = Limits {
        instances: 10,
        tombstones: 3,
    };
    const RULES: Rules = Rules {
        ttl: Span::from_secs(60),
        remove_after: Span::from_secs(60),
        start_grace: Span::from_secs(60),
        gone_for: Span::from_secs(86_400),
        tombstones_for: Span::from_secs(7 * 86_400),
    };

    fn at(seconds: i64) -> Moment {
        Moment {
            wall: Timestamp::from_micros(1_800_000_000_000_000 + seconds * 1_000_000),
            mono: Mono::from_micros(seconds * 1_000_000),
        }
    }

    /// Whether the second registration is a heartbeat of the first one's instance.
    fn is_heard_again(first: &str, second: &str) -> bool {
        let parse = |body: &str| Registration::parse(body.as_bytes()).unwrap();
        let caller = Address::from(IpAddr::from([192, 0, 2, 7]));
        let mut state = State::load(Loaded::default(), RULES, LIMITS, at(0));
        state.listen(at(0));
        let place = state.register(&parse(first), &caller, at(0)).unwrap().place;
        let before = state.revision();

        let again = state.hear_again(&parse(second), &caller, at(1));

        let last_heartbeat = state.row(place, at(1)).unwrap().last_heartbeat;
        let is_heard = again.is_some();
        assert_eq!(last_heartbeat == at(1).wall, is_heard, "{second}");
        assert!(again.is_none_or(|heard| heard.place == place));
        assert_eq!(state.revision(), before, "{second}");
        // What is not heard again is a change, or another instance.
        state.register(&parse(second), &caller, at(1)).unwrap();
        assert_eq!(state.revision() == before, is_heard, "{second}");
        is_heard
    }

    #[test]
    fn what_says_nothing_new_of_a_known_instance_is_heard_again() {
        let full = r#"{"name": "a", "ip": "10.0.0.1", "port": 80, "ttl_s": 30, "tags": ["x"],
            "metadata": {"k": "v"}}"#;
        for (first, second) in [
            (r#"{"name": "a"}"#, r#"{"name": "a"}"#),
            (r#"{"name": "a"}"#, r#"{"name": "a", "ip": "192.0.2.7"}"#),
            (
                r#"{"name": "a"}"#,
                r#"{"name": "a", "tags": [], "ttl_s": null}"#,
            ),
            (full, full),
            (full, r#"{"name": "a", "ip": "10.0.0.1:80"}"#),
            (
                r#"{"name": "a", "instance": "i", "port": 80}"#,
                r#"{"name": "a", "instance": "i"}"#,
            ),
        ] {
            assert!(is_heard_again(first, second), "{first} {second}");
        }
    }

    #[test]
    fn what_changes_something_is_not() {
        let first = r#"{"name": "a", "instance": "i", "port": 80, "ttl_s": 30, "tags": ["x"],
            "metadata": {"k": "v"}}"#;
        for second in [
            r#"{"name": "b", "instance": "i"}"#,
            r#"{"name": "a"}"#,
            r#"{"name": "a", "instance": "i", "ip": "10.0.0.1"}"#,
            r#"{"name": "a", "instance": "i", "port": 81}"#,
            r#"{"name": "a", "instance": "i", "port": null}"#,
            r#"{"name": "a", "instance": "i", "ttl_s": 31}"#,
            r#"{"name": "a", "instance": "i", "ttl_s": null}"#,
            r#"{"name": "a", "instance": "i", "tags": ["y"]}"#,
            r#"{"name": "a", "instance": "i", "tags": []}"#,
            r#"{"name": "a", "instance": "i", "metadata": {"k": "w"}}"#,
            r#"{"name": "a", "instance": "i", "metadata": {}}"#,
        ] {
            assert!(!is_heard_again(first, second), "{second}");
        }
    }
}
