//! `cargo xtask bench --steady`: 100,000 instances that beat every 20 s for ten minutes, the daemon on
//! one core and everything else on the other.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, anyhow, ensure};
use hdrhistogram::Histogram;

use super::bars::{Bar, Figure, HEAD, at_most};
use super::load::{Load, Outcome, Until, histogram};
use super::server::{self, Server};
use super::storm::Lateness;
use super::watch::{Late, SILENT, Seen, changes};
use super::wire::{Connection, Wire};
use super::{Bench, fleet, float, report, requests};
use crate::tui_bars;

/// The core of the daemon, and of all else.
const DAEMON_CORE: usize = 0;
pub(super) const LOAD_CORE: usize = 1;
/// Instances that beat, and how many beats come a second: each beats every 20 s.
const BEATING: u64 = 100_000;
const BEATS_PER_SECOND: f64 = 5_000.0;
const CONNECTIONS: usize = 64;
/// Instances that fall silent in each second, and how long it takes until the first is due.
const SILENT_PER_SECOND: u64 = 5;
const FIRST_DUE: Duration = Duration::from_secs(30);
/// How often memory and journal are looked at and the page is opened.
const EVERY: Duration = Duration::from_secs(1);
/// How long changes are waited for behind the last heartbeat.
const BEHIND: Duration = Duration::from_secs(4);

const BEATS: Bar = at_most("heartbeats, p99", 5.0, 2.0, "ms", 2);
const TRANSITIONS: Bar = at_most(
    "a transition is seen after its deadline, p99",
    100.0,
    20.0,
    "ms",
    1,
);
const MEMORY: Bar = at_most("RSS, at most", 70.0, 50.0, "MB", 1);
const JOURNAL: Bar = at_most("SQLite's WAL, at most", 16.0, 8.0, "MB", 1);
const PAGE: Bar = at_most("the dashboard over a connection, median", 5.0, 2.0, "ms", 2);
const KEY: Bar = at_most("key to frame in the terminal, p99", 16.0, 8.0, "ms", 1);

/// What was looked at every second.
struct Samples {
    /// The most, in MB.
    memory: f64,
    journal: f64,
    /// In microseconds.
    pages: Histogram<u64>,
}

/// Measures and prints the table.
///
/// # Errors
/// When a request is not answered well, or one that beats goes DOWN.
pub(super) fn measure(bench: &mut Bench) -> Result<ExitCode> {
    let machine = report::Machine::look()?;
    let folder = bench.new_folder()?;
    let program = bench.programs.join("lastbeatd");
    let daemon = server::daemon_on_core(DAEMON_CORE, &program, &folder, &["--ttl", "60s"])?;
    let address = daemon.address;
    let time = bench.scale.steady;
    let silent = SILENT_PER_SECOND * time.saturating_sub(FIRST_DUE).as_secs();
    let ttl = |number| FIRST_DUE.as_secs_f64() + float(number) / float(SILENT_PER_SECOND);
    let registrations = requests::registrations_for(SILENT, ttl);
    fleet::register_as(bench, &daemon, silent, registrations)?;
    fleet::register(bench, &daemon, BEATING)?;

    eprintln!("{} s of heartbeats", time.as_secs());
    let terminal = terminal(bench, address, BEATING + silent)?;
    let (sender, answers) = mpsc::channel();
    let reader = std::thread::spawn(move || read(&answers));
    let beats = requests::heartbeats(BEATING);
    let beats = Load::closed(address, CONNECTIONS, Until::Time(time), beats);
    let beats = Load {
        window: Some((Instant::now(), usize::try_from(time.as_secs())?)),
        ..beats.open(BEATS_PER_SECOND)
    };
    let until = Instant::now() + time + BEHIND;
    let before = daemon.cpu()?;
    let (outcome, samples, watched) = bench.runtime.block_on(async {
        let take = |came, body| {
            // The reader ends early only by an error, which it tells.
            sender.send((came, body)).unwrap_or_default();
        };
        tokio::join!(
            beats.run(),
            sample(&daemon, &folder, time),
            changes(address, until, silent, take)
        )
    });
    drop(sender);
    let (outcome, samples) = (outcome?, samples?);
    watched?;
    let cpu = daemon.cpu()?.saturating_sub(before);
    let seen = reader.join().map_err(|_| anyhow!("the reader panicked"))?;
    let seen = seen?.all_of(silent)?;
    let key = terminal
        .join()
        .map_err(|_| anyhow!("the terminal panicked"))??;
    let down = fleet::summary(address, "down")?;
    ensure!(
        down == silent,
        "{silent} fell silent, and {down} are DOWN at the end"
    );
    daemon.end()?;
    println!("{}\n", machine.words());
    println!("{HEAD}");
    for figure in figures(bench, &outcome, &samples, seen, key, cpu)? {
        println!("{}", figure.row());
    }
    Ok(ExitCode::SUCCESS)
}

