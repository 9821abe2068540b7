//! Memory, descriptors and the write-ahead log of the daemon, once a second.

use std::fs;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::daemon::{Daemon, wal_bytes};
use super::scene::{Scene, Stage};
use super::verdict::Verdict;

const EVERY: Duration = Duration::from_secs(1);

/// Memory is measured from this part of the run, when caches and lists are full, to its half.
const WARM_UP: f64 = 1.0 / 6.0;
/// A slope says something only over this time.
const MIN_SLOPE_TIME: Duration = Duration::from_secs(20 * 60);
/// How fast memory may grow while the registry does not, in MiB in an hour.
const MAX_SLOPE: f64 = 1.0;
/// Memory of the daemon in MiB, also for a run that is too short for a slope: the debug build was
/// measured at 18 with 1,500 instances, of which 4 are the cache of `SQLite`.
const MAX_RSS_MIB: f64 = 32.0;
/// A log that no checkpoint empties grows without end; ours is cut back to 4 MiB.
const MAX_WAL_MIB: f64 = 16.0;
/// How many descriptors may come and go between two samples: connections of the followers.
const DESCRIPTORS_SPREAD: usize = 16;
/// How long the daemon has to notice that its clients have left.
const LEAVING: Duration = Duration::from_secs(10);

#[derive(Clone, Copy)]
struct Sample {
    at: Duration,
    rss_mib: f64,
    descriptors: usize,
    wal_mib: f64,
}

#[derive(Default)]
pub(super) struct Gauge {
    samples: Vec<Sample>,
}

impl Gauge {
    pub(super) fn watch(scene: &Scene) -> Self {
        let mut seen = Self::default();
        let mut at = Instant::now();
        while scene.sleep_until(at, Stage::Over) {
            at += EVERY;
            let pid = scene.pid.load(Ordering::SeqCst);
            // It may end between the two readings, and then there is nothing to measure.
            let (Ok(rss_mib), Ok(descriptors)) = (rss_mib(pid), descriptors(pid)) else {
                continue;
            };
            seen.samples.push(Sample {
                at: scene.began.elapsed(),
                rss_mib,
                descriptors: descriptors.len(),
                wal_mib: mib(wal_bytes(&scene.db)),
            });
        }
        seen
    }

    pub(super) fn judge(&self, scene: &Scene, verdict: &mut Verdict) {
        let half = scene.length / 2;
        let warm = scene.length.mul_f64(WARM_UP);
        let calm: Vec<Sample> = self
            .samples
            .iter()
            .filter(|sample| warm <= sample.at && sample.at < half)
            .copied()
            .collect();
        let largest = |of: fn(&Sample) -> f64| self.samples.iter().map(of).fold(0.0, f64::max);
        verdict.at_least("samples", self.samples.len(), 60);
        verdict.at_most("memory in MiB", largest(|s| s.rss_mib), MAX_RSS_MIB);
        if MIN_SLOPE_TIME <= half.saturating_sub(warm) {
            let points = calm
                .iter()
                .map(|s| (s.at.as_secs_f64() / 3_600.0, s.rss_mib));
            let slope = slope(&points.collect::<Vec<_>>());
            verdict.at_most("growth of memory in MiB/h", round(slope), MAX_SLOPE);
        }
        for (what, sample) in [("first", calm.first()), ("last", calm.last())] {
            let Some(sample) = sample else { continue };
            verdict.note(
                &format!("memory in MiB, {what} sample of the calm half"),
                sample.rss_mib,
            );
        }
        let descriptors = || calm.iter().map(|sample| sample.descriptors);
        let most = descriptors().max().unwrap_or(usize::MAX);
        let spread = most - descriptors().min().unwrap_or(0);
        verdict.note("descriptors, most in the calm half", most);
        verdict.at_most("descriptors, most less fewest", spread, DESCRIPTORS_SPREAD);
        verdict.at_most(
            "write-ahead log in MiB",
            largest(|s| s.wal_mib),
            MAX_WAL_MIB,
        );
    }
}

/// What the open descriptors of a process lead to.
pub(super) fn descriptors(pid: u32) -> Result<Vec<String>> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd"))?;
    Ok(entries
        // One that is closed meanwhile leads nowhere.
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .map(|target| target.to_string_lossy().into_owned())
        .collect())
}

/// Sockets that are still open when all clients have left, and some time to leave.
pub(super) fn forgotten_sockets(daemon: &Daemon, at_start: &[String]) -> Result<Vec<String>> {
    let pid = daemon.pid().context("the daemon does not run")?;
    let is_socket = |target: &String| target.starts_with("socket:");
    let expected = at_start.iter().filter(|target| is_socket(target)).count();
    let began = Instant::now();
    loop {
        let sockets: Vec<String> = descriptors(pid)?.into_iter().filter(is_socket).collect();
        if sockets.len() <= expected {
            return Ok(Vec::new());
        }
        if LEAVING < began.elapsed() {
            return Ok(sockets);
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn rss_mib(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("a process without memory")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(round(kib / 1_024.0))
}

fn mib(bytes: u64) -> f64 {
    round(f64::from(u32::try_from(bytes / 1_024).unwrap_or(u32::MAX)) / 1_024.0)
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// By least squares; not a number for fewer than two points.
fn slope(points: &[(f64, f64)]) -> f64 {
    let (count, sum_x, sum_y) = points
        .iter()
        .fold((0.0, 0.0, 0.0), |(count, sum_x, sum_y), (x, y)| {
            (count + 1.0, sum_x + x, sum_y + y)
        });
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (above, below) = points.iter().fold((0.0, 0.0), |(above, below), (x, y)| {
        let off = x - mean_x;
        (above + off * (y - mean_y), below + off * off)
    });
    above / below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_line_is_found() {
        let line: Vec<(f64, f64)> = (0..100)
            .map(f64::from)
            .map(|x| (x, 3.0 * x + 7.0 + (x % 2.0 - 0.5) / 10.0))
            .collect();

        assert!((slope(&line) - 3.0).abs() < 0.01, "{}", slope(&line));
        assert!(slope(&[]).is_nan());
    }

    #[test]
    fn this_process_has_memory_and_descriptors() {
        let pid = std::process::id();

        assert!(1.0 < rss_mib(pid).unwrap());
        assert!(3 <= descriptors(pid).unwrap().len());
    }
}
