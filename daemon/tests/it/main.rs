//! The daemon from outside, one file per behavior.
#![cfg(test)]

mod browser;
mod churn;
mod daemon;
mod figure;
mod http_addresses;
mod http_bad_input;
mod http_browsers;
mod http_crowd;
mod http_devices;
mod http_lists;
mod http_names;
mod http_probes;
mod http_stop;
mod http_strict;
mod import;
mod import_files;
mod layers;
mod model;
mod program;
mod raw;
mod refusals;
mod restart;
mod sample;
mod storage;
mod store;
mod store_errors;
mod store_file;
mod store_history;
mod store_log;
mod store_reopen;
mod store_salvage;
mod timelines;
mod world;
