//! Clients that hold what they are given for as long as they can.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout, timeout_at};

/// In which time all attackers begin: shorter than any may last, so that all are there at once, and
/// long enough for a debug build to accept them on a busy machine.
const SPREAD: Duration = Duration::from_secs(4);
/// Longest wait for the end of one; a test that reaches it fails.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long those go on that open again what was closed.
const REOPENING_TIME: Duration = Duration::from_secs(8);
/// From one connection to the next, where the first has ended by then.
const REOPENING_PERIOD: Duration = Duration::from_secs(1);
/// From one byte of a slow client to its next.
const BYTE_PERIOD: Duration = Duration::from_secs(1);
/// What a small device has for what it receives, in bytes.
const SMALL_BUFFER: u32 = 4 << 10;

/// A chunk of 1,000 bytes.
const CHUNK: [u8; 1_007] = {
    let mut chunk = [b'x'; 1_007];
    let (mut at, size) = (0, b"3e8\r\n");
    while at < size.len() {
        chunk[at] = size[at];
        at += 1;
    }
    chunk[1_005] = b'\r';
    chunk[1_006] = b'\n';
    chunk
};

/// What one of them does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attack {
    /// Connects and says nothing.
    Silence,
    /// Sends half a head.
    HalfHead,
    /// Sends a head, a byte a second.
    SlowHead,
    /// Sends a body of known length, a byte a second.
    SlowBody,
    /// Sends a chunk of one byte a second.
    SlowChunks,
    /// Sends chunks without end, as fast as it can.
    EndlessChunks,
    /// Asks for the list and reads nothing of it.
    SlowReader,
    /// Connects again whenever it was closed.
    Reopening,
    /// Sends the beginning of a handshake of TLS.
    HalfHandshake,
}

/// What became of attackers.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The longest time from where one began to be slow to its end.
    pub(super) longest: Duration,
    /// Those who read nothing and so do not see that they were closed: they hold their side until
    /// they are dropped.
    pub(super) held: Vec<TcpStream>,
}

/// Lets so many of each kind loose at once and waits until all see that they are closed.
pub(super) async fn all(addr: SocketAddr, attackers: &[(Attack, usize)]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut running = JoinSet::new();
    let all = attackers.iter();
    let all = all.flat_map(|(attack, count)| std::iter::repeat_n(*attack, *count));
    let all: Vec<Attack> = all.collect();
    let mut begins = interval(SPREAD / u32::try_from(all.len().max(1)).unwrap());
    for attack in all {
        begins.tick().await;
        running.spawn(timeout(PATIENCE, attack.run(addr)));
    }
    while let Some(ended) = running.join_next().await {
        match ended.unwrap().expect("it is closed").unwrap() {
            End::Closed(after) => outcome.longest = outcome.longest.max(after),
            End::Held(stream) => outcome.held.push(stream),
        }
    }
    outcome
}

/// How one of them ended.
enum End {
    Closed(Duration),
    Held(TcpStream),
}

impl Attack {
    async fn run(self, addr: SocketAddr) -> io::Result<End> {
        match self {
            Self::SlowReader => Ok(End::Held(read_nothing(addr).await?)),
            Self::Reopening => Ok(End::Closed(reopen(addr).await?)),
            _ => Ok(End::Closed(self.last(addr).await?)),
        }
    }

    /// Lasts as long as it is let.
    async fn last(self, addr: SocketAddr) -> io::Result<Duration> {
        let mut stream = TcpStream::connect(addr).await?;
        let began = Instant::now();
        if let Some(first) = self.first() {
            stream.write_all(first).await?;
        }
        let (mut reader, mut writer) = stream.split();
        let closed = until_closed(&mut reader);
        let sends = async {
            if let Some((piece, period)) = self.piece() {
                let mut turns = period.map(every);
                loop {
                    if let Some(turns) = &mut turns {
                        turns.tick().await;
                    }
                    // It fails on a connection that was closed; the reader sees the same.
                    if writer.write_all(piece).await.is_err() {
                        break;
                    }
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = closed => Ok(began.elapsed()),
            () = sends => unreachable!("it never ends"),
        }
    }

    /// What is sent at once.
    const fn first(self) -> Option<&'static [u8]> {
        match self {
            Self::HalfHead => Some(b"POST /heartbeat/honest0 HTTP/1.1\r\nHost: 127."),
            Self::SlowBody => {
                Some(b"POST /register HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999\r\n\r\n")
            }
            Self::SlowChunks | Self::EndlessChunks => Some(
                b"POST /register HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            ),
            Self::HalfHandshake => Some(&[0x16, 3, 1, 2, 0, 1, 0, 1]),
            _ => None,
        }
    }

    /// What is sent again and again, and how often.
    const fn piece(self) -> Option<(&'static [u8], Option<Duration>)> {
        match self {
            Self::SlowHead | Self::SlowBody => Some((b"x", Some(BYTE_PERIOD))),
            Self::SlowChunks => Some((b"1\r\nx\r\n", Some(BYTE_PERIOD))),
            Self::EndlessChunks => Some((&CHUNK, None)),
            _ => None,
        }
    }
}

/// A turn at once and one in each period, never two for one that was missed.
fn every(period: Duration) -> Interval {
    let mut turns = interval(period);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    turns
}

/// Reads and drops; a reset is an end as well.
async fn until_closed(reader: &mut (impl AsyncReadExt + Unpin)) {
    let mut scratch = [0; 4 << 10];
    while reader.read(&mut scratch).await.is_ok_and(|count| 0 < count) {}
}

/// Asks for the list with little room for it.
async fn read_nothing(addr: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(SMALL_BUFFER)?;
    let mut stream = socket.connect(addr).await?;
    stream
        .write_all(b"GET /services HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        .await?;
    Ok(stream)
}

/// Connects again and again.
async fn reopen(addr: SocketAddr) -> io::Result<Duration> {
    let mut longest = Duration::ZERO;
    let ends = Instant::now() + REOPENING_TIME;
    // A thousand of them in a tight loop would take the processors from those that are measured.
    let mut turns = every(REOPENING_PERIOD);
    loop {
        turns.tick().await;
        let opened = Instant::now();
        let one = async {
            let mut stream = TcpStream::connect(addr).await?;
            until_closed(&mut stream).await;
            io::Result::Ok(())
        };
        match timeout_at(ends, one).await {
            Ok(ended) => ended?,
            Err(_it_is_over) => return Ok(longest),
        }
        longest = longest.max(opened.elapsed());
    }
}
