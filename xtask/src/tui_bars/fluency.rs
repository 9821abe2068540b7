//! Keys, letters of a filter and memory with many rows, all of which beat.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use super::measure::live;
use super::pty::Pty;
use super::{Figure, KEY, LETTER, MEMORY, figure, percentile};

/// Keys with 10,000 rows: lines, pages, ends and orders, none of which leaves all as it is when
/// they begin at the top.
const KEYS: &str = "jjjj\x04j\x04k\x15jjsjjSkk\x15Gk\x15gj\x04jjkk";
/// How often all of them are pressed.
const ROUNDS: usize = 10;
/// What is typed into the filter, and taken back letter by letter.
const FILTER: &str = "service-0123";

/// Keys, letters of a filter and memory with many rows that beat.
pub(super) fn measure(client: &str, daemon: SocketAddr, rows: usize) -> Result<[Figure; 3]> {
    let mut pty = live(&[client], daemon)?;
    let key = figure(&KEY, percentile(keys(&mut pty, rows)?, 99));
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        times.extend(times_of_letters(&mut pty)?);
    }
    let letter = figure(&LETTER, percentile(times, 99));
    Ok([key, letter, figure(&MEMORY, pty.peak_memory()?)])
}

/// How long each key takes to its frame, all of them some times.
pub(super) fn keys(pty: &mut Pty, rows: usize) -> Result<Vec<Duration>> {
    pty.read_text(&format!(" 1/{rows} "))?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        pty.press("1g")?;
        pty.read_until("the top", |screen| {
            let (at, sort) = place(screen);
            at == Some(format!("1/{rows}")) && sort.is_some_and(|sort| sort.starts_with("state"))
        })?;
        times.extend(times_of_keys(pty)?);
    }
    Ok(times)
}

/// How long each of the keys takes to a frame that shows what it did.
fn times_of_keys(pty: &mut Pty) -> Result<Vec<Duration>> {
    let time = |key: char| {
        let before = pty.with(place);
        let pressed = pty.press(&key.to_string())?;
        let came = pty.read_until("another place", |screen| place(screen) != before)?;
        Ok(came - pressed)
    };
    KEYS.chars().map(time).collect()
}

/// How long each letter of a filter takes, typed and taken back, to a frame that shows it.
fn times_of_letters(pty: &mut Pty) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    let mut time = |pty: &mut Pty, key: &str, filter: &str| -> Result<()> {
        let pressed = pty.press(key)?;
        let came = pty.read_until("the letter", |screen| {
            typed(screen).as_deref() == Some(filter) && lists(screen, filter)
        })?;
        times.push(came - pressed);
        Ok(())
    };
    pty.press("/")?;
    pty.read_until("an empty filter", |screen| {
        typed(screen).as_deref() == Some("")
    })?;
    for (at, letter) in FILTER.char_indices() {
        let (typed, _) = FILTER.split_at(at + letter.len_utf8());
        time(pty, &letter.to_string(), typed)?;
    }
    for (at, _) in FILTER.char_indices().rev() {
        let (left, _) = FILTER.split_at(at);
        time(pty, "\x7f", left)?;
    }
    pty.press("\x1b")?;
    pty.read_until("no filter", |screen| typed(screen).is_none())?;
    Ok(times)
}

/// Whether all rows that can be seen match, and at least one.
fn lists(screen: &vt100::Screen, filter: &str) -> bool {
    let text = screen.contents();
    let mut names = text
        .split_whitespace()
        .filter(|word| word.starts_with("service-"))
        .peekable();
    names.peek().is_some() && names.all(|name| name.contains(filter))
}

/// Where the cursor is (`2/36`), and the order.
fn place(screen: &vt100::Screen) -> (Option<String>, Option<String>) {
    let text = screen.contents();
    let is_place = |word: &&str| {
        let numbers = word.split_once('/');
        numbers.is_some_and(|(at, of)| at.parse::<u32>().is_ok() && of.parse::<u32>().is_ok())
    };
    let first_words = text
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let at = first_words.rev().find(is_place);
    let sort = text
        .split_once("sort ")
        .and_then(|(_, rest)| rest.split_once(" filter"));
    (at.map(str::to_owned), sort.map(|(sort, _)| sort.to_owned()))
}

/// What is typed into the filter.
fn typed(screen: &vt100::Screen) -> Option<String> {
    let text = screen.contents();
    let mut lines = text.lines().rev();
    let line = lines.find_map(|line| line.strip_prefix(" /"))?;
    Some(line.trim_end().to_owned())
}
