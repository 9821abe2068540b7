//! The comparison: which of the things that were acknowledged are not there any more.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::ops::RangeInclusive;

use super::{Found, History, Ledger};

/// What was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LossKind {
    /// An acknowledged registration, or the tombstone of a deregistration, is not there.
    Missing,
    /// An acknowledged change is not there.
    Old,
    /// A deregistered instance stands again.
    Undone,
    /// A row, or a version of it, that nobody sent.
    Stranger,
    /// Another `id` or first-seen time than the answer said.
    Identity,
}

/// One thing that was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) name: String,
    pub(crate) kind: LossKind,
    story: String,
}

impl Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, story } = self;
        write!(f, "{kind:?} {name}: {story}")
    }
}

impl Ledger {
    /// Compares with what was found after a crash of a daemon that clients spoke to.
    pub(crate) fn check(&self, found: &[Found]) -> Vec<Loss> {
        self.compare(found, |history| history.acknowledged..=history.steps.len())
    }

    /// Compares with what was found after a cut at this time of a recording.
    pub(crate) fn check_at(&self, found: &[Found], cut: usize) -> Vec<Loss> {
        self.compare(found, |history| history.window_at(cut))
    }

    /// What was found counts as acknowledged from now on: a daemon showed it after it had read it
    /// from the disk.
    pub(crate) fn settle(&mut self, found: &[Found]) {
        for row in found {
            if let Some(history) = self.names.get_mut(&row.name) {
                let window = history.acknowledged..=history.steps.len();
                if let Some(place) = history.place_of(Some(row), window) {
                    history.acknowledged = place;
                }
            }
        }
    }

    fn compare(
        &self,
        found: &[Found],
        window: impl Fn(&History) -> RangeInclusive<usize>,
    ) -> Vec<Loss> {
        let mut losses = Vec::new();
        let mut rows: BTreeMap<&str, &Found> = BTreeMap::new();
        for row in found {
            let is_known = self.names.contains_key(&row.name);
            if !is_known || rows.insert(&row.name, row).is_some() {
                let story = if is_known {
                    "a second row"
                } else {
                    "nobody registered it"
                };
                losses.push(loss(&row.name, LossKind::Stranger, story.to_owned()));
            }
        }
        for (name, history) in &self.names {
            let row = rows.get(name.as_str()).copied();
            let window = window(history);
            losses.extend(history.loss(name, row, window));
        }
        losses
    }
}

impl History {
    /// What may be found after a cut: everything from the last answer to the next one.
    fn window_at(&self, cut: usize) -> RangeInclusive<usize> {
        let acknowledged = self.answered_before(cut);
        let next = self
            .steps
            .iter()
            .skip(acknowledged)
            .position(|step| step.answered_at.is_some());
        acknowledged..=next.map_or(self.steps.len(), |next| acknowledged + next + 1)
    }

    /// After how many steps the row was as it is.
    fn place_of(&self, row: Option<&Found>, window: RangeInclusive<usize>) -> Option<usize> {
        window.into_iter().find(|place| {
            let step = place.checked_sub(1).map(|last| &self.steps[last]);
            match (step, row) {
                (None, None) => true,
                (Some(step), Some(row)) => {
                    let is_version = row.version.is_none_or(|version| version == step.version);
                    step.stands == row.stands && is_version
                }
                _ => false,
            }
        })
    }

    fn loss(&self, name: &str, row: Option<&Found>, window: RangeInclusive<usize>) -> Option<Loss> {
        let acknowledged = *window.start();
        let Some(place) = self.place_of(row, window.clone()) else {
            let kind = self.kind(row, acknowledged);
            let steps = self
                .steps
                .get(acknowledged.saturating_sub(1)..*window.end());
            return Some(loss(
                name,
                kind,
                format!("found {row:?}, but step {acknowledged} was acknowledged, of {steps:?}"),
            ));
        };
        let (id, first_seen) = self.known(place);
        let row = row?;
        let is_other = |known: Option<i64>, found: Option<i64>| matches!((known, found), (Some(known), Some(found)) if known != found);
        (is_other(id, Some(row.id)) || is_other(first_seen, row.first_seen_us)).then(|| {
            let story = format!("found {row:?}, but id {id:?} and first seen {first_seen:?}");
            loss(name, LossKind::Identity, story)
        })
    }

    fn kind(&self, row: Option<&Found>, acknowledged: usize) -> LossKind {
        let step = acknowledged.checked_sub(1).map(|last| &self.steps[last]);
        let is_older = |version: u64| {
            let before = self.steps.iter().take(acknowledged);
            before.into_iter().any(|step| step.version == version)
        };
        match (step, row) {
            (Some(_), None) => LossKind::Missing,
            (Some(step), Some(row)) if step.stands && !row.stands => LossKind::Missing,
            (Some(step), Some(row)) if row.version.is_none_or(is_older) => {
                if step.stands || !row.stands {
                    LossKind::Old
                } else {
                    LossKind::Undone
                }
            }
            _ => LossKind::Stranger,
        }
    }

    /// The row's `id`, and its first-seen time in the life that it had after so many steps, as
    /// far as answers told them.
    fn known(&self, steps: usize) -> (Option<i64>, Option<i64>) {
        let (mut id, mut first_seen) = (None, None);
        let mut is_this_life = true;
        for at in (0..steps).rev() {
            let step = &self.steps[at];
            if let Some(identity) = step.identity {
                id = id.or(Some(identity.id));
                if is_this_life {
                    first_seen = first_seen.or(Some(identity.first_seen_us));
                }
            }
            let is_begun_here = at == 0 || !self.steps[at - 1].stands;
            is_this_life &= !(step.stands && is_begun_here);
        }
        (id, first_seen)
    }
}

fn loss(name: &str, kind: LossKind, story: String) -> Loss {
    Loss {
        name: name.to_owned(),
        kind,
        story,
    }
}
