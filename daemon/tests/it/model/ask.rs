//! What clients ask the model for: register, heartbeat, deregister.

use lastbeatd::instance::Life;

use super::rule::{Known, Model};

impl Model {
    pub(super) fn register(&mut self, whom: usize, ttl_us: Option<i64>) {
        let now = self.now();
        let old = self.known.get(&whom);
        if old.is_none_or(|known| known.life == Life::Deregistered) {
            let id = old.map_or(self.ids + 1, |known| known.id);
            self.ids = self.ids.max(id);
            let known = Known {
                id,
                life: Life::Up,
                since: now,
                heard: now,
                heard_us: self.time_us,
                stored: now,
                first_wall: now.wall,
                own_ttl_us: ttl_us,
                is_mass: false,
                changes: Vec::new(),
                is_flapping: false,
                is_old_loss: false,
            };
            self.known.insert(whom, known);
            self.events.push((Some(whom), "registered", now));
            self.store(whom);
            return;
        }
        self.heartbeat(whom);
        if let Some(known) = self.known.get_mut(&whom)
            && ttl_us.is_some()
            && known.own_ttl_us != ttl_us
        {
            known.own_ttl_us = ttl_us;
            self.events.push((Some(whom), "changed", now));
            self.store(whom);
        }
    }

    /// Says whether it was heard.
    pub(super) fn heartbeat(&mut self, whom: usize) -> bool {
        let now = self.now();
        let Some(known) = self.known.get(&whom) else {
            return false;
        };
        let (life, is_plain) = (known.life, !self.is_late(known) && self.is_confirmed(known));
        if life == Life::Deregistered {
            return false;
        }
        if let Some(known) = self.known.get_mut(&whom) {
            known.heard = now;
            known.heard_us = self.time_us;
        }
        match life {
            Life::Up if is_plain => {}
            Life::Up => self.store(whom),
            Life::Down => self.change(whom, Life::Up, now, "up"),
            _ => self.change(whom, Life::Up, now, "back"),
        }
        true
    }

    /// Says whether it was known.
    pub(super) fn deregister(&mut self, whom: usize) -> bool {
        let now = self.now();
        let Some(known) = self.known.get_mut(&whom) else {
            return false;
        };
        match known.life {
            Life::Up | Life::Down => self.change(whom, Life::Deregistered, now, "gone"),
            Life::TimedOut => {
                known.life = Life::Dismissed;
                self.store(whom);
            }
            _ => {}
        }
        true
    }
}
