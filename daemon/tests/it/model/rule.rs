//! The rule of liveness once more, in the plainest way: everything is looked at, each time anew.
//!
//! No queue, no flags, no counters, no lists of what is dirty. What is kept of an instance is what
//! its row says, and of the daemon how long it listened and when its stretches began (ADR 0004).
//! What clients ask for is in [`super::ask`].

use std::collections::BTreeMap;

use lastbeatd::instance::{Life, MASS_KEPT};

use super::RULES;

pub(super) const SECOND_US: i64 = 1_000_000;
/// What one reading of the clock counts at most.
const MAX_STEP_US: i64 = SECOND_US;
/// Who stood still for longer was away.
const STALL_US: i64 = 5 * SECOND_US;
/// Losses within it are one.
const MASS_WINDOW_US: i64 = 30 * SECOND_US;
/// Fewer are no mass.
const MASS_COUNT: usize = 5;

/// A moment as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) l: i64,
    pub(super) wall: i64,
}

/// How an instance stands.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: i64,
    pub(super) life: Life,
    pub(super) since: Stamp,
    pub(super) heard: Stamp,
    /// The steady time of that heartbeat; before this start as far as the wall clock knew then.
    pub(super) heard_us: i64,
    /// The last heartbeat that would survive a crash.
    pub(super) stored: Stamp,
    pub(super) first_wall: i64,
    /// As it was asked for.
    pub(super) own_ttl_us: Option<i64>,
    pub(super) is_mass: bool,
    /// When it changed its status.
    pub(super) changes: Vec<i64>,
    pub(super) is_flapping: bool,
    /// Whether it went DOWN before the last start: a loss is counted within one run.
    pub(super) is_old_loss: bool,
}

impl Known {
    pub(super) fn ttl_us(&self) -> i64 {
        self.own_ttl_us.unwrap_or(RULES.ttl.as_signed_micros())
    }

    /// The last moment at which it flaps, if its status stands.
    fn quiet_after(&self) -> Option<i64> {
        Some(self.changes.last()? + 5 * self.ttl_us())
    }

    /// Its status becomes another at `l`.
    fn note_change(&mut self, life: Life, l: i64) {
        let is_asked_for = [self.life, life].contains(&Life::Deregistered);
        if is_asked_for || self.life.status() == life.status() {
            return;
        }
        self.is_flapping &= self.quiet_after().is_none_or(|end| l <= end);
        self.changes.push(l);
        let sixth_last = self.changes.iter().rev().nth(5);
        self.is_flapping |= sixth_last.is_some_and(|sixth| l - sixth <= 10 * self.ttl_us());
    }
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) l: i64,
    pub(super) wall: i64,
    /// Steady time.
    pub(super) time_us: i64,
    /// Steady time of the last start.
    pub(super) origin_us: i64,
    /// The listening time that would survive a crash.
    stored_l: i64,
    /// Listening time at the begin of each stretch.
    starts: Vec<i64>,
    pub(super) known: BTreeMap<usize, Known>,
    /// What happened when; to whom, or to the daemon itself.
    pub(super) events: Vec<(Option<usize>, &'static str, Stamp)>,
    /// Row numbers given so far.
    pub(super) ids: i64,
}

impl Model {
    /// Before the first start.
    pub(super) fn new(wall: i64) -> Self {
        Self {
            wall,
            ..Self::default()
        }
    }

    pub(super) fn now(&self) -> Stamp {
        Stamp {
            l: self.l,
            wall: self.wall,
        }
    }

    /// A moment of listening time as the wall clock tells it now.
    fn stamp(&self, l: i64) -> Stamp {
        Stamp {
            l,
            wall: self.wall - (self.l - l),
        }
    }

    /// A stored moment as it is shown: never later than now.
    pub(super) fn shown(&self, stamp: Stamp) -> i64 {
        if self.wall < stamp.wall {
            self.stamp(stamp.l).wall
        } else {
            stamp.wall
        }
    }

    /// The first absence in a silence.
    fn first(&self, known: &Known) -> Option<i64> {
        let is_later = |start: &&i64| known.heard.l < **start;
        self.starts.iter().find(is_later).copied()
    }

    /// The last moment at which nothing is due.
    pub(super) fn deadline(&self, known: &Known) -> i64 {
        let remove_us = RULES.remove_after.as_signed_micros();
        match known.life {
            Life::Up => {
                let grace_us = RULES.start_grace.as_signed_micros();
                let with_grace = self.first(known).map(|first| first + grace_us);
                (known.heard.l + known.ttl_us()).max(with_grace.unwrap_or(i64::MIN))
            }
            Life::Down if known.is_mass => {
                known.since.l + remove_us.max(MASS_KEPT.as_signed_micros())
            }
            Life::Down => known.since.l + remove_us,
            _ => known.since.l + RULES.tombstones_for.as_signed_micros(),
        }
    }

