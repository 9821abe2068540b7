//! `cargo xtask bench`: how fast and how small the daemon is, against bars and beside what else one
//! could run.
//!
//! Machines are noisy, so what is compared is measured side by side, in slices that take turns, and
//! the median of their ratios counts. It tells what is missed and fails no build by it: it ends with
//! an error only when something was answered wrongly or could not be measured.

mod bars;
mod chart;
mod compare;
mod duel;
mod fleet;
mod growth;
mod load;
mod options;
mod properties;
mod report;
mod requests;
mod rivals;
mod server;
mod steady;
mod storm;
mod watch;
mod wire;
pub(crate) mod yardstick;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use tokio::runtime::Runtime;

use self::bars::{BARS, Bar, Figure};
use self::load::{Load, Outcome, Request};
use self::options::{Options, Scale, What};
use self::server::Server;
use self::wire::{Connection, Wire};
use crate::USAGE;
use crate::runner::call;
use crate::scratch::Scratch;
use crate::test::root;

/// What all measurements share.
struct Bench {
    root: PathBuf,
    /// Where the programs are that are measured.
    programs: PathBuf,
    scale: Scale,
    runtime: Runtime,
    folder: Scratch,
    folders: usize,
    /// Heartbeats a second of 64 connections, once they were measured.
    heartbeat_rate: Option<f64>,
    /// Durable registrations a second, once they were measured.
    registration_rate: Option<f64>,
    /// What was measured that no bar is set for.
    beside: Vec<String>,
}

/// A measurement: the bars it is about, and what measures them.
struct Part {
    what: &'static str,
    bars: &'static [&'static Bar],
    measure: fn(&mut Bench) -> Result<Vec<Figure>>,
}

/// All of them, in the order in which they are made.
const PARTS: [Part; 13] = [
    part(
        "heartbeats beside bare hyper",
        &[&bars::HEARTBEATS, &bars::HEARTBEAT_CPU],
        compare::heartbeats,
    ),
    part(
        "registrations beside bare hyper",
        &[&bars::REGISTRATIONS],
        compare::registrations,
    ),
    part(
        "heartbeats beside the Flask original",
        &[&bars::FLASK],
        compare::flask,
    ),
    part("heartbeats beside etcd", &[&bars::ETCD], compare::etcd),
    part("heartbeats beside Redis", &[&bars::REDIS], compare::redis),
    part(
        "lists beside the Flask original",
        &[&bars::LIST],
        compare::lists,
    ),
    part("the dashboard's page", &[&bars::PAGE], properties::page),
    part(
        "100,000 instances",
        &[
            &bars::MEMORY,
            &bars::GROWTH,
            &bars::DELTA,
            &bars::START_FULL,
        ],
        properties::many,
    ),
    part(
        "an idle daemon",
        &[&bars::MEMORY_IDLE, &bars::START_EMPTY],
        properties::idle,
    ),
    part(
        "sizes",
        &[&bars::DAEMON_SIZE, &bars::CLIENT_SIZE],
        properties::sizes,
    ),
    part("the disk", &[&bars::DISK], properties::disk),
    part(
        "allocations",
        &[&bars::ALLOCATIONS],
        properties::allocations,
    ),
    part(
        "instances that go DOWN",
        &[
            &bars::SPREAD,
            &bars::AT_ONCE,
            &bars::STORM_HEARTBEATS,
            &bars::STORM_REGISTRATIONS,
        ],
        storm::all,
    ),
];

const fn part(
    what: &'static str,
    bars: &'static [&'static Bar],
    measure: fn(&mut Bench) -> Result<Vec<Figure>>,
) -> Part {
    Part {
        what,
        bars,
        measure,
    }
}

/// Builds everything as it is released, itself, too, and measures.
///
/// # Errors
/// When the build fails, or something was answered wrongly.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let Some(options) = Options::read(arguments)? else {
        eprintln!(
            "xtask bench: the options are --quick, --only WORD and --programs FOLDER; --growth or \
             --steady measures that instead"
        );
        return Ok(ExitCode::from(USAGE));
    };
    let root = root()?;
    if cfg!(debug_assertions) {
        return build_and_run(&root, &options, arguments);
    }
    let programs = options.programs;
    let programs = programs.unwrap_or_else(|| root.join("target/release"));
    let mut bench = Bench {
        runtime: tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?,
        folder: Scratch::new(&root, "bench")?,
        root,
        programs,
        scale: options.scale,
        folders: 0,
        heartbeat_rate: None,
        registration_rate: None,
        beside: Vec::new(),
    };
    match options.what {
        What::Bars => bench.measure(options.only),
        What::Growth => growth::measure(&mut bench),
        What::Steady => steady::measure(&mut bench),
    }
}

