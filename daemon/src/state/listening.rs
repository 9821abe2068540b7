//! Listening time: how it advances, and the stretches in which the daemon listened (ADR 0004).

use lastbeat_proto::Timestamp;

use super::record::{Began, Stretch};
use crate::clock::{Listened, Moment};

/// What one reading of the clock adds at most; a longer gap means that the daemon stood still.
const MAX_STEP_US: i64 = 1_000_000;
/// A longer gap between two readings begins a new stretch.
const STALL_US: i64 = 5_000_000;
/// A larger difference between the steps of the two clocks is a stepped wall clock.
const WALL_STEP_US: i64 = 2_000_000;
/// Stretches that are kept, in memory and in the store.
pub const MAX_STRETCHES: usize = 1_000;

/// What a reading of the clock found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    /// Nothing unusual.
    Smoothly,
    /// The wall clock was stepped.
    WallStepped,
    /// The daemon stood still for so many microseconds; a new stretch has begun.
    Stalled(i64),
}

/// The listening time and its stretches.
#[derive(Debug)]
pub(super) struct Listening {
    l: Listened,
    /// The last reading; absent until the daemon listens.
    last: Option<Moment>,
    /// The newest stretches, oldest first, by rising `start_l`.
    stretches: Vec<Stretch>,
    /// How many of them, counted from the end, are not stored yet.
    unstored: usize,
}

impl Listening {
    /// Goes on where the store left off.
    pub(super) fn load(stretches: Vec<Stretch>) -> Self {
        let l = stretches
            .last()
            .map_or(Listened::default(), |stretch| stretch.last_l);
        Self {
            l,
            last: None,
            stretches,
            unstored: 0,
        }
    }

    pub(super) const fn l(&self) -> Listened {
        self.l
    }

    /// Start of the newest stretch: what was heard before it is unconfirmed.
    pub(super) fn newest_start(&self) -> Option<Listened> {
        self.stretches.last().map(|stretch| stretch.start_l)
    }

    pub(super) fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// The smallest start of a stretch after `heard`: the first absence in this silence.
    pub(super) fn first_after(&self, heard: Listened) -> Option<Listened> {
        if self.newest_start()? <= heard {
            return None;
        }
        let index = self
            .stretches
            .partition_point(|stretch| stretch.start_l <= heard);
        self.stretches.get(index).map(|stretch| stretch.start_l)
    }

    /// Begins the stretch of this start. A crash counts as one second, so that a crash loop
    /// keeps nobody alive; `newest` is the largest listening time that anything was stored with.
    pub(super) fn begin(&mut self, now: Moment, newest: Option<Listened>) {
        if self
            .stretches
            .last()
            .is_some_and(|stretch| !stretch.is_clean)
        {
            self.l = Listened::from_micros(self.l.as_micros() + MAX_STEP_US);
        }
        let newest_start = self.newest_start();
        if let Some(newest) = newest.max(newest_start)
            && self.l <= newest
        {
            self.l = Listened::from_micros(newest.as_micros() + 1);
        }
        self.push(Began::Start, now.wall);
    }

    /// From now on time counts.
    pub(super) fn listen(&mut self, now: Moment) {
        self.last = Some(now);
    }

    /// Reads the clock; every command does it once.
    pub(super) fn advance(&mut self, now: Moment) -> Passed {
        let Some(last) = self.last else {
            return Passed::Smoothly;
        };
        let gap_us = now.mono.micros_since(last.mono).max(0);
        self.l = Listened::from_micros(self.l.as_micros() + gap_us.min(MAX_STEP_US));
        self.last = Some(now);
        let is_stall = STALL_US < gap_us;
        if let Some(stretch) = self.stretches.last_mut() {
            stretch.last_l = self.l;
            // A stretch ends where the daemon stood still, not where it went on.
            stretch.last_wall = if is_stall {
                last.wall.plus_micros(MAX_STEP_US)
            } else {
                now.wall
            };
        }
        if is_stall {
            self.push(Began::Stall, now.wall);
            return Passed::Stalled(gap_us);
        }
        let wall_us = now.wall.as_micros() - last.wall.as_micros();
        if WALL_STEP_US < (wall_us - gap_us).abs() {
            Passed::WallStepped
        } else {
            Passed::Smoothly
        }
    }

    fn push(&mut self, began: Began, wall: Timestamp) {
        let l = self.l;
        let stretch = Stretch {
            began,
            start_l: l,
            last_l: l,
            start_wall: wall,
            last_wall: wall,
            is_clean: false,
        };
        self.stretches.push(stretch);
        self.unstored = (self.unstored + 1).min(MAX_STRETCHES);
        if MAX_STRETCHES < self.stretches.len() {
            self.stretches.remove(0);
        }
    }

    /// The stretches that are not stored yet, oldest first.
    pub(super) fn unstored(&self) -> &[Stretch] {
        let from = self.stretches.len() - self.unstored;
        self.stretches.get(from..).unwrap_or_default()
    }

    /// The `count` oldest of [`unstored`](Self::unstored) are stored now.
    pub(super) fn stored(&mut self, count: usize) {
        self.unstored -= count.min(self.unstored);
    }
}