    pub(super) fn is_late(&self, known: &Known) -> bool {
        known.life == Life::Up && 3 * known.ttl_us() < 4 * (self.l - known.heard.l)
    }

    pub(super) fn is_confirmed(&self, known: &Known) -> bool {
        known.life != Life::Up || self.first(known).is_none()
    }

    /// Whether a tombstone is shown.
    pub(super) fn is_shown(&self, known: &Known) -> bool {
        let until = known.since.l + RULES.gone_for.as_signed_micros();
        matches!(known.life, Life::TimedOut | Life::Deregistered) && self.l <= until
    }

    /// Everything that is due happens, the earliest first.
    fn judge(&mut self, with_removals: bool) {
        loop {
            let due = self.known.iter().filter_map(|(whom, known)| {
                let is_meant = with_removals || known.life == Life::Up;
                let deadline = self.deadline(known);
                let quiet_after = known
                    .quiet_after()
                    .filter(|_| with_removals && known.is_flapping && known.life.is_registered());
                let (next, is_end) = match quiet_after {
                    Some(end) if end <= deadline => (end, true),
                    _ => (deadline, false),
                };
                (is_meant && next < self.l).then_some((next, *whom, is_end))
            });
            let Some((deadline, whom, is_end)) = due.min() else {
                return;
            };
            match self.known.get_mut(&whom).map(|known| (known.life, known)) {
                Some((_, known)) if is_end => {
                    known.is_flapping = false;
                    self.store(whom);
                }
                Some((Life::Up, _)) => {
                    self.change(whom, Life::Down, self.stamp(deadline), "down");
                    self.note_loss(deadline);
                }
                Some((Life::Down, _)) => {
                    self.change(whom, Life::TimedOut, self.stamp(deadline), "gone");
                }
                _ => {
                    self.known.remove(&whom);
                    self.stored_l = self.l;
                }
            }
        }
    }

    /// An instance becomes something else, which is stored at once.
    pub(super) fn change(&mut self, whom: usize, life: Life, since: Stamp, event: &'static str) {
        if let Some(known) = self.known.get_mut(&whom) {
            known.note_change(life, since.l);
            known.life = life;
            known.since = since;
            known.is_mass = false;
            known.is_old_loss = false;
        }
        self.events.push((Some(whom), event, since));
        self.store(whom);
    }

    pub(super) fn store(&mut self, whom: usize) {
        self.stored_l = self.l;
        if let Some(known) = self.known.get_mut(&whom) {
            known.stored = known.heard;
        }
    }

    /// When at least five, and as many as are UP, went DOWN within half a minute and still are.
    fn note_loss(&mut self, since_l: i64) {
        let up = self.known.values().filter(|known| known.life == Life::Up);
        let up = up.count();
        let is_lost = |known: &Known| {
            let is_new = !known.is_old_loss && since_l <= known.since.l + MASS_WINDOW_US;
            known.life == Life::Down && is_new
        };
        let lost = self.known.values().filter(|known| is_lost(known)).count();
        if lost < MASS_COUNT || lost < up {
            return;
        }
        for known in self.known.values_mut() {
            known.is_mass |= is_lost(known);
        }
    }

    /// The daemon reads the clock after `us`.
    pub(super) fn pass(&mut self, us: i64) {
        self.wall += us;
        self.time_us += us;
        self.l += us.min(MAX_STEP_US);
        if STALL_US < us {
            self.begin("stall");
        }
        self.judge(true);
    }

    fn begin(&mut self, event: &'static str) {
        self.starts.push(self.l);
        self.events.push((None, event, self.now()));
        self.stored_l = self.l;
    }

    pub(super) fn flush(&mut self) {
        self.stored_l = self.l;
        for known in self.known.values_mut() {
            known.stored = known.heard;
        }
    }

    /// `kill -9`: what is not stored is lost.
    pub(super) fn kill(&mut self) {
        self.l = self.stored_l;
        for known in self.known.values_mut() {
            known.heard = known.stored;
        }
    }

    pub(super) fn start(&mut self, is_clean: bool) {
        self.origin_us = self.time_us;
        let mut known = std::mem::take(&mut self.known);
        for known in known.values_mut() {
            known.is_old_loss = true;
            known.heard_us = self.time_us - (self.wall - self.shown(known.heard));
        }
        self.known = known;
        self.judge(false);
        if !is_clean {
            self.l += SECOND_US;
        }
        // Time goes on behind everything that was stored with a time.
        let stamps = self.known.values().flat_map(|k| [k.heard.l, k.since.l]);
        if let Some(newest) = stamps.chain(self.starts.last().copied()).max() {
            self.l = self.l.max(newest + 1);
        }
        self.begin("start");
        self.flush();
        self.judge(true);
    }
}
