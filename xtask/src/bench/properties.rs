//! What the daemon takes by itself: processor time of an answer, memory, disk, time to start, size.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::bars::{self, Figure};
use super::duel::Slice;
use super::load::{Load, Until};
use super::server::{self, Server};
use super::{Bench, compare, fleet, float, median, requests};
use crate::http;
use crate::runner::call;

/// Instances of a large registry, of a middling one, and those that changed for a delta.
const MANY: u64 = 100_000;
const MIDDLING: u64 = 10_000;
const CHANGED: u64 = 100;
/// How often one thing is asked for in a slice.
const PAGES: u64 = 300;
const DELTAS: u64 = 500;
/// Full lists after which memory is looked at once more.
const LISTS: u64 = 5;
/// How often the daemon is started empty.
const STARTS: usize = 11;
/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Each of the middling ones beats once in 10 s.
const BEATS_PER_SECOND: f64 = 1_000.0;
/// What the store needs at most to write what was registered.
const SETTLING: Duration = Duration::from_secs(3);

/// Medians of some slices in which the same is asked over one connection: processor time and latency,
/// in ms.
pub(super) fn cost(bench: &Bench, server: &Server, path: &str, count: u64) -> Result<(f64, f64)> {
    let load = Load::closed(server.address, 1, Until::Count(count), requests::get(path));
    let slices = (0..bench.scale.rounds).map(|_| Slice::of(bench, (server, &load)));
    let slices: Vec<Slice> = slices.collect::<Result<_>>()?;
    Ok((
        median(slices.iter().map(|slice| slice.cpu_us / 1_000.0).collect()),
        median(slices.iter().map(|slice| slice.median_ms).collect()),
    ))
}

/// The dashboard's first page.
pub(super) fn page(bench: &mut Bench) -> Result<Vec<Figure>> {
    let daemon = bench.daemon()?;
    fleet::register(bench, &daemon, MIDDLING)?;
    let (cpu, latency) = cost(bench, &daemon, "/", PAGES)?;
    let note = format!("over a connection {latency:.2} ms");
    Ok(vec![Figure::new(&bars::PAGE, cpu, note)])
}

/// All that is asked of a registry of 100,000.
pub(super) fn many(bench: &mut Bench) -> Result<Vec<Figure>> {
    let folder = bench.new_folder()?;
    let program = bench.programs.join("lastbeatd");
    let start = || server::daemon(&program, &folder, &["--ttl", "12h"]);
    let daemon = start()?;
    fleet::register(bench, &daemon, MANY)?;
    let mut figures = vec![memory(bench, &daemon)?];
    figures.push(compare::growth(bench, &daemon, MANY)?);
    let (cpu, latency) = delta(bench, &daemon, MANY)?;
    let note = format!("over a connection {latency:.2} ms");
    figures.push(Figure::new(&bars::DELTA, cpu, note));
    daemon.end()?;
    let mut times = Vec::new();
    for _ in 0..bench.scale.rounds {
        let (took, daemon) = first_answer(start)?;
        ensure!(
            fleet::summary(daemon.address, "total")? == MANY,
            "the daemon started without its rows"
        );
        daemon.end()?;
        times.push(took);
    }
    let note = format!("median of {}", times.len());
    figures.push(Figure::new(&bars::START_FULL, median(times), note));
    Ok(figures)
}

fn memory(bench: &Bench, daemon: &Server) -> Result<Figure> {
    let before = daemon.rss_mb()?;
    let list = requests::get("/services");
    bench.load(&Load::closed(daemon.address, 1, Until::Count(LISTS), list))?;
    let after = daemon.rss_mb()?;
    let note = format!("{before:.1} MB registered, {after:.1} MB after {LISTS} full lists");
    Ok(Figure::new(&bars::MEMORY, before.max(after), note))
}

/// A delta of 100 changes in a registry of `count`: processor time and latency, in ms.
pub(super) fn delta(bench: &Bench, daemon: &Server, count: u64) -> Result<(f64, f64)> {
    let list = http::ask(daemon.address, "GET", "/services?size=1", &Value::Null)?;
    let cursor = list["cursor"].as_str().context("a list has a cursor")?;
    let beats = requests::heartbeats(count);
    bench.load(&Load::closed(
        daemon.address,
        1,
        Until::Count(CHANGED),
        beats,
    ))?;
    let path = format!("/services?since={cursor}");
    let changed = http::ask(daemon.address, "GET", &path, &Value::Null)?;
    let changed = changed["services"].as_array().map_or(0, Vec::len);
    ensure!(
        u64::try_from(changed)? == CHANGED,
        "{CHANGED} instances beat, and {changed} changed"
    );
    cost(bench, daemon, &path, DELTAS)
}

