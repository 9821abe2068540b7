//! What the daemon tells its users about itself, one sentence each: what, since when, what to do.

use lastbeat_proto::Timestamp;
use lastbeat_proto::answer::{Notice, NoticeLevel};

use super::State;
use crate::clock::Moment;

/// Kind of the notice that tells of services, not of the daemon.
pub const MASS_LOSS: &str = "mass-loss";

/// Whether the store can write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreState {
    /// The error of the last attempt, and since when attempts fail.
    pub trouble: Option<(String, Timestamp)>,
}

/// What notices are made of.
#[derive(Debug, Default)]
pub(super) struct Facts {
    refused_rows: usize,
    pub(super) store: StoreState,
    /// The last absence of the daemon, on the wall.
    pub(super) away: Option<(Timestamp, Timestamp)>,
    /// Notices that stand as long as the daemon runs.
    lasting: Vec<Notice>,
}

impl Facts {
    pub(super) fn new(refused_rows: usize) -> Self {
        Self {
            refused_rows,
            ..Self::default()
        }
    }
}

impl State {
    /// Adds a notice that stands as long as the daemon runs.
    pub fn add_lasting_notice(&mut self, notice: Notice) {
        self.notices.lasting.push(notice);
    }

    /// Notes how the store is.
    pub fn set_store(&mut self, store: StoreState) {
        self.notices.store = store;
    }

    /// How the store is.
    pub fn store(&self) -> &StoreState {
        &self.notices.store
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
    pub fn notices(&self, now: Moment) -> Vec<Notice> {
        let mut notices = self.notices.lasting.clone();
        notices.extend(self.store_notice());
        notices.extend(self.away_notice());
        notices.extend(self.mass_notice());
        notices.extend(self.refused_notice(now));
        notices.extend(self.history_notice(now));
        notices
    }

    fn store_notice(&self) -> Option<Notice> {
        let (error, since) = self.notices.store.trouble.as_ref()?;
        Some(notice(
            "store-not-writing",
            NoticeLevel::Error,
            *since,
            format!(
                "changes are not stored since {}: {error}; known instances go on \
                 in memory, registrations are answered with 503 until the disk is writable again",
                clock(*since)
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
                 since, and the silence of that time is not counted",
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
                "{} instances went DOWN together at {}, {} still are: look at the network first; \
                 their rows are kept for at least 15 minutes",
                self.mass.victims,
                clock(since),
                self.mass.down,
            ),
        ))
    }

    fn refused_notice(&self, now: Moment) -> Option<Notice> {
        let count = self.notices.refused_rows;
        (0 < count).then(|| {
            notice(
                "refused-rows",
                NoticeLevel::Warning,
                now.wall,
                format!(
                    "{count} rows of the imported database cannot be used; see the table \
                     refused_rows for each reason"
                ),
            )
        })
    }

    fn history_notice(&self, now: Moment) -> Option<Notice> {
        let count = self.journal.given_up();
        (0 < count).then(|| {
            notice(
                "history-cut",
                NoticeLevel::Error,
                now.wall,
                format!("{count} events were lost because they could not be stored in time"),
            )
        })
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
