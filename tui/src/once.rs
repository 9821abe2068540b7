//! The list for scripts, pipes and terminals that cannot move their cursor: printed once, without
//! any escape.

mod nagios;

use std::io::{self, Write};

use lastbeat_proto::answer::{Row, ServicesAnswer, Tombstone};
use lastbeat_proto::{Span, Status, Timestamp, explain};
use serde::Serialize;

use crate::client::{Client, ClientError};
use crate::config::{Format, Settings};
use crate::model::filter::Filter;
use crate::model::rows::Rows;
use crate::text::{SafeText, address, safe_json};

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
    #[error("cannot print the list: {0}")]
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

/// Asks once and prints what matches the filter, and says what that comes to.
///
/// # Errors
/// When the daemon does not answer or the list cannot be written.
pub fn print(
    settings: &Settings,
    client: &Client,
    out: &mut impl Write,
) -> Result<Verdict, OnceError> {
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
    Ok(Verdict::of(&found.answer.services))
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
        Format::Table => table(found, settings),
        Format::Tsv => tsv(found, settings),
        Format::Nagios => nagios::line(found, settings),
        Format::Json => format!("{}\n", safe_json(&serde_json::to_string_pretty(found)?)),
    })
}

/// The columns of a row for people.
fn columns(row: &Row, up_ms: i64, settings: &Settings) -> [SafeText; 5] {
    let safe = |text: &str| SafeText::new(text, settings.charset);
    [
        safe(explain::state_word(row)),
        safe(&row.name),
        safe(&address(&row.ip, row.port)),
        safe(&explain::age(row, up_ms).to_string()),
        safe(&explain::note(row, up_ms).unwrap_or_default()),
    ]
}

/// The same of what left.
fn columns_of_gone(stone: &Tombstone, now: Timestamp, settings: &Settings) -> [SafeText; 5] {
    let safe = |text: &str| SafeText::new(text, settings.charset);
    [
        safe(stone.status.word()),
        safe(&stone.name),
        safe(&address(&stone.ip, stone.port)),
        safe(&silent(stone, now).to_string()),
        safe(&stone.reason),
    ]
}

/// How long ago it was heard.
fn silent(stone: &Tombstone, now: Timestamp) -> Span {
    Span::from_signed_micros(now.as_micros() - stone.last_heartbeat.as_micros())
}

fn table(found: &Found, settings: &Settings) -> String {
    let answer = &found.answer;
    let counts = answer.summary;
    let late = if counts.late == 0 {
        String::new()
    } else {
        format!(" ({} late)", counts.late)
    };
    let mut text = format!(
        "UP {}{late}  DOWN {}  GONE {}  total {}  as of {}\n",
        counts.up,
        counts.down,
        counts.gone,
        counts.total,
        crate::text::long_time(answer.now),
    );
    for notice in &answer.notices {
        let notice = SafeText::new(&notice.text, settings.charset);
        text.extend([
            "note: ",
            notice.as_str(),
            "
",
        ]);
    }
    let heading = ["STATE", "NAME", "ADDRESS", "AGE", "NOTE"]
        .map(|word| SafeText::new(word, settings.charset));
    let mut lines = vec![heading];
    lines.extend(
        answer
            .services
            .iter()
            .map(|row| columns(row, answer.up_ms, settings)),
    );
    let gone = found.gone.iter();
    lines.extend(gone.map(|stone| columns_of_gone(stone, answer.now, settings)));
    let mut widths = [0; 5];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.width().max(*width);
        }
    }
    for line in &lines {
        let mut shown = String::new();
        for (cell, width) in line.iter().zip(widths) {
            let blanks = width.saturating_sub(cell.width()) + 2;
            shown.push_str(cell.as_str());
            shown.extend(std::iter::repeat_n(' ', blanks));
        }
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
}

/// Tab-separated: a tab inside a value is written out by [`SafeText`].
fn tsv(found: &Found, settings: &Settings) -> String {
    let mut text = String::from(
        "status\tlate\tname\tinstance\tip\tport\tage_s\tttl_s\tsince\tlast_heartbeat\ttags\n",
    );
    let answer = &found.answer;
    let port = |port: Option<u16>| port.map_or_else(String::new, |port| port.to_string());
    let rows = answer.services.iter().map(|row| {
        [
            row.status.word().to_owned(),
            row.late.to_string(),
            row.name.clone(),
            row.instance.clone(),
            row.ip.clone(),
            port(row.port),
            seconds(explain::age(row, answer.up_ms)),
            seconds(row.ttl_s),
            row.since.to_string(),
            row.last_heartbeat.to_string(),
            row.tags.join(","),
        ]
    });
    let gone = found.gone.iter().map(|stone| {
        [
            stone.status.word().to_owned(),
            false.to_string(),
            stone.name.clone(),
            stone.instance.clone(),
            stone.ip.clone(),
            port(stone.port),
            seconds(silent(stone, answer.now)),
            String::new(),
            stone.since.to_string(),
            stone.last_heartbeat.to_string(),
            String::new(),
        ]
    });
    for values in rows.chain(gone) {
        let safe = values.map(|value| SafeText::new(&value, settings.charset).to_string());
        text.push_str(&safe.join("\t"));
        text.push('\n');
    }
    text
}

fn seconds(span: Span) -> String {
    span.as_secs_f64().to_string()
}
