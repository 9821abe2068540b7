//! What clients ask for: register, heartbeat, deregister.

use lastbeat_proto::register::Registration;
use lastbeat_proto::{Address, EventKind, InstanceId, ServiceName};

use super::State;
use super::change::locate;
use super::dirty::List;
use super::record::Heartbeat;
use super::slab::{Place, flag};
use crate::clock::Moment;
use crate::instance::Life;

/// Why a deregistered instance left.
pub(super) const DEREGISTERED: &str = "deregistered";

/// An instance was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Its row.
    pub place: Place,
    /// Whether it was not registered before.
    pub is_created: bool,
    /// What must be stored before the answer.
    pub urgent: u64,
}

/// Instances were taken out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deregistered {
    /// Those that this call changed.
    pub places: Vec<Place>,
    /// What must be stored before the answer.
    pub urgent: u64,
}

/// Instances that are named to one who must choose.
pub const MAX_CHOICES: usize = 20;

/// Why a command changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Not registered.
    Unknown,
    /// Several instances have the name: these, or more where they are more than [`MAX_CHOICES`].
    Ambiguous(Vec<InstanceId>),
    /// No room for another instance.
    Full,
}

impl State {
    /// Registers an instance, or hears it again.
    ///
    /// # Errors
    /// [`Refusal::Full`] for an unknown instance when there is no room.
    pub fn register(
        &mut self,
        registration: &Registration,
        caller: &Address,
        now: Moment,
    ) -> Result<Heard, Refusal> {
        self.advance(now);
        let location = locate(registration, caller);
        let known = self
            .slab
            .find(registration.name.as_str(), location.instance.as_str());
        if let Some(place) = known {
            self.judge(place, now);
        }
        let life = known
            .and_then(|place| self.slab.get(place))
            .map(|hot| hot.life);
        match (known, life) {
            (Some(place), Some(Life::Deregistered)) => {
                self.check_room()?;
                self.renew(place, registration, location, now);
                self.heard(place, true)
            }
            (Some(place), Some(_)) => {
                self.beat(place, now);
                self.apply(place, registration, location, now);
                self.heard(place, false)
            }
            _ => {
                self.check_room()?;
                let place = self.insert(registration, location, now);
                self.heard(place, true)
            }
        }
    }

    /// Hears an instance that is known already.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] when it never registered or was deregistered,
    /// [`Refusal::Ambiguous`] when `instance` is needed to tell which.
    pub fn heartbeat(
        &mut self,
        name: &ServiceName,
        instance: Option<&InstanceId>,
        caller: &Address,
        now: Moment,
    ) -> Result<Heard, Refusal> {
        self.advance(now);
        let place = match instance {
            Some(instance) => self.slab.find(name.as_str(), instance.as_str()),
            None => self.the_one(name, caller)?,
        };
        let place = place.ok_or(Refusal::Unknown)?;
        self.judge(place, now);
        if self
            .slab
            .get(place)
            .is_none_or(|hot| hot.life == Life::Deregistered)
        {
            return Err(Refusal::Unknown);
        }
        self.beat(place, now);
        self.heard(place, false)
    }

    /// Takes out all instances of a name, or one. One that timed out is dismissed: kept, but not
    /// shown any more; one that is deregistered already stays as it is.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] when there is no such instance, nor a tombstone of it.
    pub fn deregister(
        &mut self,
        name: &ServiceName,
        instance: Option<&InstanceId>,
        now: Moment,
    ) -> Result<Deregistered, Refusal> {
        self.advance(now);
        let meant: Vec<Place> = match instance {
            Some(instance) => self
                .slab
                .find(name.as_str(), instance.as_str())
                .into_iter()
                .collect(),
            None => self.slab.of_name(name).collect(),
        };
        if meant.is_empty() {
            return Err(Refusal::Unknown);
        }
        Ok(self.deregister_all(&meant, now))
    }

    /// Takes out these rows, as [`deregister`](Self::deregister) does.
    pub fn deregister_all(&mut self, places: &[Place], now: Moment) -> Deregistered {
        self.advance(now);
        let mut done = Deregistered::default();
        for place in places {
            self.judge(*place, now);
            if self.take_out(*place, now) {
                done.places.push(*place);
            }
            let urgent = self.slab.get(*place).map_or(0, |hot| hot.urgent);
            done.urgent = done.urgent.max(urgent);
        }
        done
    }

    fn check_room(&self) -> Result<(), Refusal> {
        let registered = self.counts.up + self.counts.down;
        if registered < self.limits.instances {
            Ok(())
        } else {
            Err(Refusal::Full)
        }
    }

