//! What a heartbeat costs, counted exactly beside a bare hyper server that is asked the same. In a
//! program of its own, since whoever counts sees all threads.
#![cfg(test)]

mod allocations;
mod instructions;
mod server;