/// The load must not be slower than what it measures: everything is built for release, and the
/// release build of this program measures.
fn build_and_run(
    root: &std::path::Path,
    options: &Options<'_>,
    arguments: &[String],
) -> Result<ExitCode> {
    let mut build = vec!["build", "--release", "-p", "xtask"];
    if options.programs.is_none() {
        build.extend(["-p", "lastbeatd", "-p", "lastbeat"]);
    }
    let status = call(&build).status()?;
    ensure!(status.success(), "the release build ended with {status}");
    let program = root.join("target/release/xtask");
    let mut command = Command::new(&program);
    if options.what == What::Steady {
        // The load, and all that it starts, leaves the other core to the daemon.
        command = Command::new("taskset");
        command
            .args(["--cpu-list", &steady::LOAD_CORE.to_string()])
            .arg(program);
    }
    let status = command.arg("bench").args(arguments).status().context(
        "cannot start the release build of xtask (with --steady by taskset of util-linux)",
    )?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Bench {
    /// All parts; what one cannot measure is said in the table, and the others go on.
    fn measure(&mut self, only: &str) -> Result<ExitCode> {
        let mut figures = Vec::new();
        let mut errors = Vec::new();
        let began = report::Machine::look()?;
        for Part {
            what,
            bars,
            measure,
        } in PARTS
        {
            if !what.contains(only) {
                continue;
            }
            eprintln!("{what}");
            match measure(self) {
                Ok(found) => figures.extend(found),
                Err(error) => {
                    eprintln!("   {error:#}");
                    errors.push(format!("{what}: {error:#}"));
                    let none = bars
                        .iter()
                        .map(|bar| Figure::none(bar, "an error, see below"));
                    figures.extend(none);
                }
            }
        }
        let place = |figure: &Figure| BARS.iter().position(|bar| bar.what == figure.bar.what);
        figures.sort_by_key(place);
        report::tell(self, &began, &figures, &errors)?;
        Ok(if errors.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    /// An empty folder under `target/`, on a disk as the database's would be.
    fn new_folder(&mut self) -> Result<PathBuf> {
        self.folders += 1;
        let folder = self.folder.path().join(self.folders.to_string());
        std::fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// A daemon of its own in a new folder; no heartbeat is due while it is measured.
    fn daemon(&mut self) -> Result<Server> {
        let folder = self.new_folder()?;
        server::daemon(&self.programs.join("lastbeatd"), &folder, &["--ttl", "12h"])
    }

    /// The bare server.
    fn yardstick() -> Result<Server> {
        Self::yardstick_of(None)
    }

    /// The same with an answer of so many bytes.
    fn yardstick_of(bytes: Option<usize>) -> Result<Server> {
        let mut command = Command::new(std::env::current_exe()?);
        let bytes = bytes.map(|bytes| bytes.to_string());
        Server::start(command.arg("yardstick").args(bytes))
    }

    /// The body of the answer to a request.
    fn answer(&self, server: &Server, request: &Request) -> Result<Vec<u8>> {
        let mut connection = Connection::new(server.address, Wire::Http);
        let mut bytes = Vec::new();
        request(0, &mut bytes);
        self.runtime.block_on(connection.ask(&bytes))?;
        connection.body()
    }

    fn load(&self, load: &Load) -> Result<Outcome> {
        self.runtime.block_on(load.run())
    }
}

/// A count as a number to divide.
#[expect(
    clippy::cast_precision_loss,
    reason = "nothing that is counted here reaches 2^52"
)]
const fn float(count: u64) -> f64 {
    count as f64
}

/// The one in the middle; of an even number the lower of both.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len().saturating_sub(1) / 2;
    numbers.get(middle).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_is_measured_by_one_part() {
        let mut measured: Vec<&str> = { PARTS.iter() }
            .flat_map(|part| part.bars.iter().map(|bar| bar.what))
            .collect();
        let mut bars: Vec<&str> = BARS.iter().map(|bar| bar.what).collect();
        measured.sort_unstable();
        bars.sort_unstable();

        assert_eq!(measured, bars);
    }

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        let is = |numbers: &[f64], middle: f64| {
            let found = median(numbers.to_vec());
            assert!((found - middle).abs() < 1e-9, "{numbers:?}: {found}");
        };
        is(&[3.0, 1.0, 2.0], 2.0);
        is(&[4.0, 1.0, 3.0, 2.0], 2.0);
        assert!(median(Vec::new()).is_nan());
    }
}
