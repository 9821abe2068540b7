//! What was acknowledged: a ledger that clients keep while they put load on a daemon, and its
//! comparison with what is found after a crash.
//!
//! Every name belongs to one client, which asks for one thing after the other. So for each name
//! there is a chain of steps, a point up to which it was acknowledged, and perhaps one step in
//! flight: after a crash exactly the states from that point on may be found.

mod client;
mod compare;
mod found;
mod line;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(crate) use self::client::{Client, Load};
pub(crate) use self::compare::{Loss, LossKind};
pub(crate) use self::found::{Found, of_daemon, of_file};
pub(crate) use self::line::{Answer, Line};

/// What an answer said about who the row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: i64,
    pub(crate) first_seen_us: i64,
}

/// One change of a name: it stands with this version, or it was deregistered.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) stands: bool,
    /// Of the metadata; unique in a run. A deregistration leaves it as it was.
    pub(crate) version: u64,
    pub(crate) identity: Option<Identity>,
    /// When a recording shows that the answer was sent.
    pub(crate) answered_at: Option<usize>,
}

/// All steps of a name.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    pub(crate) steps: Vec<Step>,
    /// How many of them were acknowledged.
    pub(crate) acknowledged: usize,
}

/// All names of one or more clients.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) names: BTreeMap<String, History>,
}

impl Ledger {
    /// Before the request is sent.
    pub(crate) fn begin(&mut self, name: &str, stands: bool, version: u64) {
        let history = self.names.entry(name.to_owned()).or_default();
        history.steps.push(Step {
            stands,
            version,
            identity: None,
            answered_at: None,
        });
    }

    /// The answer to the last step of `name` was a success.
    pub(crate) fn acknowledge(&mut self, name: &str, identity: Option<Identity>) {
        let history = self.names.get_mut(name).unwrap();
        history.acknowledged = history.steps.len();
        let step = history.steps.last_mut().unwrap();
        step.identity = identity.or(step.identity);
    }

    /// The last step of `name`, acknowledged or not.
    pub(crate) fn last(&self, name: &str) -> Option<&Step> {
        self.names.get(name)?.steps.last()
    }

    /// One ledger of all clients; their names differ.
    pub(crate) fn of(clients: &[Client]) -> Self {
        let names = clients
            .iter()
            .flat_map(|client| client.ledger.names.clone());
        Self {
            names: names.collect(),
        }
    }

    /// A recording shows that a success was sent at this time: for `version`, or for the
    /// deregistration that comes next.
    pub(crate) fn stamp(&mut self, name: &str, version: Option<u64>, at: usize) {
        let Some(history) = self.names.get_mut(name) else {
            return;
        };
        let next = history.answered_before(usize::MAX);
        let step = match version {
            Some(version) => history
                .steps
                .iter_mut()
                .find(|step| step.stands && step.version == version),
            None => history.steps.get_mut(next).filter(|step| !step.stands),
        };
        if let Some(step) = step {
            step.answered_at.get_or_insert(at);
        }
    }
}

impl History {
    /// How many steps were answered up to this time of a recording.
    pub(crate) fn answered_before(&self, cut: usize) -> usize {
        let answered = |step: &Step| step.answered_at.is_some_and(|at| at <= cut);
        self.steps.iter().rposition(answered).map_or(0, |at| at + 1)
    }
}
