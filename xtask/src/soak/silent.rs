//! Twenty instances that fall silent: each must be DOWN on time and GONE on time, and is then
//! registered again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::daemon::{REMOVE_AFTER, START_GRACE};
use super::peer::Peer;
use super::scene::{Scene, Stage, Trouble};
use super::verdict::Verdict;

/// How all their names begin.
const PREFIX: &str = "silent-";
const INSTANCES: usize = 20;
/// How long their one heartbeat counts.
const TTL: Duration = Duration::from_secs(10);
/// How often the list is read: what is seen is late by up to this.
const EVERY: Duration = Duration::from_millis(250);
/// How late a change may be seen: one reading, and an answer of a busy daemon.
const SLACK: Duration = Duration::from_secs(1);
/// The same while others take the processors, or just after.
const SLACK_STARVED: Duration = Duration::from_secs(4);
/// A crash costs the listening time since the last flush, on top of the absence itself.
const FLUSH: Duration = Duration::from_secs(3);

/// A crash counts as a second of silence at least, so that a crash loop keeps nobody alive: after
/// a short one everything is due so much earlier.
const CRASH: Duration = Duration::from_secs(1);

/// What was last seen of an instance.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// Not registered, or GONE as it should.
    Absent,
    Up,
    Down,
}

#[derive(Clone, Copy)]
struct One {
    life: Life,
    /// Before its registration was sent, and after it was answered.
    sent: Instant,
    answered: Instant,
    /// Whether it was told already that it is late.
    is_told: bool,
    /// When to register it (again).
    due: Instant,
    /// False when its registration was not answered with success: it may be there or not.
    is_sure: bool,
}

#[derive(Default)]
pub(super) struct Silent {
    downs: usize,
    gones: usize,
    early: Vec<String>,
    late: Vec<String>,
    latest: Duration,
}

impl Silent {
    /// Watches until changes are to end.
    pub(super) fn watch(scene: &Scene) -> Self {
        let mut seen = Self::default();
        let mut peer = Peer::new(scene.address);
        let mut all: Vec<One> = (0_u32..)
            .take(INSTANCES)
            .map(|number| One {
                life: Life::Absent,
                sent: scene.began,
                answered: scene.began,
                is_told: false,
                due: scene.began + TTL * number / 10,
                is_sure: true,
            })
            .collect();
        while scene.sleep(EVERY, Stage::NoMoreChanges) {
            let asked = Instant::now();
            let Ok(statuses) = statuses(&mut peer) else {
                // A daemon that is away is asked again.
                continue;
            };
            for (number, one) in all.iter_mut().enumerate() {
                let name = format!("{PREFIX}{number:02}");
                let is = statuses.get(&name).copied().unwrap_or(Life::Absent);
                seen.compare(scene, &name, one, is, asked);
                if one.life == Life::Absent && one.due <= Instant::now() {
                    register(&mut peer, &name, one);
                }
            }
        }
        seen
    }

    /// One look at one instance; `asked` is the moment before the list was asked for.
    fn compare(&mut self, scene: &Scene, name: &str, one: &mut One, is: Life, asked: Instant) {
        let now = Instant::now();
        let absences = scene.away(one.sent, now).map_or(0, |(_, times)| times);
        let silent = now - one.sent + CRASH * absences;
        let gone_after = TTL + REMOVE_AFTER;
        let at = (now - scene.began).as_secs();
        match (one.life, is) {
            (Life::Up, Life::Up) => self.overdue(scene, name, one, TTL, asked),
            (Life::Down, Life::Down) => self.overdue(scene, name, one, gone_after, asked),
            (Life::Absent, Life::Absent) => {}
            (Life::Up, Life::Down) => {
                self.downs += 1;
                if silent < TTL {
                    self.early
                        .push(format!("{at} s: {name} DOWN after {silent:?}"));
                }
                one.life = Life::Down;
            }
            (Life::Down, Life::Absent) => {
                self.gones += 1;
                if silent < gone_after {
                    self.early
                        .push(format!("{at} s: {name} GONE after {silent:?}"));
                }
                one.life = Life::Absent;
                one.due = now + EVERY;
            }
            // A crash in the moment after may take a transition back, which waits for no answer.
            (Life::Down, Life::Up) if scene.had(&[Trouble::Away], asked, now) => {
                one.life = Life::Up;
            }
            (Life::Absent, _) if !one.is_sure || scene.had(&[Trouble::Away], asked, now) => {
                one.life = is;
            }
            (from, _) => {
                let word = |life| match life {
                    Life::Absent => "absent",
                    Life::Up => "UP",
                    Life::Down => "DOWN",
                };
                let (was, is_now) = (word(from), word(is));
                self.late.push(format!(
                    "{at} s: {name} was {was} and is {is_now} without a heartbeat"
                ));
                one.life = is;
            }
        }
    }

    /// It should have changed after `time` of silence, if the daemon had always listened.
    fn overdue(
        &mut self,
        scene: &Scene,
        name: &str,
        one: &mut One,
        time: Duration,
        asked: Instant,
    ) {
        let slack = if scene.had(&[Trouble::Starved], one.answered, asked) {
            SLACK_STARVED
        } else {
            SLACK
        };
        let allowed = match scene.away(one.sent, asked) {
            None => time + slack,
            Some((away, times)) => time + slack + START_GRACE + away + FLUSH * times,
        };
        let silent = asked.saturating_duration_since(one.answered);
        if one.is_told {
            return;
        }
        if silent <= allowed {
            self.latest = self.latest.max(silent.saturating_sub(time));
            return;
        }
        let at = (asked - scene.began).as_secs();
        self.late.push(format!(
            "{at} s: {name} unchanged after a silence of {silent:?}, {allowed:?} are allowed"
        ));
        one.is_told = true;
    }

    pub(super) fn judge(&self, verdict: &mut Verdict) {
        verdict.at_least("silent instances seen DOWN", self.downs, INSTANCES);
        verdict.at_least("silent instances seen GONE", self.gones, INSTANCES);
        verdict.none("DOWN or GONE before their time", &self.early);
        verdict.none("false UP, or DOWN or GONE late", &self.late);
        verdict.note(
            "longest overdue, absences and grace included, in s",
            format!("{:.1}", self.latest.as_secs_f64()),
        );
    }
}

fn register(peer: &mut Peer, name: &str, one: &mut One) {
    let body = format!(
        r#"{{"name":"{name}","ip":"10.3.0.1","ttl_s":{}}}"#,
        TTL.as_secs()
    );
    let sent = Instant::now();
    let asked = peer.ask("POST", "/register", &body);
    if one.is_sure {
        // Of tries that were not answered any may be the one that was heard last.
        one.sent = sent;
    }
    one.is_told = false;
    one.answered = Instant::now();
    one.is_sure = asked.is_ok_and(|answer| answer.status == 200);
    if one.is_sure {
        one.life = Life::Up;
    } else {
        one.due = Instant::now() + Duration::from_secs(1);
    }
}

/// The status of each silent instance that is in the list.
fn statuses(peer: &mut Peer) -> Result<HashMap<String, Life>> {
    let answer = peer.ask("GET", &format!("/services?q={PREFIX}"), "")?;
    ensure!(answer.status == 200, "{}", answer.text());
    let list = answer.json()?;
    let rows = list["services"].as_array().context("no list")?;
    Ok(rows
        .iter()
        .filter_map(|row: &Value| {
            let life = match row["status"].as_str()? {
                "UP" => Life::Up,
                "DOWN" => Life::Down,
                _ => return None,
            };
            Some((row["name"].as_str()?.to_owned(), life))
        })
        .collect())
}
