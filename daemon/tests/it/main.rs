//! The daemon from outside, one file per behavior.
#![cfg(test)]

mod layers;
mod model;
mod sample;
mod store;
mod store_errors;
mod store_history;
mod timelines;
mod world;
