//! The registry of lastbeat as a library: `run` is the whole daemon, tests own its clock.

pub mod clock;
pub mod instance;
pub mod state;
