//! The list as lines: a table for people, tab-separated values for scripts.

use lastbeat_proto::answer::{Row, Tombstone};
use lastbeat_proto::{Span, Timestamp, explain};

use super::Found;
use crate::config::Settings;
use crate::model::filter::Filter;
use crate::text::{SafeText, address};

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

/// Aligned columns below a line that says what they are of.
pub(super) fn table(found: &Found, settings: &Settings) -> String {
    let answer = &found.answer;
    let mut text = head(found, settings);
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
pub(super) fn tsv(found: &Found, settings: &Settings) -> String {
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

/// How many match, where a filter is set, and how the whole registry is.
fn head(found: &Found, settings: &Settings) -> String {
    let answer = &found.answer;
    let counts = answer.summary;
    let late = if counts.late == 0 {
        String::new()
    } else {
        format!(" ({} late)", counts.late)
    };
    let all = format!(
        "UP {}{late}  DOWN {}  GONE {}  total {}  as of {}\n",
        counts.up,
        counts.down,
        counts.gone,
        counts.total,
        crate::text::long_time(answer.now),
    );
    let filter = Filter::parse(&settings.filter);
    if filter.is_empty() {
        return all;
    }
    let matching = found.matching();
    let verb = if matching == 1 { "matches" } else { "match" };
    let text = SafeText::new(filter.text(), settings.charset);
    let asked_of = found.asked_of(&filter);
    format!("{matching} of {asked_of} {verb} \"{text}\"; in all: {all}")
}
