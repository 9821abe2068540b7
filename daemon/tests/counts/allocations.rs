//! How often a heartbeat asks for memory, by whichever thread.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use super::server::{HEARTBEAT, REGISTER, Server, bare, daemon};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Heartbeats before the count begins, in which buffers find their size, and those that are counted.
const BEFORE: usize = 100;
const COUNTED: usize = 1_000;
/// What a registration that is a heartbeat may ask for over bare hyper's.
/// Measured on 2026-11-29: 2 fewer (5 against 7), since hyper there makes a timer for each request;
/// the bar is 5 more.
const MOST_BY_REGISTER: f64 = -1.9;
/// The same for `POST /heartbeat/NAME`. Measured: 1 fewer (4 against 5).
const MOST_BY_NAME: f64 = -0.9;

/// Allocations for each of the counted requests. Who asks makes none.
fn allocations(server: &Server, request: &'static [u8]) -> f64 {
    let mut connection = server.connect(request);
    connection.ask(BEFORE);
    let count = || {
        let stats = ALLOCATOR.stats();
        stats.allocations + stats.reallocations
    };
    let before = count();
    connection.ask(COUNTED);
    let made = u32::try_from(count() - before).unwrap();
    f64::from(made) / f64::from(u32::try_from(COUNTED).unwrap())
}

#[test]
fn a_heartbeat_asks_for_little_more_memory_than_bare_hyper() {
    let dir = tempfile::tempdir().unwrap();
    let (daemon, bare) = (daemon(dir.path()), bare());
    let over = |request: &'static [u8]| {
        let (ours, theirs) = (allocations(&daemon, request), allocations(&bare, request));
        println!("lastbeatd {ours}, bare hyper {theirs}");
        assert!(0.0 < theirs, "nothing is counted");
        ours - theirs
    };

    let by_register = over(REGISTER);
    let by_name = over(HEARTBEAT);

    println!("allocations per heartbeat over bare hyper's: {by_register}");
    println!("the same by POST /heartbeat: {by_name}");
    assert!(by_register <= MOST_BY_REGISTER, "{by_register}");
    assert!(by_name <= MOST_BY_NAME, "{by_name}");
}
