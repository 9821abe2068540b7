//! One number of services after the other: over sockets of our own, and in a browser.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Column;
use crate::browser::{Browser, Look};
use crate::http;
use crate::tui_bars::pty::cpu_of;
use crate::tui_bars::registry::{Registry, name};
use crate::tui_bars::{float, percentile};

/// Requests of each kind, after as many of a tenth to warm up.
const PAGES: usize = 300;
/// Heartbeats of each kind.
const BEATS: usize = 1_000;
/// How often the page is opened in the browser.
const OPENINGS: usize = 5;
/// Who looks on while heartbeats are measured, each asking every 250 ms: as 128 open pages do.
const READERS: usize = 16;
const READ_EVERY: Duration = Duration::from_millis(250);
/// A real fleet's services have a label.
const TAGS: [&str; 1] = ["prod"];
const GZIP: &str = "Accept-Encoding: gzip\r\n";

/// A connection that is kept.
struct Connection {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    daemon: SocketAddr,
}

impl Connection {
    fn open(daemon: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(daemon)?;
        stream.set_nodelay(true)?;
        let reader = BufReader::new(stream.try_clone()?);
        Ok(Self {
            stream,
            reader,
            daemon,
        })
    }

    /// How long a request took until its last byte, and the bytes of its body.
    fn ask(&mut self, line: &str, headers: &str) -> Result<(Duration, usize)> {
        let daemon = self.daemon;
        let asked = format!("{line} HTTP/1.1\r\nHost: {daemon}\r\n{headers}\r\n");
        let began = Instant::now();
        self.stream.write_all(asked.as_bytes())?;
        let (status, length) = http::read_head(&mut self.reader)?;
        let length = length.with_context(|| format!("{line}: an answer without length"))?;
        let mut body = Vec::new();
        self.reader.by_ref().take(length).read_to_end(&mut body)?;
        ensure!(status == 200, "{line} was answered with {status}");
        Ok((began.elapsed(), body.len()))
    }
}

/// Many requests of one kind.
struct Asked {
    /// How long each took by the clock.
    clock: Vec<Duration>,
    /// What the daemon's processor did for each.
    processor: Vec<Duration>,
    /// Bytes of the largest body.
    bytes: usize,
}

/// Asks for `path` many times, one after the other.
fn ask_often(registry: &Registry, path: &str, headers: &str) -> Result<Asked> {
    let mut connection = Connection::open(registry.address)?;
    let line = format!("GET {path}");
    let mut asked = Asked {
        clock: Vec::new(),
        processor: Vec::new(),
        bytes: 0,
    };
    for number in 0..PAGES + PAGES / 10 {
        let before = cpu_of(registry.pid())?;
        let (took, bytes) = connection.ask(&line, headers)?;
        let worked = cpu_of(registry.pid())?.saturating_sub(before);
        if PAGES / 10 <= number {
            asked.clock.push(took);
            asked.processor.push(worked);
        }
        asked.bytes = bytes.max(asked.bytes);
    }
    Ok(asked)
}

/// Everything with `count` services.
pub(super) fn column(root: &Path, folder: &Path, count: usize) -> Result<Column> {
    let mut registry = Registry::start_with(root, folder, count, &TAGS)?;
    let daemon = registry.address;
    // Nobody beats yet, so that the processor works for the pages alone.
    let page = ask_often(&registry, "/", "")?;
    let part = ask_often(&registry, "/rows", "")?;
    let gzipped = ask_often(&registry, "/", GZIP)?;
    registry.beat(count)?;
    let (requests, loaded) = in_a_browser(folder, daemon, count)?;
    let alone = heartbeats(daemon, count)?;
    let beside = beside_readers(daemon, || heartbeats(daemon, count))?;
    registry.end()?;
    Ok([
        percentile(page.processor.clone(), 50),
        percentile(page.processor, 99),
        percentile(part.processor.clone(), 50),
        percentile(part.processor, 99),
        percentile(gzipped.processor, 50),
        percentile(page.clock.clone(), 50),
        percentile(page.clock, 99),
        percentile(part.clock.clone(), 50),
        percentile(part.clock, 99),
        float(page.bytes),
        float(gzipped.bytes),
        requests,
        loaded,
        percentile(alone, 99),
        percentile(beside, 99),
    ])
}

/// The requests that a browser makes until the page stands, and when its document was ready, in
/// ms, of all openings the one in the middle.
fn in_a_browser(folder: &Path, daemon: SocketAddr, count: usize) -> Result<(f64, f64)> {
    let browser = Browser::start(&folder.join(format!("profile-{count}")))?;
    browser.set_look(Look {
        width: 1_280,
        height: 1_000,
        scheme: "light",
    })?;
    let (mut requests, mut times) = (0.0_f64, Vec::new());
    for _ in 0..OPENINGS {
        browser.open(&format!("http://{daemon}/"))?;
        // The icon of the tab is a request that a page is not told of.
        let script = "const [page] = performance.getEntriesByType('navigation');\
            const loads = performance.getEntriesByType('resource')\
                .filter(one => one.startTime < page.loadEventStart);\
            return [1 + loads.length + document.querySelectorAll('link[rel=icon]').length,\
                page.domContentLoadedEventEnd]";
        let said = browser.says(script)?;
        let number = |at: usize| said.get(at).and_then(Value::as_f64);
        requests = requests.max(number(0).context("the page counts no requests")?);
        let loaded = number(1).context("the page says not when it was ready")?;
        times.push(Duration::from_secs_f64(loaded / 1_000.0));
    }
    Ok((requests, percentile(times, 50)))
}

/// How long each of some heartbeats took, one after the other.
fn heartbeats(daemon: SocketAddr, count: usize) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(daemon)?;
    let beat = |number: usize| {
        let line = format!("POST /heartbeat/{}", name(number % count));
        Ok(connection.ask(&line, "Content-Length: 0\r\n")?.0)
    };
    (0..BEATS).map(beat).collect()
}

/// What `work` gives while many pages are open.
fn beside_readers<T>(daemon: SocketAddr, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|_| scope.spawn(|| read_until(&stop, daemon)))
            .collect();
        let done = work();
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            let read = reader
                .join()
                .map_err(|_panic| anyhow::anyhow!("a reader panicked"))?;
            read?;
        }
        done
    })
}

fn read_until(stop: &AtomicBool, daemon: SocketAddr) -> Result<()> {
    let mut connection = Connection::open(daemon)?;
    while !stop.load(Ordering::Relaxed) {
        let (took, _) = connection.ask("GET /rows", GZIP)?;
        thread::sleep(READ_EVERY.saturating_sub(took));
    }
    Ok(())
}
