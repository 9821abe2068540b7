//! A registration that says nothing new of a known instance: the heartbeat of clients of the
//! original, found and compared without making anything.

use lastbeat_proto::Address;
use lastbeat_proto::register::{Patch, Registration, Texts};

use super::State;
use super::command::Heard;
use super::slab::{Detail, Place};
use crate::clock::Moment;
use crate::instance::Life;

impl State {
    /// Hears an instance again that registers with the very texts it is known by; nobody when none
    /// is: then they are to be judged first.
    pub fn hear_by_texts(
        &mut self,
        texts: &Texts<'_>,
        caller: &Address,
        now: Moment,
    ) -> Option<Heard> {
        let address = texts.ip.unwrap_or(caller.as_str());
        let key = texts.instance.unwrap_or(address);
        let place = self.slab.find(texts.name, key)?;
        let hot = self.slab.get(place)?;
        let is_known = hot.life != Life::Deregistered && hot.detail.address.as_str() == address;
        is_known.then(|| self.hear(place, now))?
    }

    /// Hears an instance again that registers as it is known; nobody when it does not: then
    /// [`Self::register`] is meant.
    pub fn hear_again(
        &mut self,
        registration: &Registration,
        caller: &Address,
        now: Moment,
    ) -> Option<Heard> {
        let place = self.known_by(registration, caller)?;
        self.hear(place, now)
    }

    fn hear(&mut self, place: Place, now: Moment) -> Option<Heard> {
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
