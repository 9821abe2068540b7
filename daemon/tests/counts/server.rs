//! The daemon, and beside it a bare hyper server, each in a thread of this program.

use std::convert::Infallible;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use lastbeat_proto::Timestamp;
use lastbeatd::clock::ManualClock;
use lastbeatd::config::{Config, Given};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

pub(crate) const REGISTER: &[u8] =
    b"POST /register HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
    Content-Length: 45\r\n\r\n{\"name\": \"service-0000001\", \"ip\": \"10.0.0.1\"}";
pub(crate) const HEARTBEAT: &[u8] =
    b"POST /heartbeat/service-0000001 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n";

/// A server with a thread of its own; it stops when it is dropped.
pub(crate) struct Server {
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start<F: Future<Output = ()> + Send + 'static>(
        serve: impl FnOnce(std::net::TcpListener, oneshot::Receiver<()>) -> F,
    ) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = serve(listener, stopped);
        let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
        let thread = std::thread::spawn(move || runtime().block_on(serving));
        Self {
            addr,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// A connection whose next answers are known to the byte.
    pub(crate) fn connect(&self, request: &'static [u8]) -> Asking {
        let mut stream = TcpStream::connect(self.addr).unwrap();
        let mut answer = [0; 4_096];
        // The first may register, and is answered otherwise.
        ask_slowly(&mut stream, request, &mut answer);
        let length = ask_slowly(&mut stream, request, &mut answer);
        Asking {
            stream,
            request,
            answer,
            length,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// A connection on which the same is asked again and again, without asking for memory.
pub(crate) struct Asking {
    stream: TcpStream,
    request: &'static [u8],
    answer: [u8; 4_096],
    length: usize,
}

impl Asking {
    pub(crate) fn ask(&mut self, times: usize) {
        for _ in 0..times {
            self.stream.write_all(self.request).unwrap();
            self.stream
                .read_exact(&mut self.answer[..self.length])
                .unwrap();
            assert!(self.answer.starts_with(b"HTTP/1.1 200 "));
        }
    }
}

/// One answer, and how long it is: the clock stands still, so later ones are the same.
fn ask_slowly(stream: &mut TcpStream, request: &[u8], answer: &mut [u8]) -> usize {
    stream.write_all(request).unwrap();
    let mut length = 0;
    loop {
        let count = stream.read(&mut answer[length..]).unwrap();
        assert!(0 < count, "the server closed the connection");
        length += count;
        let text = std::str::from_utf8(&answer[..length]).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_ascii_lowercase();
        let (_, rest) = head.split_once("content-length: ").unwrap();
        let whole: usize = rest.lines().next().unwrap().parse().unwrap();
        if body.len() == whole {
            assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
            return length;
        }
    }
}

/// The daemon under a clock that stands still: neither the sweep nor the store has anything to do.
pub(crate) fn daemon(dir: &std::path::Path) -> Server {
    let db = dir.join("monitoring.db").display().to_string();
    let given: Given = [("db", ("--db".to_owned(), vec![db]))].into();
    let config = Config::resolve(&[given], None).unwrap();
    let clock = ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000));
    let daemon = lastbeatd::Daemon::open(config, Arc::new(clock)).unwrap();
    Server::start(|listener, stopped| async move {
        let listeners = vec![TcpListener::from_std(listener).unwrap()];
        let until_stopped = async { stopped.await.unwrap_or(()) };
        daemon.serve(listeners, until_stopped).await.unwrap();
    })
}

/// hyper that reads the body and looks at nothing.
pub(crate) fn bare() -> Server {
    Server::start(|listener, mut stopped| async move {
        let listener = TcpListener::from_std(listener).unwrap();
        loop {
            let (stream, _peer) = tokio::select! {
                accepted = listener.accept() => accepted.unwrap(),
                _ = &mut stopped => return,
            };
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            tokio::spawn(async { connection.await.unwrap() });
        }
    })
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    request.into_body().collect().await.unwrap();
    let answer = Bytes::from_static(br#"{"message":"Service registered successfully"}"#);
    Ok(Response::new(Full::new(answer)))
}
