//! The list as one line for Nagios and what understands its plugins (Icinga, Naemon, Sensu,
//! Checkmk): <https://nagios-plugins.org/doc/guidelines.html>.

use std::fmt::Write as _;

use lastbeat_proto::Status;
use lastbeat_proto::answer::Row;

use super::{Found, Verdict};
use crate::config::Settings;
use crate::text::{Charset, SafeText};

/// Most names in the line: pagers cut it anyway.
const NAMES: usize = 10;

/// The line: the verdict, what is not well by name, and the counts as performance data.
pub(super) fn line(found: &Found, settings: &Settings) -> String {
    let rows = &found.answer.services;
    let verdict = Verdict::of(rows);
    let down: Vec<&Row> = rows.iter().filter(|r| r.status == Status::Down).collect();
    let late: Vec<&Row> = rows.iter().filter(|r| r.late).collect();
    let word = match verdict {
        Verdict::Down => "CRITICAL",
        Verdict::Late => "WARNING",
        Verdict::Fine => "OK",
        Verdict::Nothing => "UNKNOWN",
    };
    let said = match verdict {
        Verdict::Fine => format!("{} UP", rows.len()),
        Verdict::Nothing if settings.filter.is_empty() => "no services are registered".to_owned(),
        Verdict::Nothing => format!("no service matches the filter \"{}\"", settings.filter),
        Verdict::Down | Verdict::Late => {
            let parts = [named("DOWN", &down), named("late", &late)];
            parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
        }
    };
    let (up, late, down) = (rows.len() - down.len(), late.len(), down.len());
    let data = format!(
        "up={up};;;0 late={late};0;;0 down={down};;0;0 total={} gone={};;;0",
        rows.len(),
        found.gone_count
    );
    format!(
        "LASTBEAT {word} - {} | {data}\n",
        one_line(&said, settings.charset)
    )
}

/// The line where nothing can be said of any service.
pub fn unknown(why: &str) -> String {
    format!("LASTBEAT UNKNOWN - {}", one_line(why, Charset::Utf8))
}

/// How many and which.
fn named(word: &str, rows: &[&Row]) -> Option<String> {
    if rows.is_empty() {
        return None;
    }
    let mut said = format!("{} {word}: ", rows.len());
    for (index, row) in rows.iter().take(NAMES).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        // Writing to a String cannot fail.
        let _written: Result<(), std::fmt::Error> =
            write!(said, "{comma}{} ({})", row.name, row.instance);
    }
    if NAMES < rows.len() {
        let rest = format!(" and {} more", rows.len() - NAMES);
        said.push_str(&rest);
    }
    Some(said)
}

/// Text in which no bar ends it: what follows one is performance data.
fn one_line(text: &str, charset: Charset) -> String {
    SafeText::new(text, charset)
        .as_str()
        .replace('|', "<U+007C>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{answer, registry, row, settings};

    fn of(rows: Vec<Row>, flags: &[(&str, &str)]) -> String {
        let found = Found {
            answer: answer(rows),
            gone: Vec::new(),
            gone_count: 2,
        };
        line(&found, &settings(flags))
    }

    #[test]
    fn the_worst_decides_the_word() {
        let up = || row("a", Status::Up, 1);
        let late = || row("b", Status::Up, 50);
        let down = || row("c|d", Status::Down, 70);

        assert_eq!(
            of(vec![up()], &[]),
            "LASTBEAT OK - 1 UP | up=1;;;0 late=0;0;;0 down=0;;0;0 total=1 gone=2;;;0\n"
        );
        assert_eq!(
            of(vec![up(), late()], &[]),
            "LASTBEAT WARNING - 1 late: b (10.4.0.20:8080) | up=2;;;0 late=1;0;;0 down=0;;0;0 \
             total=2 gone=2;;;0\n"
        );
        assert_eq!(
            of(vec![up(), late(), down()], &[]),
            "LASTBEAT CRITICAL - 1 DOWN: c<U+007C>d (10.4.0.20:8080); 1 late: b (10.4.0.20:8080) \
             | up=2;;;0 late=1;0;;0 down=1;;0;0 total=3 gone=2;;;0\n"
        );
    }

    #[test]
    fn a_check_that_sees_nothing_is_not_ok() {
        assert!(of(Vec::new(), &[]).starts_with("LASTBEAT UNKNOWN - no services are registered |"));
        assert!(
            of(Vec::new(), &[("filter", "nonesuch")])
                .starts_with("LASTBEAT UNKNOWN - no service matches the filter \"nonesuch\" |")
        );
    }

    #[test]
    fn it_is_one_line_whatever_services_are_called() {
        let rows = (0..30)
            .map(|n| row(&format!("x\n|\u{1b}[31m{n}"), Status::Down, 99))
            .chain(registry());

        let line = of(rows.collect(), &[]);

        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert_eq!(line.matches('|').count(), 1, "{line}");
        assert!(
            line.contains("32 DOWN") && line.contains("and 22 more"),
            "{line}"
        );
        assert!(!line.contains('\u{1b}'));
        assert_eq!(unknown("a|b\nc"), "LASTBEAT UNKNOWN - a<U+007C>b\\nc");
    }
}
