//! The events of the run: nobody who beats, and nobody with a long ttl, may be DOWN or GONE.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::beats::{self, Beats};
use super::churn;
use super::peer::Peer;
use super::scene::{Scene, Stage};
use super::verdict::Verdict;

/// How often new ones are read.
const EVERY: Duration = Duration::from_secs(2);
/// So many revisions before the last are read again: a daemon that was killed may have given a
/// number twice, to an event that was not stored and to the one after.
const AGAIN: u64 = 100;

#[derive(Default)]
pub(super) struct Events {
    /// Time and name.
    downs: BTreeSet<(String, String)>,
    last: u64,
    stalls: BTreeSet<String>,
    starts: BTreeSet<String>,
}

impl Events {
    /// Reads until the end.
    pub(super) fn watch(scene: &Scene) -> Self {
        let mut seen = Self::default();
        let mut peer = Peer::new(scene.address);
        while scene.sleep(EVERY, Stage::Over) {
            // A daemon that is away is asked again.
            drop(seen.read(&mut peer));
        }
        drop(seen.read(&mut peer));
        seen
    }

    fn read(&mut self, peer: &mut Peer) -> Result<()> {
        let until = self.last.saturating_sub(AGAIN);
        let mut newest = self.last;
        let mut path = "/events?limit=500".to_owned();
        loop {
            let answer = peer.ask("GET", &path, "")?;
            ensure!(answer.status == 200, "{}", answer.text());
            let page = answer.json()?;
            let events = page["events"].as_array().map_or(&[][..], Vec::as_slice);
            for event in events {
                newest = newest.max(event["revision"].as_u64().unwrap_or(0));
                let at = event["at"].as_str().unwrap_or_default().to_owned();
                let name = event["name"].as_str().unwrap_or_default();
                match event["kind"].as_str() {
                    Some("down") => {
                        self.downs.insert((at, name.to_owned()));
                    }
                    Some("stall") => {
                        self.stalls.insert(at);
                    }
                    Some("start") => {
                        self.starts.insert(at);
                    }
                    _ => {}
                }
            }
            let oldest = events.last().and_then(|event| event["revision"].as_u64());
            match (&page["before"], oldest) {
                (before, Some(oldest)) if until < oldest && !before.is_null() => {
                    path = format!("/events?limit=500&before={before}");
                }
                _ => break,
            }
        }
        self.last = newest;
        Ok(())
    }

    pub(super) fn judge(&self, beats: &Beats, verdict: &mut Verdict) {
        let false_downs: Vec<String> = self
            .downs
            .iter()
            .filter(|(_, name)| name.starts_with(churn::PREFIX) || beats.is_faithful(name))
            .map(|(at, name)| format!("{name} at {at}"))
            .collect();
        let of_beating = self
            .downs
            .iter()
            .filter(|(_, name)| name.starts_with(beats::PREFIX));
        verdict.note("events `down` of instances that beat", of_beating.count());
        verdict.none("false DOWN", &false_downs);
        verdict.at_least(
            "events `down` of instances that fell silent",
            self.downs.len(),
            10,
        );
        verdict.at_least("events `stall`, for a stop of 8 s", self.stalls.len(), 1);
        verdict.at_least("events `start`", self.starts.len(), 2);
    }
}