/// Presses keys in the terminal client meanwhile.
fn terminal(
    bench: &Bench,
    daemon: SocketAddr,
    rows: u64,
) -> Result<std::thread::JoinHandle<Result<f64>>> {
    let client = bench.programs.join("lastbeat");
    let client = client.to_str().context("the path is not UTF-8")?.to_owned();
    let rows = usize::try_from(rows)?;
    Ok(std::thread::spawn(move || {
        tui_bars::key_ms(&client, daemon, rows)
    }))
}

/// Reads the answers of who waits for changes as they come, so that they need no memory.
fn read(answers: &Receiver<(SystemTime, Vec<u8>)>) -> Result<Seen> {
    let mut seen = Seen::default();
    for (came, body) in answers {
        seen.read(came, &body)?;
    }
    Ok(seen)
}

/// Looks at the daemon, its files and its page every second.
async fn sample(daemon: &Server, folder: &Path, time: Duration) -> Result<Samples> {
    let mut samples = Samples {
        memory: 0.0,
        journal: 0.0,
        pages: histogram()?,
    };
    let mut connection = Connection::new(daemon.address, Wire::Http);
    let mut request = Vec::new();
    requests::get("/")(0, &mut request);
    let began = Instant::now();
    while began.elapsed() < time {
        tokio::time::sleep(EVERY).await;
        let asked = Instant::now();
        connection.ask(&request).await?;
        let took = u64::try_from(asked.elapsed().as_micros())?;
        samples.pages.saturating_record(took);
        samples.memory = daemon.rss_mb()?.max(samples.memory);
        let journal = std::fs::metadata(folder.join("monitoring.db-wal"))?.len();
        samples.journal = (float(journal) / 1e6).max(samples.journal);
    }
    Ok(samples)
}

fn figures(
    bench: &Bench,
    outcome: &Outcome,
    samples: &Samples,
    seen: Vec<Late>,
    key: f64,
    cpu: Duration,
) -> Result<[Figure; 6]> {
    let time = bench.scale.steady.as_secs_f64();
    let beats_note = format!(
        "{} in {time} s, p50 {:.2}, p99 of the worst second {:.2} ms; {:.0} % of one core",
        outcome.answered,
        outcome.overall_ms(50.0)?,
        outcome.percentile_ms(99.0),
        100.0 * cpu.as_secs_f64() / time
    );
    let late = Lateness::of(seen);
    let page = |of_hundred| float(samples.pages.value_at_percentile(of_hundred)) / 1_000.0;
    let page_note = format!("once a second, p99 {:.2} ms", page(99.0));
    let looked = || "looked at every second".to_owned();
    Ok([
        Figure::new(&BEATS, outcome.overall_ms(99.0)?, beats_note),
        Figure::new(&TRANSITIONS, late.percentile_ms(99), late.words()),
        Figure::new(&MEMORY, samples.memory, looked()),
        Figure::new(&JOURNAL, samples.journal, looked()),
        Figure::new(&PAGE, page(50.0), page_note),
        Figure::new(&KEY, key, "with all rows in its list".to_owned()),
    ])
}