    pub(super) fn heard(&self, place: Place, is_created: bool) -> Result<Heard, Refusal> {
        let urgent = self.slab.get(place).ok_or(Refusal::Unknown)?.urgent;
        Ok(Heard {
            place,
            is_created,
            urgent,
        })
    }

    /// The instance that a nameless heartbeat means: the caller's own, a registered one first,
    /// else the only registered one, else the only one that timed out. The caller's own is found
    /// by its address, so that a fleet under one name is as quick as one instance.
    fn the_one(&self, name: &ServiceName, caller: &Address) -> Result<Option<Place>, Refusal> {
        let life = |place: &Place| self.slab.get(*place).map(|hot| hot.life);
        let is_registered = |place: &Place| life(place).is_some_and(Life::is_registered);
        let is_known = |place: &Place| life(place).is_some_and(|life| life != Life::Deregistered);
        let mine = || self.slab.of_address(name, caller);
        let all = || self.slab.of_name(name);
        let mut found = self.the_only(mine().filter(is_registered))?;
        if found.is_none() {
            found = self.the_only(mine().filter(is_known))?;
        }
        if found.is_none() {
            found = self.the_only(all().filter(is_registered))?;
        }
        if found.is_none() {
            found = self.the_only(all().filter(is_known))?;
        }
        Ok(found)
    }

    /// The place, if it is only one.
    fn the_only(&self, mut places: impl Iterator<Item = Place>) -> Result<Option<Place>, Refusal> {
        let Some(first) = places.next() else {
            return Ok(None);
        };
        let Some(second) = places.next() else {
            return Ok(Some(first));
        };
        let some = [first, second].into_iter().chain(places);
        let hots = some
            .take(MAX_CHOICES + 1)
            .filter_map(|place| self.slab.get(place));
        let mut instances: Vec<_> = hots.map(|hot| hot.detail.instance.clone()).collect();
        instances.sort();
        Err(Refusal::Ambiguous(instances))
    }

    /// A heartbeat of a row that is not deregistered.
    pub(super) fn beat(&mut self, place: Place, now: Moment) {
        let l = self.listening.l();
        let Some(hot) = self.slab.get(place) else {
            return;
        };
        let was = hot.life;
        let silence = l.since(hot.heartbeat.l);
        let is_unconfirmed = self.pulse(hot).is_unconfirmed();
        let is_late = hot.has(flag::LATE);
        if was == Life::Up {
            self.counts.late -= usize::from(is_late).min(self.counts.late);
            self.counts.unconfirmed -= usize::from(is_unconfirmed).min(self.counts.unconfirmed);
        }
        let Some(hot) = self.slab.get_mut(place) else {
            return;
        };
        self.tally.heartbeats += 1;
        hot.heartbeat = Heartbeat { at: now.wall, l };
        hot.heard = now.mono;
        hot.clear(flag::LATE);
        hot.clear(flag::EXPIRING);
        if was == Life::Up {
            self.touch(place);
        } else {
            self.change_life(place, Life::Up, l, now);
        }
        match was {
            Life::Up if is_late || is_unconfirmed => self.mark(place, List::Lazy),
            Life::Up => self.mark(place, List::Beats),
            Life::Down => {
                self.record_transition(
                    place,
                    EventKind::Up,
                    format!("heard again after {silence}"),
                );
                self.mark(place, List::Lazy);
            }
            _ => {
                self.record_transition(
                    place,
                    EventKind::Back,
                    format!("heard again after {silence}"),
                );
                self.mark(place, List::Urgent);
            }
        }
        self.enqueue(place);
    }

    /// Deregisters a registered row or dismisses one that timed out; says whether it did.
    fn take_out(&mut self, place: Place, now: Moment) -> bool {
        let l = self.listening.l();
        let Some(hot) = self.slab.get(place) else {
            return false;
        };
        let left_l = hot.since_l;
        match hot.life {
            Life::Up | Life::Down => {
                self.tally.deregistered += 1;
                self.change_life(place, Life::Deregistered, l, now);
                self.record_transition(place, EventKind::Gone, DEREGISTERED.to_owned());
                self.bury(place, l);
            }
            Life::TimedOut => {
                let (since, expiring) = (hot.since, hot.has(flag::EXPIRING));
                self.change_life(place, Life::Dismissed, left_l, now);
                if let Some(hot) = self.slab.get_mut(place) {
                    hot.since = since;
                }
                if !expiring {
                    self.bury(place, left_l);
                }
            }
            Life::Dismissed | Life::Deregistered => return false,
        }
        self.mark(place, List::Urgent);
        self.enqueue(place);
        true
    }
}
