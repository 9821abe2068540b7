//! The terminal client of lastbeat: a monitor that polls the daemon and draws what it hears, a
//! list for scripts, and a heartbeat for any command.
//!
//! A library with a thin `main`. Imports point one way, and a test proves it:
//! `proto ← config, clock, text, keymap ← model ← update ← theme, canvas, client ← poll, once,
//! beat, view/* ← view ← terminal ← run ← cli ← main`.

pub mod beat;
pub mod canvas;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
#[cfg(test)]
mod fixture;
pub mod keymap;
pub mod model;
pub mod once;
pub mod poll;
pub mod run;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod update;
pub mod view;
