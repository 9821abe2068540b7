//! A connection of HTTP/1 on which bytes are sent and one answer at a time is read.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longest wait for an answer; no request of these tests takes so long.
const PATIENCE: Duration = Duration::from_secs(40);

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// All of an answer.
    Whole { status: u16, body: Value },
    /// The connection ended within an answer.
    Torn(String),
    /// It ended before the first byte of one.
    Nothing,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Line {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Line {
    pub(crate) fn open(addr: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            unread: Vec::new(),
        })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends a request and reads its answer. Who cannot send any more may still be answered.
    pub(crate) fn ask(&mut self, bytes: &[u8]) -> Answer {
        match self.send(bytes) {
            Ok(()) | Err(_) => self.answer(),
        }
    }

    /// The next answer.
    pub(crate) fn answer(&mut self) -> Answer {
        loop {
            if let Some((status, length)) = whole(&self.unread) {
                let rest = self.unread.split_off(length);
                let answer = std::mem::replace(&mut self.unread, rest);
                let at = head_end(&answer).unwrap();
                return match serde_json::from_slice(&answer[at..]) {
                    Ok(body) => Answer::Whole { status, body },
                    Err(_) => Answer::Torn(String::from_utf8_lossy(&answer).into_owned()),
                };
            }
            let mut bytes = [0; 16_384];
            match self.stream.read(&mut bytes) {
                Ok(0) => break,
                Ok(count) => self.unread.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let is_late =
                        matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                    assert!(!is_late, "no answer within {PATIENCE:?}");
                    break;
                }
            }
        }
        if self.unread.is_empty() {
            Answer::Nothing
        } else {
            Answer::Torn(String::from_utf8_lossy(&self.unread).into_owned())
        }
    }
}

/// Status and length of the answer that stands at the beginning, when all of it is there.
fn whole(bytes: &[u8]) -> Option<(u16, usize)> {
    let at = head_end(bytes)?;
    let head = std::str::from_utf8(&bytes[..at]).unwrap();
    let status = head.split(' ').nth(1)?.parse().unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))?;
    let length: usize = at + length.parse::<usize>().unwrap();
    (length <= bytes.len()).then_some((status, length))
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(4).position(|found| found == b"\r\n\r\n")?;
    Some(at + 4)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// What is made of these bytes when the connection ends behind them.
    fn read(bytes: &[u8]) -> Answer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut line = Line::open(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(bytes).unwrap();
        drop(peer);
        line.answer()
    }

    #[test]
    fn an_answer_is_whole_torn_or_not_there() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{\"a\":1}";

        assert!(matches!(read(whole), Answer::Whole { status: 200, .. }));
        assert_eq!(read(b""), Answer::Nothing);
        for length in 1..whole.len() {
            assert!(
                matches!(read(&whole[..length]), Answer::Torn(_)),
                "{length}"
            );
        }
        assert!(matches!(
            read(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{\"a\":1 "),
            Answer::Torn(_)
        ));
    }
}
