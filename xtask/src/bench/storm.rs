//! Instances that go DOWN: how long after its deadline each is seen to, and how long others wait
//! meanwhile.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};

use super::bars::{self, Figure};
use super::load::{Load, Outcome, Until};
use super::server::Server;
use super::watch::{Late, SILENT, watch};
use super::{Bench, compare, fleet, float, median, requests};

/// Instances in all, and those of them that beat where the deadlines are spread.
const ALL: u64 = 100_000;
const BEATING: u64 = 50_000;
/// Instances that beat beside 100,000 that all go DOWN.
const BESIDE: u64 = 10_000;
/// The seconds over which deadlines are spread.
const SPREAD_S: f64 = 10.0;
/// Connections and registrations a second of the storm, and its seconds that are judged each by itself.
const CONNECTIONS: usize = 64;
const REGISTRATIONS_PER_SECOND: f64 = 500.0;
const STORM_S: usize = 3;
/// How long load comes in before the storm.
const BEFORE: Duration = Duration::from_secs(1);

/// Everything about instances that go DOWN.
pub(super) fn all(bench: &mut Bench) -> Result<Vec<Figure>> {
    let spread = lateness(bench, spread)?;
    let at_once = lateness(bench, at_once)?;
    let mut figures = vec![
        Figure::new(&bars::SPREAD, spread.0, spread.1),
        Figure::new(&bars::AT_ONCE, at_once.0, at_once.1),
    ];
    let rate = match bench.heartbeat_rate {
        Some(rate) => rate,
        None => compare::maximum_rate(bench)?,
    };
    let (mut beats, mut registrations) = (Vec::new(), Vec::new());
    for _ in 0..bench.scale.storms {
        let (beat, registration) = storm(bench, rate / 2.0)?;
        beats.push(beat.percentile_ms(99.0));
        registrations.push(registration.percentile_ms(99.0));
    }
    let note = format!("worst of the {STORM_S} seconds from the instant on, at ");
    let beats_note = format!("{note}{:.0} a second", rate / 2.0);
    let registrations_note = format!("{note}{REGISTRATIONS_PER_SECOND} a second");
    figures.push(Figure::new(
        &bars::STORM_HEARTBEATS,
        median(beats),
        beats_note,
    ));
    figures.push(Figure::new(
        &bars::STORM_REGISTRATIONS,
        median(registrations),
        registrations_note,
    ));
    Ok(figures)
}

/// How long the machine needs to register so many, amply.
pub(super) fn time_to_register(bench: &Bench, count: u64) -> Duration {
    let rate = bench.registration_rate.unwrap_or(5_000.0).min(25_000.0);
    Duration::from_secs_f64(3.0 + 2.5 * float(count) / rate)
}

/// How late transitions were seen, in order.
pub(super) struct Lateness(Vec<Late>);

impl Lateness {
    pub(super) fn of(mut seen: Vec<Late>) -> Self {
        seen.sort_unstable_by_key(|late| late.by_us);
        Self(seen)
    }

    /// What so many of a hundred do not exceed, in ms.
    pub(super) fn percentile_ms(&self, of_hundred: usize) -> f64 {
        let place = (self.0.len() * of_hundred).div_ceil(100).saturating_sub(1);
        self.0.get(place).map_or(f64::NAN, Late::by_ms)
    }

    /// All in a few words.
    pub(super) fn words(&self) -> String {
        let deadlines = || self.0.iter().map(|late| late.deadline_us);
        let width_us = deadlines().max().unwrap_or(0) - deadlines().min().unwrap_or(0);
        format!(
            "{} transitions, deadlines within {:.0} ms: p50 {:.1}, p99 {:.1}, max {:.1} ms",
            self.0.len(),
            float(width_us.unsigned_abs()) / 1_000.0,
            self.percentile_ms(50),
            self.percentile_ms(99),
            self.percentile_ms(100)
        )
    }
}

/// Median of the p99 of some runs, in ms, and what was seen in the last one.
fn lateness(bench: &mut Bench, run: fn(&mut Bench) -> Result<Vec<Late>>) -> Result<(f64, String)> {
    let (mut percentiles, mut note) = (Vec::new(), String::new());
    for _ in 0..bench.scale.storms {
        let seen = Lateness::of(run(bench)?);
        note = seen.words();
        percentiles.push(seen.percentile_ms(99));
    }
    Ok((median(percentiles), note))
}

/// Half of them beat, and the others fall silent, one after the other.
fn spread(bench: &mut Bench) -> Result<Vec<Late>> {
    let daemon = bench.daemon()?;
    fleet::register(bench, &daemon, BEATING)?;
    let silent = ALL - BEATING;
    let ready = time_to_register(bench, ALL);
    let ttl = move |number| ready.as_secs_f64() + SPREAD_S * float(number) / float(silent);
    let last = SystemTime::now() + ready + Duration::from_secs_f64(SPREAD_S);
    fleet::register_as(
        bench,
        &daemon,
        silent,
        requests::registrations_for(SILENT, ttl),
    )?;
    // The last of them was registered some time after the first.
    watch(bench, &daemon, (BEATING, silent), last + ready)
}

/// All of them fall silent at once, beside some that beat.
fn at_once(bench: &mut Bench) -> Result<Vec<Late>> {
    let daemon = bench.daemon()?;
    let moment = register_until_one_moment(bench, &daemon)?;
    watch(bench, &daemon, (BESIDE, ALL), moment)
}

/// Registers those that beat, and all others so that they are due at one moment, which it says.
fn register_until_one_moment(bench: &Bench, daemon: &Server) -> Result<SystemTime> {
    fleet::register(bench, daemon, BESIDE)?;
    let moment = SystemTime::now() + time_to_register(bench, ALL);
    fleet::register_as(
        bench,
        daemon,
        ALL,
        requests::registrations_until(SILENT, moment),
    )?;
    Ok(moment)
}

/// Lets heartbeats and registrations come in while all silent ones go DOWN; both are judged from
/// that instant on.
fn storm(bench: &mut Bench, beats_per_second: f64) -> Result<(Outcome, Outcome)> {
    let daemon = bench.daemon()?;
    let moment = register_until_one_moment(bench, &daemon)?;
    let left = moment.duration_since(SystemTime::now())?;
    let left = left
        .checked_sub(BEFORE)
        .context("the registrations took too long")?;
    let (now, seconds) = (Instant::now(), u64::try_from(STORM_S)?);
    let load = |request, per_second| Load {
        window: Some((now + left + BEFORE, STORM_S)),
        ..Load::closed(
            daemon.address,
            CONNECTIONS,
            Until::Time(BEFORE + Duration::from_secs(seconds)),
            request,
        )
        .open(per_second)
    };
    let beats = load(requests::heartbeats(BESIDE), beats_per_second);
    let registrations = load(requests::registrations(BESIDE), REGISTRATIONS_PER_SECOND);
    let (beats, registrations) = bench.runtime.block_on(async {
        tokio::time::sleep(left).await;
        tokio::join!(beats.run(), registrations.run())
    });
    let down = fleet::summary(daemon.address, "down")?;
    ensure!(
        down == ALL,
        "{ALL} fell silent, and {down} are DOWN behind the storm"
    );
    daemon.end()?;
    Ok((beats?, registrations?))
}
