//! The daemon from outside, one file per behavior.
#![cfg(test)]

mod layers;
mod model;
mod program;
mod readme;
mod refusals;
mod restart;
mod sample;
mod store;
mod store_errors;
mod store_history;
mod timelines;
mod world;
