//! Registrations, changes and deregistrations all the time, and a ledger of what was answered.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::all_of;
use super::peer::Peer;
use super::scene::{Scene, Stage, Trouble};
use super::verdict::Verdict;

/// How all their names begin.
pub(super) const PREFIX: &str = "churn-";

/// Threads with a connection and names of their own.
const WORKERS: usize = 2;
/// Names of one thread; they are used again and again, so that memory can be compared.
const NAMES: usize = 250;
/// Time between two changes of one thread.
const EVERY: Duration = Duration::from_millis(200);
/// At first there is no pause, until this many changes: caches and the list of newest events are
/// full then.
const FILLING: usize = 15_000;
/// But no longer than this part of the run.
const FILLING_PART: u32 = 12;
/// How often all names are compared.
const COMPARE: Duration = Duration::from_secs(5);

/// What is registered under a name: nothing, or this version.
type Known = Option<u64>;

/// A name, and everything that may be true of it: one state after an answer, and one more for
/// each request since that was not answered with success.
struct Entry {
    name: String,
    possible: Vec<Known>,
}

#[derive(Default)]
pub(super) struct Churn {
    acknowledged: usize,
    compared: usize,
    lost: Vec<String>,
    wrong: Vec<String>,
    refused: usize,
    unanswered: usize,
    slowest: Duration,
}

impl Churn {
    /// Changes and compares until changes are to end; then compares once more.
    pub(super) fn go_on(scene: &Scene) -> Self {
        let parts: Vec<Self> = thread::scope(|scope| {
            let workers: Vec<_> = (0..WORKERS)
                .map(|worker| scope.spawn(move || Self::go_on_for(scene, worker)))
                .collect();
            all_of(workers)
        });
        let mut all = Self::default();
        for part in parts {
            all.acknowledged += part.acknowledged;
            all.compared += part.compared;
            all.lost.extend(part.lost);
            all.wrong.extend(part.wrong);
            all.refused += part.refused;
            all.unanswered += part.unanswered;
            all.slowest = all.slowest.max(part.slowest);
        }
        all
    }

    fn go_on_for(scene: &Scene, worker: usize) -> Self {
        let mut seen = Self::default();
        let mut peer = Peer::new(scene.address);
        let mut ledger: Vec<Entry> = (0..NAMES)
            .map(|number| Entry {
                name: format!("{PREFIX}{worker}-{number:03}"),
                possible: vec![None],
            })
            .collect();
        let filled_at = scene.began + scene.length / FILLING_PART;
        let mut next_compare = Instant::now() + COMPARE;
        let mut turn = 0;
        while scene.is_before(Stage::NoMoreChanges) {
            turn += 1;
            // A step that shares no factor with their number visits all names.
            let entry = &mut ledger[turn * 7 % NAMES];
            seen.change(scene, &mut peer, entry, turn);
            if next_compare <= Instant::now() {
                seen.compare(&mut peer, worker, &ledger);
                next_compare = Instant::now() + COMPARE;
            }
            if FILLING <= turn || filled_at <= Instant::now() {
                scene.sleep(EVERY, Stage::NoMoreChanges);
            }
        }
        let compared = seen.compared;
        seen.compare(&mut peer, worker, &ledger);
        if seen.compared == compared {
            seen.lost.push("the last comparison failed".to_owned());
        }
        seen
    }

