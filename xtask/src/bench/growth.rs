//! `cargo xtask bench --growth`: what grows with the number of instances, and how fast, as a table and
//! as the chart of `docs/performance.md`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, ensure};

use super::chart::{self, Panel};
use super::duel::Slice;
use super::load::{Load, Until};
use super::server::{self, Server};
use super::watch::SILENT;
use super::{Bench, fleet, float, median, properties, report, requests, storm};

/// How many instances a registry holds.
const SIZES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Connections over which heartbeats come.
const CONNECTIONS: usize = 64;
/// Full lists of a slice.
const LISTS: u64 = 3;
/// How long all may take to go DOWN.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is measured at each size.
const WHAT: [&str; 7] = [
    "memory, MB",
    "processor time of a heartbeat, µs",
    "all due at once, until the last is DOWN, ms",
    "a full list over a connection, ms",
    "processor time of a delta with 100 changed, ms",
    "start to first answer, ms",
    "database, MB",
];

/// Measures every size, prints the table and writes the chart.
///
/// # Errors
/// When something cannot be measured, or the chart not be written.
pub(super) fn measure(bench: &mut Bench) -> Result<ExitCode> {
    let machine = report::Machine::look()?;
    let mut columns = Vec::new();
    for size in SIZES {
        eprintln!("{size} instances");
        columns.push(at(bench, size)?);
    }
    println!("{}\n", machine.words());
    println!("| what | 1,000 | 10,000 | 100,000 | 1,000,000 |\n|---|---|---|---|---|");
    let rows = WHAT.iter().enumerate().map(|(row, what)| {
        let values = columns.iter().filter_map(|column| column.get(row).copied());
        (*what, values.collect::<Vec<f64>>())
    });
    let rows: Vec<(&str, Vec<f64>)> = rows.collect();
    for (what, values) in &rows {
        let values: Vec<String> = values.iter().map(|value| chart::number(*value)).collect();
        println!("| {what} | {} |", values.join(" | "));
    }
    let panels: Vec<Panel<'_>> = { rows.iter() }
        .map(|(title, values)| Panel { title, values })
        .collect();
    let path = bench.root.join("docs/img/growth.svg");
    fs::write(&path, chart::draw(&SIZES.map(float), &panels))?;
    eprintln!("{} written", path.display());
    Ok(ExitCode::SUCCESS)
}

/// One column of the table, in the order of [`WHAT`].
fn at(bench: &mut Bench, size: u64) -> Result<[f64; 7]> {
    let folder = bench.new_folder()?;
    let program = bench.programs.join("lastbeatd");
    let start = || server::daemon(&program, &folder, &["--ttl", "12h"]);
    let daemon = start()?;
    let began = Instant::now();
    fleet::register(bench, &daemon, size)?;
    bench.registration_rate = Some(float(size) / began.elapsed().as_secs_f64());
    let beat = heartbeat(bench, &daemon, size)?;
    let lists = Load::closed(
        daemon.address,
        1,
        Until::Count(LISTS),
        requests::get("/services"),
    );
    let list = Slice::of(bench, (&daemon, &lists))?.median_ms;
    let (delta, _) = properties::delta(bench, &daemon, size)?;
    let memory = daemon.rss_mb()?;
    daemon.end()?;
    let mut starts = Vec::new();
    for _ in 0..bench.scale.rounds {
        let (took, daemon) = properties::first_answer(start)?;
        ensure!(
            fleet::summary(daemon.address, "total")? == size,
            "the daemon started without its rows"
        );
        daemon.end()?;
        starts.push(took);
    }
    let stored = size_of(&folder)?;
    let sweep = sweep(bench, size)?;
    Ok([
        memory,
        beat,
        sweep,
        list,
        delta,
        median(starts),
        stored / 1e6,
    ])
}

fn heartbeat(bench: &Bench, daemon: &Server, size: u64) -> Result<f64> {
    let load = Load::closed(
        daemon.address,
        CONNECTIONS,
        Until::Time(bench.scale.slice),
        requests::heartbeats(size),
    );
    let slices = (0..=bench.scale.rounds).map(|_| Slice::of(bench, (daemon, &load)));
    let slices: Vec<Slice> = slices.collect::<Result<_>>()?;
    // The first one warms up.
    let costs = slices.iter().skip(1).map(|slice| slice.cpu_us);
    Ok(median(costs.collect()))
}

/// From the instant at which all are due until the registry counts all of them as DOWN, in ms.
fn sweep(bench: &mut Bench, size: u64) -> Result<f64> {
    let daemon = bench.daemon()?;
    let moment = SystemTime::now() + storm::time_to_register(bench, size);
    let request = requests::registrations_until(SILENT, moment);
    fleet::register_as(bench, &daemon, size, request)?;
    let left = moment.duration_since(SystemTime::now())?;
    std::thread::sleep(left);
    while fleet::summary(daemon.address, "down")? != size {
        ensure!(
            moment.elapsed()? < PATIENCE,
            "not all of {size} went DOWN within {PATIENCE:?}"
        );
    }
    let took = moment.elapsed()?;
    daemon.end()?;
    Ok(took.as_secs_f64() * 1_000.0)
}

/// Bytes of the files in a folder.
fn size_of(folder: &Path) -> Result<f64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(float(bytes))
}
