//! One measurement after the other, each in a terminal of its own.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde_json::json;

use super::fluency;
use super::pty::{Control, Ending, Pty};
use super::registry::{Registry, name};
use super::still::Still;
use super::{
    AGES, DOWN, DOWN_FRAME, FIRST_BYTES, FIRST_TIME, Figure, HANGUP, HEARTBEAT, IDLE, NO_SIGNAL,
    SIGHUP, SIGTERM, TICK, WRITES, figure, float, percentile,
};

/// Rows of the small registry, and of the large one.
const FEW: usize = 50;
const MANY: usize = 10_000;
/// The row that changes in the small one, and the line of the terminal on which the first stands.
const CHANGED: usize = 7;
const FIRST_LINE: usize = 4;
/// How often the client is started to see its first frame, and to see it end in each way.
const STARTS: usize = 21;
const ENDINGS: usize = 5;
/// How long nobody presses a key, for processor time and ages.
const IDLE_FOR: Duration = Duration::from_secs(30);
/// Longer than it takes to draw what is due.
const SETTLING: Duration = Duration::from_millis(700);
/// Everything, in the order of the table.
pub(super) fn all(root: &Path, folder: &Path) -> Result<Vec<Figure>> {
    let client = root.join("target/release/lastbeat");
    let client = client.to_str().context("the path is not UTF-8")?;
    let few = Registry::start(root, folder, FEW)?;
    let still = Still::of(few.address)?;
    let mut figures = Vec::from(bytes(client, &still)?);
    println!("   {} s without keys", IDLE_FOR.as_secs());
    let (ages, idle) = idle(client, few.address)?;
    figures.push(ages);
    figures.extend(first_frame(client)?);
    figures.push(writes(client, folder, &still)?);
    figures.push(idle);
    println!("   registering {MANY} services");
    let mut many = Registry::start(root, folder, MANY)?;
    many.beat(MANY)?;
    figures.extend(fluency::measure(client, many.address, MANY)?);
    many.end()?;
    figures.extend(endings(client, few.address)?);
    few.end()?;
    Ok(figures)
}

/// The client against a daemon, once it shows that it is live.
pub(super) fn live(words: &[&str], daemon: SocketAddr) -> Result<Pty> {
    let url = format!("http://{daemon}");
    let words = [words, &["--url", &url]].concat();
    let mut pty = Pty::start(&words, Control::Own)?;
    pty.read_text("LIVE")?;
    pty.read_until("the counts", |screen| screen.contents().contains("total "))?;
    Ok(pty)
}

/// Bytes of ticks: one in which nothing changes, and two in which one row does.
fn bytes(client: &str, still: &Still) -> Result<[Figure; 4]> {
    let words = [client, "--interval", "250ms", "--sort", "name"];
    let mut pty = live(&words, still.address)?;
    still.wait_for_ticks(2)?;
    pty.read_for(SETTLING)?;
    let before = pty.bytes.len();
    still.wait_for_ticks(8)?;
    pty.read_for(SETTLING)?;
    let quiet = pty.bytes.len() - before;

    // The daemon says the same row again at every tick, which is no change any more.
    let mut written_for = |fields, counts, shown| -> Result<Vec<u8>> {
        let before = pty.bytes.len();
        still.change(&name(CHANGED), &fields, &counts)?;
        pty.read_text(shown)?;
        pty.read_for(SETTLING)?;
        Ok(pty.bytes.split_off(before))
    };
    let heartbeat = written_for(json!({"heard_ms": still.up_ms()}), json!({}), " 0s ")?;
    let down = json!({"status": "DOWN", "since": still.now(), "due_ms": still.up_ms() + 60_500});
    let down = written_for(down, json!({"up": FEW - 1, "down": 1}), "DOWN 1")?;
    Ok([
        figure(&TICK, float(quiet)),
        figure(&HEARTBEAT, float(heartbeat.len())),
        figure(&DOWN, float(cost_of_line(&down, FIRST_LINE + CHANGED))),
        figure(&DOWN_FRAME, float(down.len())),
    ])
}

/// How many of these bytes go to a line of the terminal, by the addresses before them.
fn cost_of_line(bytes: &[u8], line: usize) -> usize {
    let (mut cost, mut at) = (0, 0);
    for part in bytes.split(|byte| *byte == b'\x1b') {
        let text = String::from_utf8_lossy(part);
        let address = text.strip_prefix('[').and_then(|text| text.split_once('H'));
        if let Some((row, _)) = address.and_then(|(address, _)| address.split_once(';')) {
            at = row.parse().unwrap_or(at);
        }
        if at == line {
            cost += 1 + part.len();
        }
    }
    cost
}

