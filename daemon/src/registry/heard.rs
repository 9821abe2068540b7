//! What is answered to who was heard, written from the row's own JSON: most of all answers are
//! these.

use crate::state::{RowSnapshot, json};

/// Room for an answer about a row with a short name and few labels, in bytes; others grow.
const USUAL_BYTES: usize = 768;

/// An instance was heard.
#[derive(Debug)]
pub struct HeardAnswer {
    /// The number that must be stored before this is told.
    pub urgent: u64,
    pub(super) row: RowSnapshot,
    pub(super) by: By,
}

/// How an instance was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// By a registration.
    Registration {
        /// Whether it was not registered before.
        is_created: bool,
        /// Whether it came without an address, so that the caller's was taken.
        is_at_caller: bool,
    },
    /// By its name alone.
    Name,
}

impl By {
    /// By a registration of a known instance, with this address if with any.
    pub(super) const fn known<T: ?Sized>(ip: Option<&T>) -> Self {
        Self::Registration {
            is_created: false,
            is_at_caller: ip.is_none(),
        }
    }
}

impl HeardAnswer {
    /// A [`RegisterAnswer`](lastbeat_proto::answer::RegisterAnswer) or
    /// [`HeartbeatAnswer`](lastbeat_proto::answer::HeartbeatAnswer) as JSON.
    pub fn json(&self) -> Vec<u8> {
        let detail = &self.row.detail;
        let every = self.row.ttl.third();
        let mut out = Vec::with_capacity(USUAL_BYTES);
        out.extend_from_slice(b"{\"message\":");
        detail.write_name(&mut out);
        // The text goes on; nothing behind the name needs escaping.
        out.pop();
        let done = match self.by {
            By::Registration {
                is_created: true, ..
            } => " registered",
            By::Registration { .. } | By::Name => " heard",
        };
        out.extend_from_slice(done.as_bytes());
        if let By::Registration {
            is_at_caller: true, ..
        } = self.by
        {
            out.extend_from_slice(b" at ");
            out.extend_from_slice(detail.address.as_str().as_bytes());
            out.extend_from_slice(b", the address the request came from");
        }
        out.extend_from_slice(b"; send this again every ");
        for (count, unit) in every.units() {
            json(&mut out, &count);
            out.extend_from_slice(unit.as_bytes());
        }
        out.extend_from_slice(b"\",\"service\":");
        self.row.write(&mut out);
        if let By::Registration { is_created, .. } = self.by {
            let created: &[u8] = if is_created {
                b",\"created\":true"
            } else {
                b",\"created\":false"
            };
            out.extend_from_slice(created);
        }
        out.extend_from_slice(b",\"ttl_s\":");
        json(&mut out, &self.row.ttl);
        out.extend_from_slice(b",\"heartbeat_every_s\":");
        json(&mut out, &every);
        out.push(b'}');
        out
    }
}

#[cfg(test)]
mod tests {
    use lastbeat_proto::answer::{HeartbeatAnswer, RegisterAnswer};
    use lastbeat_proto::register::Registration;
    use lastbeat_proto::{Address, ServiceName, Timestamp};
    use std::net::IpAddr;

    use super::*;
    use crate::clock::{Moment, Mono};
    use crate::config::{Limits, Rules};
    use crate::state::State;
    use crate::state::record::Loaded;

    const NOW: Moment = Moment {
        wall: Timestamp::from_micros(1_800_000_000_000_000),
        mono: Mono::from_micros(1_000_000),
    };

    const LIMITS: Limits = Limits {
        instances: 10,
        tombstones: 3,
    };
    const RULES: Rules = Rules::SAMPLE;

    #[test]
    fn what_is_written_is_read_as_the_same_row_with_its_sentence() {
        let caller = Address::from(IpAddr::from([192, 0, 2, 7]));
        let mut state = State::load(Loaded::default(), RULES, LIMITS, NOW);
        for (body, name, by) in [
            (
                r#"{"name": "a\"b\\\u00fc", "tags": ["x"]}"#,
                "a\"b\\\u{fc}",
                "registered at 192.0.2.7, the address the request came from",
            ),
            (
                r#"{"name": "c", "ip": "10.0.0.1:80", "ttl_s": 10}"#,
                "c",
                "registered",
            ),
        ] {
            let registration = Registration::parse(body.as_bytes()).unwrap();
            let heard = state.register(&registration, &caller, NOW).unwrap();
            let row = state.row(heard.place, NOW).unwrap();
            let every = row.ttl_s.third();
            let answer = |by| HeardAnswer {
                urgent: 0,
                row: state.snapshot(heard.place, NOW).unwrap(),
                by,
            };
            let registered = answer(By::Registration {
                is_created: true,
                is_at_caller: registration.ip.is_none(),
            });

            let read: RegisterAnswer = serde_json::from_slice(&registered.json()).unwrap();
            assert_eq!(
                read,
                RegisterAnswer {
                    message: format!("{name} {by}; send this again every {every}"),
                    service: row.clone(),
                    created: true,
                    ttl_s: row.ttl_s,
                    heartbeat_every_s: every,
                }
            );
            let json = answer(By::Name).json();
            let read: HeartbeatAnswer = serde_json::from_slice(&json).unwrap();
            assert_eq!(
                read,
                HeartbeatAnswer {
                    message: format!("{name} heard; send this again every {every}"),
                    ttl_s: row.ttl_s,
                    heartbeat_every_s: every,
                    service: row,
                }
            );
            assert_eq!(ServiceName::parse(name).unwrap(), registration.name);
        }
    }
}