    /// One change of one name: a name that is there is changed, now and then deregistered.
    fn change(&mut self, scene: &Scene, peer: &mut Peer, entry: &mut Entry, turn: usize) {
        let from = Instant::now();
        let version = u64::try_from(turn).unwrap_or(0);
        let leaves = entry.possible.iter().all(Option::is_some) && turn.is_multiple_of(3);
        let (next, asked) = if leaves {
            let path = format!("/deregister/{}", entry.name);
            (None, peer.ask("POST", &path, ""))
        } else {
            let body = json!({
                "name": entry.name, "ip": "10.2.0.1", "ttl_s": 86_400,
                "metadata": {"version": version.to_string()},
            });
            (
                Some(version),
                peer.ask("POST", "/register", &body.to_string()),
            )
        };
        let to = Instant::now();
        match asked {
            Ok(answer) if answer.status == 200 => {
                self.acknowledged += 1;
                entry.possible = vec![next];
                if !scene.had(
                    &[Trouble::Away, Trouble::Starved, Trouble::Locked],
                    from,
                    to,
                ) {
                    self.slowest = self.slowest.max(to - from);
                }
                return;
            }
            Ok(answer) if answer.status == 503 => {
                self.refused += 1;
                let is_told = answer.text().contains("problem:storage-unavailable")
                    || answer.text().contains("problem:not-ready");
                if !is_told || !scene.had(&[Trouble::Away, Trouble::Locked], from, to) {
                    self.wrong(scene, from, &entry.name, &answer.text());
                }
            }
            Ok(answer) if answer.status == 404 && leaves => {
                // Where two states were possible, it has been deregistered already.
                if entry.possible.len() == 1 {
                    let lost = format!("{} was not there to be deregistered", entry.name);
                    self.lost.push(lost);
                }
            }
            Ok(answer) => self.wrong(scene, from, &entry.name, &answer.text()),
            Err(error) => {
                self.unanswered += 1;
                if !scene.had(&[Trouble::Away], from, to) {
                    self.wrong(scene, from, &entry.name, &format!("no answer: {error:#}"));
                }
                scene.sleep(EVERY, Stage::NoMoreChanges);
            }
        }
        entry.possible.push(next);
    }

    fn wrong(&mut self, scene: &Scene, at: Instant, name: &str, what: &str) {
        let at = (at - scene.began).as_secs();
        self.wrong.push(format!("{at} s: {name}: {what}"));
    }

    /// Compares what the daemon has with what it answered; a daemon that is away is compared later.
    fn compare(&mut self, peer: &mut Peer, worker: usize, ledger: &[Entry]) {
        let Ok(there) = registered(peer, &format!("{PREFIX}{worker}-")) else {
            return;
        };
        for entry in ledger {
            let is = there.get(&entry.name).copied();
            if !entry.possible.contains(&is) {
                self.lost.push(format!(
                    "{}: has version {is:?}, possible are {:?}",
                    entry.name, entry.possible
                ));
            }
        }
        self.compared += 1;
    }

    pub(super) fn judge(&self, scene: &Scene, verdict: &mut Verdict) {
        // Ten a second are tried; locks and restarts of 20 s take their time, and so does a disk
        // that others use.
        let expected = scene.length.as_secs() * 2;
        verdict.at_least(
            "changes acknowledged",
            u64::try_from(self.acknowledged).unwrap_or(0),
            expected,
        );
        verdict.at_least(
            "comparisons of all names",
            u64::try_from(self.compared).unwrap_or(0),
            scene.length.as_secs() / 10,
        );
        verdict.none("acknowledged changes lost", &self.lost);
        verdict.none("changes refused or failed without a trouble", &self.wrong);
        verdict.note("changes answered 503 in a trouble", self.refused);
        verdict.note("changes not answered in a trouble", self.unanswered);
        verdict.note(
            "slowest change outside of trouble, in ms",
            self.slowest.as_millis(),
        );
    }
}

/// The version of each name that begins so.
fn registered(peer: &mut Peer, prefix: &str) -> Result<HashMap<String, u64>> {
    let answer = peer.ask("GET", &format!("/services?q={prefix}"), "")?;
    ensure!(answer.status == 200, "{}", answer.text());
    let list = answer.json()?;
    let rows = list["services"].as_array().map_or(&[][..], Vec::as_slice);
    Ok(rows
        .iter()
        .filter_map(|row: &Value| {
            let version = row["metadata"]["version"].as_str()?.parse().ok()?;
            Some((row["name"].as_str()?.to_owned(), version))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_turn() {
        let visited: std::collections::HashSet<usize> =
            (1..=NAMES).map(|turn| turn * 7 % NAMES).collect();

        assert_eq!(visited.len(), NAMES);
    }
}