/// Bytes of the ages and processor time while nobody presses a key.
fn idle(client: &str, daemon: SocketAddr) -> Result<(Figure, Figure)> {
    let mut pty = live(&[client], daemon)?;
    pty.read_for(SETTLING)?;
    let (began, cpu) = (Instant::now(), pty.cpu()?);
    let bytes = pty.read_for(IDLE_FOR)?;
    let (took, cpu) = (
        began.elapsed().as_secs_f64(),
        pty.cpu()?.saturating_sub(cpu),
    );
    let ages = figure(&AGES, float(bytes) / took);
    let idle = figure(&IDLE, cpu.as_secs_f64() * 60.0 / took);
    Ok((ages, idle))
}

/// The first frame, against a daemon that takes connections and never answers.
fn first_frame(client: &str) -> Result<[Figure; 2]> {
    let silent = TcpListener::bind(("127.0.0.1", 0))?;
    let url = format!("http://{}", silent.local_addr()?);
    let (mut times, mut most) = (Vec::new(), 0);
    for _ in 0..STARTS {
        let mut pty = Pty::start(&[client, "--url", &url], Control::Own)?;
        let came = pty.read_text("CONNECTING")?;
        times.push(came - pty.began);
        pty.read_for(Duration::from_millis(100))?;
        most = pty.bytes.len().max(most);
        pty.end(Ending::Signal(Signal::TERM))?;
    }
    Ok([
        figure(&FIRST_BYTES, float(most)),
        figure(&FIRST_TIME, percentile(times, 50)),
    ])
}

/// Writes to the terminal for each of some frames, as strace sees them.
fn writes(client: &str, folder: &Path, still: &Still) -> Result<Figure> {
    const FRAMES: usize = 20;
    let log = folder.join("strace");
    let path = log.to_str().context("the path is not UTF-8")?;
    let strace = ["/usr/bin/strace", "-f", "-qq", "-e", "trace=write,writev"];
    let words = [&strace[..], &["-o", path, client]].concat();
    let mut pty = live(&words, still.address)?;
    pty.read_for(SETTLING)?;
    let count = || -> Result<usize> {
        let text = fs::read_to_string(&log)?;
        let is_write = |line: &&str| line.contains(" write(1, ") || line.contains(" writev(1, ");
        Ok(text.lines().filter(is_write).count())
    };
    let before = count()?;
    for at in 2..2 + FRAMES {
        pty.press("j")?;
        pty.read_text(&format!(" {at}/{FEW} "))?;
    }
    pty.read_for(SETTLING)?;
    let written = count()? - before;
    ensure!(0 < written, "strace saw no write to the terminal");
    Ok(figure(&WRITES, float(written) / float(FRAMES)))
}

/// Each way to end it, some times.
fn endings(client: &str, daemon: SocketAddr) -> Result<Vec<Figure>> {
    let url = format!("http://{daemon}");
    let ways = [
        (&SIGTERM, Control::Own, Ending::Signal(Signal::TERM), 143),
        (&SIGHUP, Control::Own, Ending::Signal(Signal::HUP), 129),
        (&HANGUP, Control::Own, Ending::Hangup, 129),
        (&NO_SIGNAL, Control::Nobodys, Ending::Hangup, 129),
    ];
    let mut figures = Vec::new();
    for (bar, control, ending, code) in ways {
        let mut times = Vec::new();
        for _ in 0..ENDINGS {
            let mut pty = Pty::start(&[client, "--url", &url], control)?;
            pty.read_text("LIVE")?;
            let (took, status) = pty.end(ending)?;
            ensure!(
                status.code() == Some(code),
                "{}: {status}, not {code}",
                bar.what
            );
            times.push(took);
        }
        figures.push(figure(bar, percentile(times, 100)));
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_goes_to_the_line_is_counted() {
        let bytes = "\x1b[2;5H49\x1b[11;2H*\x1b[;1mDOWN\x1b[11;9Hx\x1b[12;1Hy".as_bytes();

        let line_11 = "\x1b[11;2H*\x1b[;1mDOWN\x1b[11;9Hx".len();
        assert_eq!(cost_of_line(bytes, 11), line_11);
        assert_eq!(cost_of_line(bytes, 3), 0);
    }
}
