//! A client as the README tells one to be: it tries every third of its ttl, whatever happens.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::program::clock;

/// How often the answer to a registration says that one should beat: a third of the ttl.
pub(super) const EVERY: Duration = Duration::from_millis(667);

/// A client that tries every third of the ttl, also after errors.
pub(super) struct Client {
    stop: Arc<AtomicBool>,
    tries: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

/// Where the daemon listens at present.
pub(super) type Whereabouts = Arc<Mutex<SocketAddr>>;

impl Client {
    pub(super) fn start(name: &'static str, addr: &Whereabouts) -> Self {
        let (stop, tries) = (Arc::default(), Arc::default());
        let (its_stop, its_tries, addr) = (Arc::clone(&stop), Arc::clone(&tries), Arc::clone(addr));
        let thread = std::thread::spawn(move || {
            let mut next = clock();
            while !AtomicBool::load(&its_stop, Ordering::Acquire) {
                let at = *addr.lock();
                // The daemon may be away: that is what the next try is for.
                beat(at, name).unwrap_or(());
                AtomicUsize::fetch_add(&its_tries, 1, Ordering::AcqRel);
                next += EVERY;
                wait_until(next);
            }
        });
        Self {
            stop,
            tries,
            thread: Some(thread),
        }
    }

    pub(super) fn tries(&self) -> usize {
        self.tries.load(Ordering::Acquire)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "a client panicked"
            );
        }
    }
}

/// One heartbeat on a connection of its own; no answer within [`EVERY`] is an error.
fn beat(addr: SocketAddr, name: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&addr, EVERY)?;
    stream.set_read_timeout(Some(EVERY))?;
    let head = format!("POST /heartbeat/{name} HTTP/1.0\r\nHost: {addr}\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.0 200 "), "{name}: {answer}");
    Ok(())
}

/// Returns when the clock has come so far: real time is what these tests are about.
pub(super) fn wait_until(moment: Instant) {
    while let Some(rest) = moment
        .checked_duration_since(clock())
        .filter(|rest| !rest.is_zero())
    {
        std::thread::park_timeout(rest);
    }
}
