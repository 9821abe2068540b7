//! The real daemon with so many services, which beat where that is wished.

use std::fmt::Write as _;
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::http;
use crate::running::Running;

/// How many register at once: each waits for the disk.
const REGISTRARS: usize = 16;
/// How often each service beats, as the daemon asks of a ttl of 60 s.
const BEAT_EVERY: Duration = Duration::from_secs(20);
/// How long one that beats is trusted, and one that does not: it must outlive the measuring.
const TTL_S: u32 = 86_400;

/// A daemon that serves; it ends, and its database goes, with its owner.
pub(crate) struct Registry {
    daemon: Running,
    pub(crate) address: SocketAddr,
    stop: Arc<AtomicBool>,
    beating: Option<JoinHandle<Result<()>>>,
}

/// The name of a service.
pub(crate) fn name(number: usize) -> String {
    format!("service-{number:05}")
}

impl Registry {
    /// Starts it in `folder` and registers `count` services.
    ///
    /// # Errors
    /// When it does not start, or refuses one.
    pub(crate) fn start(root: &Path, folder: &Path, count: usize) -> Result<Self> {
        Self::start_with(root, folder, count, &[])
    }

    /// The same with these labels on each of them.
    ///
    /// # Errors
    /// When it does not start, or refuses one.
    pub(crate) fn start_with(
        root: &Path,
        folder: &Path,
        count: usize,
        tags: &[&str],
    ) -> Result<Self> {
        let mut command = Command::new(root.join("target/release/lastbeatd"));
        command
            .args([
                "--listen",
                "127.0.0.1:0",
                "--max-write-rate",
                "10000",
                "--db",
            ])
            .arg(folder.join(format!("{count}.db")))
            .env_clear()
            .stderr(Stdio::piped());
        let (daemon, address) = Running::start(
            &mut command,
            |child| child.stderr.take(),
            Running::address_in,
        )?;
        let numbers: Vec<usize> = (0..count).collect();
        thread::scope(|scope| {
            let share = count.div_ceil(REGISTRARS);
            let registrars: Vec<_> = numbers
                .chunks(share)
                .map(|share| scope.spawn(move || register(address, share, tags)))
                .collect();
            registrars.into_iter().try_for_each(joined)
        })?;
        Ok(Self {
            daemon,
            address,
            stop: Arc::new(AtomicBool::new(false)),
            beating: None,
        })
    }

    /// The number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.daemon.pid()
    }

    /// Lets all `count` services beat, evenly over the interval, until [`Self::end`].
    ///
    /// # Errors
    /// When the daemon takes no connection.
    pub(crate) fn beat(&mut self, count: usize) -> Result<()> {
        let stream = TcpStream::connect(self.address)?;
        let (address, stop) = (self.address, Arc::clone(&self.stop));
        self.beating = Some(thread::spawn(move || {
            beat_until(&stop, stream, address, count)
        }));
        Ok(())
    }

    /// Ends the heartbeats.
    ///
    /// # Errors
    /// When one was refused: what was measured was not what it should be.
    pub(crate) fn end(mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.beating.take().map_or(Ok(()), |beating| {
            beating
                .join()
                .map_err(|_panic| anyhow::anyhow!("the heartbeats panicked"))?
        })
    }
}

fn joined(thread: thread::ScopedJoinHandle<'_, Result<()>>) -> Result<()> {
    thread
        .join()
        .map_err(|_panic| anyhow::anyhow!("a registrar panicked"))?
}

fn register(daemon: SocketAddr, numbers: &[usize], tags: &[&str]) -> Result<()> {
    for number in numbers {
        let ip = format!("10.4.{}.{}", number / 256, number % 256);
        let mut body = json!({"name": name(*number), "ip": ip, "port": 8080, "ttl_s": TTL_S});
        if !tags.is_empty() {
            body["tags"] = tags.into();
        }
        http::ask(daemon, "POST", "/register", &body)?;
    }
    Ok(())
}

/// One connection for all: so many heartbeats in a row, every tenth of a second.
fn beat_until(
    stop: &AtomicBool,
    mut stream: TcpStream,
    daemon: SocketAddr,
    count: usize,
) -> Result<()> {
    let slice = Duration::from_millis(100);
    let slices = usize::try_from(BEAT_EVERY.as_millis() / slice.as_millis())?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut due = Instant::now();
    for at in (0..slices).cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let mut asked = String::new();
        let mut beats = 0;
        for number in (at..count).step_by(slices) {
            let name = name(number);
            write!(
                asked,
                "POST /heartbeat/{name} HTTP/1.1\r\nHost: {daemon}\r\nContent-Length: 0\r\n\r\n"
            )?;
            beats += 1;
        }
        stream.write_all(asked.as_bytes())?;
        for _ in 0..beats {
            let (status, length) = http::read_head(&mut reader)?;
            ensure!(status == 200, "a heartbeat was answered with {status}");
            let length = length.context("an answer without length")?;
            std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        }
        due += slice;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(())
}
