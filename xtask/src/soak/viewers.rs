//! Twenty pages: half of them ask for the dashboard's rows as its script does, half follow the
//! list by what changed and must have the whole list at the end.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::peer::Peer;
use super::scene::{Scene, Stage, Trouble};
use super::verdict::Verdict;
use super::{all_of, beats, churn};

const PAGES: usize = 10;
const FOLLOWERS: usize = 10;
/// How often the dashboard's script asks.
const EVERY: Duration = Duration::from_secs(2);
/// How long a follower lets the daemon hold its answer.
const WAIT: &str = "10s";

#[derive(Default)]
pub(super) struct Views {
    answers: usize,
    failed: Vec<(Instant, Instant, String)>,
    differing: Vec<String>,
}

/// Status and version by name and instance.
type Mirror = BTreeMap<(String, String), String>;

impl Views {
    /// Looks until the end.
    pub(super) fn watch(scene: &Scene) -> Self {
        let parts: Vec<Self> = thread::scope(|scope| {
            let pages = (0..PAGES).map(|_| scope.spawn(|| Self::page(scene)));
            let viewers: Vec<_> = pages
                .chain((0..FOLLOWERS).map(|_| scope.spawn(|| Self::follow(scene))))
                .collect();
            all_of(viewers)
        });
        let mut all = Self::default();
        for part in parts {
            all.answers += part.answers;
            all.failed.extend(part.failed);
            all.differing.extend(part.differing);
        }
        all
    }

    fn page(scene: &Scene) -> Self {
        let mut seen = Self::default();
        let mut peer = Peer::new(scene.address);
        let mut path = "/";
        while scene.sleep(EVERY, Stage::Over) {
            let from = Instant::now();
            match look(&mut peer, path) {
                Ok(()) => {
                    seen.answers += 1;
                    path = "/rows";
                }
                Err(error) => seen.fail(from, &error),
            }
        }
        seen
    }

    fn follow(scene: &Scene) -> Self {
        let mut seen = Self::default();
        let mut peer = Peer::new(scene.address);
        let mut mirror = Mirror::new();
        let mut cursor = None;
        while scene.is_before(Stage::Over) {
            let from = Instant::now();
            match follow_once(&mut peer, &mut mirror, &mut cursor, WAIT) {
                Ok(()) => seen.answers += 1,
                Err(error) => {
                    seen.fail(from, &error);
                    scene.sleep(EVERY, Stage::Over);
                }
            }
        }
        match difference(&mut peer, mirror, cursor) {
            Ok(None) => {}
            Ok(Some(difference)) => seen.differing.push(difference),
            Err(error) => seen.differing.push(format!("{error:#}")),
        }
        seen
    }

    fn fail(&mut self, from: Instant, error: &anyhow::Error) {
        self.failed
            .push((from, Instant::now(), format!("{error:#}")));
    }

    pub(super) fn judge(&self, scene: &Scene, verdict: &mut Verdict) {
        verdict.at_least(
            "answers to pages and followers",
            u64::try_from(self.answers).unwrap_or(0),
            scene.length.as_secs() * 5,
        );
        let unexcused: Vec<String> = self
            .failed
            .iter()
            .filter(|(from, to, _)| !scene.had(&[Trouble::Away], *from, *to))
            .map(|(from, _, what)| format!("{} s: {what}", (*from - scene.began).as_secs()))
            .collect();
        verdict.none("pages not answered while the daemon was there", &unexcused);
        verdict.none("followers whose list differs at the end", &self.differing);
    }
}

fn look(peer: &mut Peer, path: &str) -> Result<()> {
    let answer = peer.ask("GET", path, "")?;
    let text = answer.text();
    ensure!(
        answer.status == 200 && text.contains(beats::PREFIX),
        "{path}: {} {text}",
        answer.status
    );
    Ok(())
}

/// Brings `mirror` up to date as every client does.
fn follow_once(
    peer: &mut Peer,
    mirror: &mut Mirror,
    cursor: &mut Option<String>,
    wait: &str,
) -> Result<()> {
    let path = match cursor {
        None => "/services".to_owned(),
        Some(cursor) => format!("/services?since={cursor}&wait={wait}"),
    };
    let answer = peer.ask("GET", &path, "")?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    let list = answer.json()?;
    if cursor.is_none() || list["full"] == true {
        mirror.clear();
    }
    let rows = |key: &str| list[key].as_array().map_or(&[][..], Vec::as_slice);
    for row in rows("removed") {
        mirror.remove(&key(row));
    }
    for row in rows("services") {
        let state = format!("{} {}", row["status"], row["metadata"]["version"]);
        mirror.insert(key(row), state);
    }
    *cursor = Some(list["cursor"].as_str().context("no cursor")?.to_owned());
    Ok(())
}

fn key(row: &Value) -> (String, String) {
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    (text("name"), text("instance"))
}

/// The first difference between what was followed and the whole list, of those that do not change
/// any more.
fn difference(
    peer: &mut Peer,
    mut mirror: Mirror,
    mut cursor: Option<String>,
) -> Result<Option<String>> {
    follow_once(peer, &mut mirror, &mut cursor, "0s")?;
    let mut whole = Mirror::new();
    follow_once(peer, &mut whole, &mut None, "0s")?;
    for rows in [&mut mirror, &mut whole] {
        rows.retain(|(name, _), _| {
            name.starts_with(beats::PREFIX) || name.starts_with(churn::PREFIX)
        });
    }
    let differing = whole
        .iter()
        .find(|(row, state)| mirror.get(*row) != Some(*state))
        .map(|(row, state)| format!("{row:?} is {state}, followed as {:?}", mirror.get(row)));
    let surplus = || {
        let row = mirror.keys().find(|row| !whole.contains_key(*row))?;
        Some(format!("{row:?} is not there any more"))
    };
    Ok(differing.or_else(surplus))
}
