//! Clients that heartbeat as they should, and note how long each answer took.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

use crate::authority::Client as Secure;
use crate::raw::Stream;

/// Clients with an address of their own.
const STRANGERS: u8 = 50;
/// Clients that share the attackers' address.
const NEIGHBORS: u8 = 10;
/// From one heartbeat of a client to its next.
const PERIOD: Duration = Duration::from_millis(400);
/// How often a condition is looked at.
const LOOK_PERIOD: Duration = Duration::from_millis(20);
/// After that a client counts as not answered.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of the heartbeats of a while.
#[derive(Debug)]
pub(crate) struct Beats {
    pub(crate) all: usize,
    pub(crate) answered: usize,
    /// Of 99 in 100 of those that were answered, the longest.
    pub(crate) p99: Duration,
    pub(crate) longest: Duration,
    /// Kept connections that had to be opened again.
    reopened: usize,
}

/// One heartbeat: how long it took, where it was answered.
#[derive(Debug, Default)]
struct Notes {
    took: Vec<Option<Duration>>,
    reopened: usize,
}

/// The clients, on a thread of their own so that no attacker delays them.
pub(crate) struct Fleet {
    notes: Arc<Mutex<Notes>>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// One of them.
struct Client {
    name: String,
    from: Ipv4Addr,
    to: SocketAddr,
    secure: Option<Secure>,
    keeps: bool,
    notes: Arc<Mutex<Notes>>,
}

impl fmt::Display for Beats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} heartbeats answered, 99 of 100 within {:.1?}, the longest {:.1?}, {} kept \
             connections opened again",
            self.answered, self.all, self.p99, self.longest, self.reopened
        )
    }
}

impl Fleet {
    /// All of them; returns when each is registered and has beaten once, so that the connections that
    /// are kept are open.
    pub(crate) fn start(to: SocketAddr, secure: Option<Secure>) -> Self {
        let notes = Arc::<Mutex<Notes>>::default();
        let (stop, stopped) = watch::channel(false);
        let (ready, is_ready) = oneshot::channel();
        let client = {
            let notes = Arc::clone(&notes);
            move |number: u8| Client {
                name: format!("honest{number}"),
                from: Ipv4Addr::new(127, 0, 0, if number < STRANGERS { 2 + number } else { 1 }),
                to,
                secure: secure.clone(),
                keeps: number.is_multiple_of(2),
                notes: Arc::clone(&notes),
            }
        };
        let live = async move {
            let mut clients = JoinSet::new();
            for number in 0..STRANGERS + NEIGHBORS {
                let client = client(number);
                assert_eq!(client.register().await.unwrap(), 200);
                let mut kept = None;
                assert_eq!(client.beat(&mut kept).await.unwrap(), 200);
                clients.spawn(client.live(kept, stopped.clone()));
            }
            ready.send(()).unwrap();
            while let Some(ended) = clients.join_next().await {
                ended.unwrap();
            }
        };
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let thread = std::thread::spawn(move || runtime.block_on(live));
        is_ready.blocking_recv().unwrap();
        Self {
            notes,
            stop,
            thread: Some(thread),
        }
    }

    /// How many heartbeats were noted since they were taken last.
    pub(crate) fn count(&self) -> usize {
        self.notes.lock().unwrap().took.len()
    }

    /// What they noted since this was asked last.
    pub(crate) fn take(&self) -> Beats {
        let notes = std::mem::take(&mut *self.notes.lock().unwrap());
        let mut took: Vec<Duration> = notes.took.iter().copied().flatten().collect();
        took.sort_unstable();
        let at = |part: usize| took.get(part).copied().unwrap_or_default();
        Beats {
            all: notes.took.len(),
            answered: took.len(),
            p99: at(took.len() * 99 / 100),
            longest: at(took.len().saturating_sub(1)),
            reopened: notes.reopened,
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok() || std::thread::panicking());
        }
    }
}

impl Client {
    /// Heartbeats until it is told to stop.
    async fn live(self, mut kept: Option<Box<dyn Stream>>, mut stop: watch::Receiver<bool>) {
        let mut rhythm = interval(PERIOD);
        loop {
            tokio::select! {
                _ = rhythm.tick() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let began = Instant::now();
            let answered = timeout(PATIENCE, self.beat(&mut kept)).await;
            let is_fine = matches!(answered, Ok(Ok(200)));
            let took = is_fine.then(|| began.elapsed());
            self.notes.lock().unwrap().took.push(took);
        }
    }

    async fn register(&self) -> io::Result<u16> {
        let body = format!(r#"{{"name":"{}","ttl_s":3600}}"#, self.name);
        ask(&mut self.dial().await?, "/register", &body).await
    }

    /// One heartbeat; a kept connection that was closed meanwhile is opened again, as every client
    /// of HTTP does.
    async fn beat(&self, kept: &mut Option<Box<dyn Stream>>) -> io::Result<u16> {
        let path = format!("/heartbeat/{}", self.name);
        if let Some(mut stream) = kept.take() {
            if let Ok(status) = ask(&mut stream, &path, "").await {
                *kept = Some(stream);
                return Ok(status);
            }
            self.notes.lock().unwrap().reopened += 1;
        }
        let mut stream = self.dial().await?;
        let status = ask(&mut stream, &path, "").await?;
        if self.keeps {
            *kept = Some(stream);
        }
        Ok(status)
    }

    async fn dial(&self) -> io::Result<Box<dyn Stream>> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddrV4::new(self.from, 0).into())?;
        let stream = socket.connect(self.to).await?;
        Ok(match &self.secure {
            None => Box::new(stream),
            Some(secure) => Box::new(secure.shake(stream).await?),
        })
    }
}

/// Waits for a condition without taking the processor from those that are measured.
pub(crate) async fn until(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let mut looks = interval(LOOK_PERIOD);
    let all = async {
        while !holds() {
            looks.tick().await;
        }
    };
    let in_time = timeout(limit, all).await;
    assert!(in_time.is_ok(), "not within {limit:?}: {what}");
}

/// One request and its whole answer; the status.
async fn ask(stream: &mut Box<dyn Stream>, path: &str, body: &str) -> io::Result<u16> {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(status) = status_of_whole(&answer) {
            return Ok(status);
        }
    }
}

/// The status, once the answer is there with its body.
fn status_of_whole(answer: &[u8]) -> Option<u16> {
    let answer = std::str::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let length = head
        .lines()
        .find_map(|l| l.strip_prefix("content-length: "));
    let length: usize = length?.parse().ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    (length <= body.len()).then_some(status)
}
