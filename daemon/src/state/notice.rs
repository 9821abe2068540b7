//! What the daemon tells its users about itself, one sentence each: what, since when, what to do.

use lastbeat_proto::Timestamp;
use lastbeat_proto::answer::{Notice, NoticeLevel};

use super::State;
use crate::clock::Moment;

/// Kind of the notice that tells of services, not of the daemon.
pub const MASS_LOSS: &str = "mass-loss";

/// Why the store cannot write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreTrouble {
    /// What the last attempt met.
    pub cause: String,
    /// What an operator can do about it.
    pub advice: &'static str,
    /// Since when attempts fail.
    pub since: Timestamp,
}

/// A new file took the place of one that was lost or damaged while it was open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// What had become of the old one: `was deleted or moved away`.
    pub why: &'static str,
    /// Where the old one is now, if it is still there.
    pub moved_to: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What notices are made of.
#[derive(Debug, Default)]
pub(super) struct Facts {
    refused_rows: usize,
    /// When this daemon found them.
    opened: Timestamp,
    store: Option<StoreTrouble>,
    rewritten: Option<Rewritten>,
    /// The last absence of the daemon, on the wall.
    pub(super) away: Option<(Timestamp, Timestamp)>,
    /// Notices that stand until they are withdrawn, most of them as long as the daemon runs.
    lasting: Vec<Notice>,
}

impl Facts {
    pub(super) fn new(refused_rows: usize, opened: Timestamp) -> Self {
        Self {
            refused_rows,
            opened,
            ..Self::default()
        }
    }
}

impl State {
    /// Lets a notice of this kind stand until it is set again, or takes it away. One that stands
    /// already keeps its `since`.
    pub fn set_notice(&mut self, kind: &str, said: Option<(NoticeLevel, String)>, now: Moment) {
        let lasting = &mut self.notices.lasting;
        let standing = lasting.iter().position(|standing| standing.kind == kind);
        match (standing.and_then(|at| lasting.get_mut(at)), said) {
            (Some(standing), Some((level, text))) => {
                standing.level = level;
                standing.text = text;
            }
            (None, Some((level, text))) => lasting.push(notice(kind, level, now.wall, text)),
            (_, None) => lasting.retain(|standing| standing.kind != kind),
        }
    }

    /// Notes what keeps the store from writing, once an attempt; nothing when it writes.
    pub fn set_store_trouble(&mut self, trouble: Option<StoreTrouble>) {
        self.tally.write_errors += u64::from(trouble.is_some());
        self.notices.store = trouble;
    }

    /// What keeps the store from writing.
    pub fn store_trouble(&self) -> Option<&StoreTrouble> {
        self.notices.store.as_ref()
    }

    /// Notes that the database had to be written anew.
    pub fn set_rewritten(&mut self, rewritten: Rewritten) {
        self.notices.rewritten = Some(rewritten);
    }

    /// Rows and events that wait to be written.
    pub fn waiting_to_store(&self) -> usize {
        use super::dirty::List;
        let rows: usize = [List::Urgent, List::Lazy, List::Beats]
            .into_iter()
            .map(|list| self.waiting(list))
            .sum();
        rows + self.journal.unwritten_count()
    }

    /// All notices that stand now.
    pub fn notices(&self) -> Vec<Notice> {
        let mut notices = self.notices.lasting.clone();
        notices.extend(self.store_notice());
        notices.extend(self.rewritten_notice());
        notices.extend(self.away_notice());
        notices.extend(self.mass_notice());
        notices.extend(self.refused_notice());
        notices.extend(self.history_notice());
        notices
    }

    fn store_notice(&self) -> Option<Notice> {
        let StoreTrouble {
            cause,
            advice,
            since,
        } = self.notices.store.as_ref()?;
        Some(notice(
            "store-not-writing",
            NoticeLevel::Error,
            *since,
            format!(
                "changes are not stored since {} ({cause}): {advice}; until then known instances \
                 go on in memory and registrations are answered with 503",
                clock(*since)
            ),
        ))
    }

    fn rewritten_notice(&self) -> Option<Notice> {
        let Rewritten { why, moved_to, at } = self.notices.rewritten.as_ref()?;
        let kept = moved_to
            .as_ref()
            .map(|path| format!("what was at its path is kept as {path}; "))
            .unwrap_or_default();
        Some(notice(
            "rewritten",
            NoticeLevel::Warning,
            *at,
            format!(
                "the database {why} at {} and was written again from memory; {kept}find out which \
                 program did that, and keep it away from the file",
                clock(*at)
            ),
        ))
    }

    fn away_notice(&self) -> Option<Notice> {
        let (from, to) = self.notices.away?;
        let start = self.listening.newest_start()?;
        let is_over = start.plus(self.rules.start_grace) < self.listening.l();
        if is_over || self.counts.unconfirmed == 0 {
            return None;
        }
        let (up, silent) = (self.counts.up, self.counts.unconfirmed);
        Some(notice(
            "start-grace",
            NoticeLevel::Warning,
            to,
            format!(
                "the registry was away from {} to {}; {} of {up} UP instances have been heard \
                 since, the silence of that time is not counted, and nothing needs to be done",
                clock(from),
                clock(to),
                up - silent.min(up),
            ),
        ))
    }

    fn mass_notice(&self) -> Option<Notice> {
        let since = self.mass.since.filter(|_| self.mass.is_standing())?;
        Some(notice(
            MASS_LOSS,
            NoticeLevel::Error,
            since,
            format!(
                "{} instances went DOWN {} from {} on, {} still are: look at the network first; \
                 their rows are kept for at least 15 minutes",
                self.mass.victims,
                match self.mass.losses {
                    0 | 1 => "shortly after another".to_owned(),
                    losses => format!("in {losses} losses"),
                },
                clock(since),
                self.mass.down(),
            ),
        ))
    }

    fn refused_notice(&self) -> Option<Notice> {
        let count = self.notices.refused_rows;
        (0 < count).then(|| {
            notice(
                "refused-rows",
                NoticeLevel::Warning,
                self.notices.opened,
                format!(
                    "{count} rows of the imported database cannot be used: see the table \
                     refused_rows for each reason, and let these services register anew"
                ),
            )
        })
    }

    fn history_notice(&self) -> Option<Notice> {
        let (count, since) = self.journal.given_up()?;
        Some(notice(
            "history-cut",
            NoticeLevel::Error,
            since,
            format!(
                "{count} events from {} on are lost because they could not be stored in time: \
                 see to the disk; the instances themselves are whole",
                clock(since)
            ),
        ))
    }
}

fn notice(kind: &str, level: NoticeLevel, since: Timestamp, text: String) -> Notice {
    Notice {
        kind: kind.to_owned(),
        level,
        text,
        since,
    }
}

/// `13:40:12 UTC`
fn clock(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{} UTC", text.get(11..19).unwrap_or_default())
}
