//! A thousand instances that beat as they should, each every five seconds.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::all_of;
use super::peer::Peer;
use super::scene::{Scene, Stage, Trouble};
use super::verdict::Verdict;

/// How all their names begin.
pub(super) const PREFIX: &str = "beat-";

const INSTANCES: usize = 1_000;
/// Of all instances together, in a second.
const BEATS_PER_S: u32 = 200;
/// Threads with a connection each, which share the instances.
const WORKERS: usize = 8;
/// How long a heartbeat counts.
const TTL: Duration = Duration::from_secs(60);
/// A slow answer outside of trouble; some are to be expected where other programs build or test.
const SLOW: Duration = Duration::from_secs(1);
/// One that no load of the machine explains.
const TOO_SLOW: Duration = Duration::from_secs(5);
/// How long a client waits after it got no answer.
const RETRY: Duration = Duration::from_millis(50);

/// A heartbeat that was not answered with 200, or late.
struct Blemish {
    from: Instant,
    to: Instant,
    what: String,
}

/// What the instances of one thread, or of all, have seen.
#[derive(Default)]
pub(super) struct Beats {
    answered: usize,
    failed: Vec<Blemish>,
    slow: Vec<Blemish>,
    /// The longest time between two answers of each instance, by number.
    gaps: Vec<Duration>,
}

/// Registers all instances.
pub(super) fn register(scene: &Scene) -> Result<()> {
    let mut peer = Peer::new(scene.address);
    for number in 0..INSTANCES {
        let answer = peer.ask("POST", "/register", &body(number))?;
        ensure!(answer.status == 200, "registration: {}", answer.text());
    }
    Ok(())
}

fn body(number: usize) -> String {
    let (high, low) = (number / 250, number % 250 + 1);
    format!(
        r#"{{"name":"{PREFIX}{number:04}","ip":"10.1.{high}.{low}","port":8080,"ttl_s":{},"tags":["soak"]}}"#,
        TTL.as_secs()
    )
}

impl Beats {
    /// Beats until the end.
    pub(super) fn beat(scene: &Scene) -> Self {
        let parts: Vec<Self> = thread::scope(|scope| {
            let workers: Vec<_> = (0..WORKERS)
                .map(|worker| scope.spawn(move || Self::beat_for(scene, worker)))
                .collect();
            all_of(workers)
        });
        let mut all = Self {
            gaps: vec![Duration::MAX; INSTANCES],
            ..Self::default()
        };
        for part in parts {
            all.answered += part.answered;
            all.failed.extend(part.failed);
            all.slow.extend(part.slow);
            for (gap, of_part) in all.gaps.iter_mut().zip(part.gaps) {
                *gap = (*gap).min(of_part);
            }
        }
        all
    }

    /// One thread: the instances whose number leaves `worker` as the remainder.
    fn beat_for(scene: &Scene, worker: usize) -> Self {
        let mut peer = Peer::new(scene.address);
        let mut seen = Self::default();
        let mut heard = vec![Instant::now(); INSTANCES];
        seen.gaps = vec![Duration::MAX; INSTANCES];
        let mine: Vec<usize> = (worker..INSTANCES).step_by(WORKERS).collect();
        for number in &mine {
            seen.gaps[*number] = Duration::ZERO;
        }
        let every = Duration::from_secs(1) * u32::try_from(WORKERS).unwrap_or(1) / BEATS_PER_S;
        let mut at = Instant::now() + every * u32::try_from(worker).unwrap_or(0) / 8;
        for (turn, number) in mine.iter().cycle().enumerate() {
            if !scene.sleep_until(at, Stage::Over) {
                break;
            }
            at += every;
            let from = Instant::now();
            let asked = if turn % 2 == 0 {
                let path = format!("/heartbeat/{PREFIX}{number:04}");
                peer.ask("POST", &path, "")
            } else {
                peer.ask("POST", "/register", &body(*number))
            };
            let to = Instant::now();
            let what = match asked {
                Ok(answer) if answer.status == 200 => {
                    seen.answered += 1;
                    seen.gaps[*number] = seen.gaps[*number].max(to - heard[*number]);
                    heard[*number] = to;
                    if to - from <= SLOW {
                        continue;
                    }
                    let what = format!("{PREFIX}{number:04} answered after {:?}", to - from);
                    seen.slow.push(Blemish { from, to, what });
                    continue;
                }
                Ok(answer) => format!("{}: {}", answer.status, answer.text()),
                Err(error) => format!("no answer: {error:#}"),
            };
            let what = format!("{PREFIX}{number:04} {what}");
            seen.failed.push(Blemish { from, to, what });
            scene.sleep(RETRY, Stage::Over);
        }
        // The time since the last answer is a gap, too.
        for number in mine {
            seen.gaps[number] = seen.gaps[number].max(heard[number].elapsed());
        }
        seen
    }

    /// Whether this instance got an answer at least every ttl, so that it may never be DOWN.
    pub(super) fn is_faithful(&self, name: &str) -> bool {
        let number = name.strip_prefix(PREFIX).and_then(|n| n.parse().ok());
        number
            .and_then(|number: usize| self.gaps.get(number))
            .is_some_and(|gap| *gap < TTL)
    }

    pub(super) fn judge(&self, scene: &Scene, verdict: &mut Verdict) {
        // What fails while the daemon is away is not made up for.
        let expected = scene.length.as_secs() * u64::from(BEATS_PER_S) * 3 / 4;
        verdict.at_least(
            "heartbeats answered with 200",
            u64::try_from(self.answered).unwrap_or(0),
            expected,
        );
        let longest = self.gaps.iter().max().copied().unwrap_or_default();
        verdict.note(
            "longest time between two answers of one instance, in s",
            format!("{:.1}", longest.as_secs_f64()),
        );
        let faithful = self.gaps.iter().filter(|gap| **gap < TTL).count();
        verdict.at_least(
            "instances that got an answer at least every ttl",
            faithful,
            INSTANCES,
        );
        let slow = self.slow.iter().filter(|blemish| {
            !scene.had(&[Trouble::Away, Trouble::Starved], blemish.from, blemish.to)
        });
        let (too_slow, slow): (Vec<&Blemish>, Vec<&Blemish>) =
            slow.partition(|blemish| TOO_SLOW < blemish.to - blemish.from);
        verdict.note("heartbeats slower than 1 s outside of trouble", slow.len());
        let failed: Vec<String> = self
            .failed
            .iter()
            .filter(|blemish| !scene.had(&[Trouble::Away], blemish.from, blemish.to))
            .map(|blemish| {
                let at = (blemish.from - scene.began).as_secs();
                format!("{at} s: {}", blemish.what)
            })
            .collect();
        verdict.none("heartbeats failed while the daemon was there", &failed);
        let too_slow: Vec<String> = too_slow
            .iter()
            .map(|blemish| blemish.what.clone())
            .collect();
        verdict.none("heartbeats slower than 5 s outside of trouble", &too_slow);
    }
}
