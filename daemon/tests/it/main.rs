//! The daemon from outside, one file per behavior.
#![cfg(test)]

mod import;
mod import_files;
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
mod store_reopen;
mod store_salvage;
mod timelines;
mod world;
