//! The list for scripts, pipes and terminals that cannot move their cursor: printed once, without
//! any escape.

mod list;
mod nagios;

use std::io::{self, Write};

use lastbeat_proto::Status;
use lastbeat_proto::answer::{Row, ServicesAnswer, Tombstone};
use serde::Serialize;

use crate::client::{Client, ClientError};
use crate::config::{Format, Settings};
use crate::model::filter::Filter;
use crate::model::rows::Rows;
use crate::text::safe_json;

pub use nagios::unknown;

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum OnceError {
    /// The daemon did not answer.
    #[error("cannot ask {url}: {source}")]
    Ask {
        /// Where.
        url: String,
        /// Why.
        source: ClientError,
    },
    /// The list cannot be written.
    #[error("cannot print the list: {0}; look at where standard output goes")]
    Write(#[source] io::Error),
    /// The operating system refuses what every program needs.
    #[error("cannot start: {0}; the system is short of descriptors")]
    System(#[source] io::Error),
}

/// What the printed rows come to, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Something is DOWN.
    Down,
    /// Nothing is DOWN, but something is late.
    Late,
    /// There is nothing to judge.
    Nothing,
    /// Everything is UP in good time.
    Fine,
}

impl Verdict {
    fn of(rows: &[Row]) -> Self {
        if rows.is_empty() {
            Self::Nothing
        } else if rows.iter().any(|row| row.status == Status::Down) {
            Self::Down
        } else if rows.iter().any(|row| row.late) {
            Self::Late
        } else {
            Self::Fine
        }
    }
}

/// What was printed.
#[derive(Debug)]
pub struct Printed {
    /// What the printed rows come to.
    pub verdict: Verdict,
    /// What whoever reads the list for people or as lines should know beside it.
    pub remark: Option<String>,
}

/// Asks once and prints what matches the filter, and says what that comes to.
///
/// # Errors
/// When the daemon does not answer or the list cannot be written.
pub fn print(
    settings: &Settings,
    client: &Client,
    out: &mut impl Write,
) -> Result<Printed, OnceError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(OnceError::System)?;
    let found = runtime
        .block_on(ask(settings, client))
        .map_err(|source| OnceError::Ask {
            url: settings.url.to_string(),
            source,
        })?;
    let text = text(&found, settings).map_err(OnceError::Write)?;
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(OnceError::Write)?;
    Ok(Printed {
        verdict: Verdict::of(&found.answer.services),
        remark: found.remark(settings),
    })
}

/// What matches the filter.
#[derive(Debug, Serialize)]
#[doc(hidden)]
pub struct Found {
    /// The daemon's answer with the rows that match, in the order asked for.
    #[serde(flatten)]
    pub answer: ServicesAnswer,
    /// What is GONE, newest first, where the filter asks for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Tombstone>,
    /// How many are GONE of those that the filter finds.
    #[serde(skip)]
    pub gone_count: usize,
}

impl Found {
    /// How many match the filter, of what it is about.
    const fn matching(&self) -> usize {
        self.answer.services.len() + self.gone.len()
    }

    /// Of how many: a filter that asks for what is GONE finds nothing else.
    fn asked_of(&self, filter: &Filter) -> usize {
        if filter.asks_gone() {
            self.answer.summary.gone
        } else {
            self.answer.summary.total
        }
    }

    /// That a filter finds nothing: an empty list could also be read as one without DOWN.
    fn remark(&self, settings: &Settings) -> Option<String> {
        let filter = Filter::parse(&settings.filter);
        let is_of_lines = matches!(settings.format, Format::Table | Format::Tsv);
        if !is_of_lines || filter.is_empty() || 0 < self.matching() {
            return None;
        }
        let asked_of = self.asked_of(&filter);
        let what = match (filter.asks_gone(), asked_of) {
            (true, 1) => "that is GONE",
            (true, _) => "that are GONE",
            (false, 1) => "service",
            (false, _) => "services",
        };
        let text = filter.text();
        Some(format!(
            "nothing matches the filter \"{text}\" of {asked_of} {what}"
        ))
    }
}

/// Asks for the list, and for what is GONE where the filter decides which of that counts.
async fn ask(settings: &Settings, client: &Client) -> Result<Found, ClientError> {
    let filter = Filter::parse(&settings.filter);
    let mut answer = client.services(None).await?;
    let mut rows = Rows::new(filter.clone(), settings.sort);
    rows.replace(std::mem::take(&mut answer.services));
    answer.services = rows.rows_from(0).cloned().collect();
    answer.matching = answer.services.len();
    let is_counted = settings.format == Format::Nagios && !filter.is_empty();
    let mut found = Found {
        gone: Vec::new(),
        gone_count: answer.summary.gone,
        answer,
    };
    if filter.asks_gone() || is_counted {
        let gone = client.gone().await?.gone.into_iter();
        let gone: Vec<_> = gone.filter(|stone| filter.matches_gone(stone)).collect();
        found.gone_count = gone.len();
        found.gone = gone;
    }
    Ok(found)
}

/// The list as it is printed in the format of `settings`; public for the checks of
/// `lastbeat-checks`.
///
/// # Errors
/// When the answer cannot be written as JSON.
#[doc(hidden)]
pub fn text(found: &Found, settings: &Settings) -> io::Result<String> {
    Ok(match settings.format {
        Format::Table => list::table(found, settings),
        Format::Tsv => list::tsv(found, settings),
        Format::Nagios => nagios::line(found, settings),
        Format::Json => format!("{}\n", safe_json(&serde_json::to_string_pretty(found)?)),
    })
}
