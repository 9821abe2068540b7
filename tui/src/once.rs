//! The list for scripts, pipes and terminals that cannot move their cursor: printed once, without
//! any escape.

mod nagios;

use std::io::{self, Write};

use lastbeat_proto::answer::{Row, ServicesAnswer};
use lastbeat_proto::{Span, Status, explain};

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
    let answer = runtime
        .block_on(client.services(None))
        .map_err(|source| OnceError::Ask {
            url: settings.url.to_string(),
            source,
        })?;
    let answer = choose(answer, settings);
    let text = text(&answer, settings).map_err(OnceError::Write)?;
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(OnceError::Write)?;
    Ok(Verdict::of(&answer.services))
}

/// The list as it is printed in the format of `settings`; public for the checks of
/// `lastbeat-checks`.
///
/// # Errors
/// When the answer cannot be written as JSON.
#[doc(hidden)]
pub fn text(answer: &ServicesAnswer, settings: &Settings) -> io::Result<String> {
    Ok(match settings.format {
        Format::Table => table(answer, settings),
        Format::Tsv => tsv(answer, settings),
        Format::Nagios => nagios::line(answer, settings),
        Format::Json => format!("{}\n", safe_json(&serde_json::to_string_pretty(answer)?)),
    })
}

/// The rows that match, in the order asked for.
fn choose(mut answer: ServicesAnswer, settings: &Settings) -> ServicesAnswer {
    let mut rows = Rows::new(Filter::parse(&settings.filter), settings.sort);
    rows.replace(std::mem::take(&mut answer.services));
    answer.services = rows.rows_from(0).cloned().collect();
    answer.matching = answer.services.len();
    answer
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

fn table(answer: &ServicesAnswer, settings: &Settings) -> String {
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
fn tsv(answer: &ServicesAnswer, settings: &Settings) -> String {
    let mut text = String::from(
        "status\tlate\tname\tinstance\tip\tport\tage_s\tttl_s\tsince\tlast_heartbeat\ttags\n",
    );
    for row in &answer.services {
        let age = explain::age(row, answer.up_ms);
        let values = [
            row.status.word().to_owned(),
            row.late.to_string(),
            row.name.clone(),
            row.instance.clone(),
            row.ip.clone(),
            row.port.map_or_else(String::new, |port| port.to_string()),
            seconds(age),
            seconds(row.ttl_s),
            row.since.to_string(),
            row.last_heartbeat.to_string(),
            row.tags.join(","),
        ];
        let safe = values.map(|value| SafeText::new(&value, settings.charset).to_string());
        text.push_str(&safe.join("\t"));
        text.push('\n');
    }
    text
}

fn seconds(span: Span) -> String {
    span.as_secs_f64().to_string()
}
