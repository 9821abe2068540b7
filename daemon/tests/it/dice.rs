//! Chance that can be had again: the same seed gives the same throws.

use std::hash::{BuildHasher, RandomState};

/// Name of the variable that gives a seed instead of a fresh one.
const VARIABLE: &str = "LASTBEAT_SEED";

/// A small generator (`SplitMix64`); its throws only need to be spread, not to be secret.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of their own for the `number`-th part of a trial, so that one part can be had again
    /// without those before it.
    pub(crate) fn of(seed: u64, number: usize) -> Self {
        let mut own = Self(seed ^ (number as u64).rotate_left(32));
        own.throw();
        own
    }

    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.throw() % limit as u64).unwrap()
    }

    /// True in so many of a hundred throws.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// The seed of a trial: printed, so that a run that failed can be had again.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever repeats a run says its seed in a variable"
)]
pub(crate) fn seed(trial: &str) -> u64 {
    let seed = match std::env::var(VARIABLE) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{VARIABLE}={text} of {trial}: it is a number")),
        Err(_unset) => RandomState::new().hash_one(trial),
    };
    println!("{trial}: {VARIABLE}={seed}");
    seed
}