/// From the start of the program until it was asked and answered that it serves, in ms.
pub(super) fn first_answer(start: impl Fn() -> Result<Server>) -> Result<(f64, Server)> {
    let began = Instant::now();
    let daemon = start()?;
    loop {
        match http::ask(daemon.address, "GET", "/readyz", &Value::Null) {
            Ok(_ready) => return Ok((began.elapsed().as_secs_f64() * 1_000.0, daemon)),
            Err(error) if PATIENCE < began.elapsed() => return Err(error),
            Err(_not_ready) => {}
        }
    }
}

/// A daemon to which nothing is registered.
pub(super) fn idle(bench: &mut Bench) -> Result<Vec<Figure>> {
    let program = bench.programs.join("lastbeatd");
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let folder = bench.new_folder()?;
        let (took, daemon) = first_answer(|| server::daemon(&program, &folder, &[]))?;
        times.push(took);
        memory.push(daemon.rss_mb()?);
        daemon.end()?;
    }
    let note = format!("median of {STARTS}");
    Ok(vec![
        Figure::new(&bars::MEMORY_IDLE, median(memory), note.clone()),
        Figure::new(&bars::START_EMPTY, median(times), note),
    ])
}

/// The programs as they are released.
pub(super) fn sizes(bench: &mut Bench) -> Result<Vec<Figure>> {
    let size = |name: &str| -> Result<f64> {
        let path = bench.programs.join(name);
        let file = std::fs::metadata(&path);
        let file = file.with_context(|| format!("cannot read {}", path.display()))?;
        Ok(float(file.len()) / 1e6)
    };
    Ok(vec![
        Figure::new(&bars::DAEMON_SIZE, size("lastbeatd")?, String::new()),
        Figure::new(&bars::CLIENT_SIZE, size("lastbeat")?, String::new()),
    ])
}

/// What the kernel was made to write for heartbeats, by whole pages: frames of the WAL, and the
/// pages of its checkpoints.
pub(super) fn disk(bench: &mut Bench) -> Result<Vec<Figure>> {
    let daemon = bench.daemon()?;
    fleet::register(bench, &daemon, MIDDLING)?;
    std::thread::sleep(SETTLING);
    let mut load = Load::closed(
        daemon.address,
        16,
        Until::Time(bench.scale.disk),
        requests::heartbeats(MIDDLING),
    );
    load = load.open(BEATS_PER_SECOND);
    let before = daemon.written()?;
    let outcome = bench.load(&load)?;
    let written = daemon.written()? - before;
    ensure!(
        0 < written,
        "the kernel counts no writes of the daemon; target/ must lie on a disk, not in memory"
    );
    let note = format!(
        "`write_bytes` of /proc/PID/io: {:.1} MB in {} s",
        float(written) / 1e6,
        bench.scale.disk.as_secs()
    );
    let each = float(written) / float(outcome.answered);
    Ok(vec![Figure::new(&bars::DISK, each, note)])
}

/// Counted exactly by a test of the daemon's, which says the number.
pub(super) fn allocations(bench: &mut Bench) -> Result<Vec<Figure>> {
    let said = said_by_test(&bench.root, "counts")?;
    let number = said
        .split("allocations per heartbeat over bare hyper's: ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .with_context(|| format!("the test did not say its number: {said}"))?;
    let note = "counted by a test, exactly".to_owned();
    Ok(vec![Figure::new(&bars::ALLOCATIONS, number.parse()?, note)])
}

/// What the test binary of this name says.
fn said_by_test(root: &Path, test: &str) -> Result<String> {
    let output = call(&[
        "test",
        "--quiet",
        "-p",
        "lastbeatd",
        "--test",
        test,
        "--",
        "--nocapture",
    ])
    .current_dir(root)
    .output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "its test ended with {}: {said}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(said)
}
