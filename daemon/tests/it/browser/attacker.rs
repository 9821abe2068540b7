//! Sites that a browser may be lured to, as small servers on ports of their own: one that serves
//! the page which attacks, one that guards nothing, and a name that is first the one and then the
//! daemon.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn as client;
use hyper::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    CONTENT_SECURITY_POLICY_REPORT_ONLY, CONTENT_TYPE, HeaderMap, LOCATION, ORIGIN,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use lastbeat_proto::query;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const SCRIPT: &str = include_str!("attack.js");
const PAGE: &str = "<!DOCTYPE html><title>win a prize</title><body>\
    <script src=attack.js></script>";
/// What the site that guards nothing shows: a page that asks for its live part as ours does.
const OPEN_PAGE: &str = "<!DOCTYPE html><title>open</title><p>secret\
    <script>fetch('/rows' + location.search)</script>";
const OPEN_IMAGE: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='8' height='8'/>";

type Page = Response<Full<Bytes>>;

/// A server that ends with its test.
pub(super) struct Site {
    pub(super) addr: SocketAddr,
    /// Method and target of what it was asked, oldest first.
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Site {
    /// The site of the page that attacks.
    pub(super) async fn attacker() -> Self {
        Self::serve(attacker_answer).await
    }

    /// A site that guards nothing.
    pub(super) async fn open() -> Self {
        Self::serve(open_answer).await
    }

    /// What a name leads to whose owner changes its address: the first page comes from `attacker`,
    /// everything behind it from `daemon`. A connection carries one request, so that none meant
    /// for the one reaches the other.
    pub(super) async fn rebound(attacker: SocketAddr, daemon: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = service_fn(move |request| forward(request, attacker, daemon));
                let serving = http1::Builder::new()
                    .keep_alive(false)
                    .serve_connection(TokioIo::new(stream), service);
                // Either side may reset what it no longer needs.
                tokio::spawn(async move { drop(serving.await) });
            }
        });
        Self {
            addr,
            asked: Arc::default(),
            task,
        }
    }

    /// What it was asked so far, as "METHOD target".
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn serve(answer: fn(&Request<Incoming>) -> Page) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let noted = Arc::clone(&noted);
                let service = service_fn(move |mut request: Request<Incoming>| {
                    let noted = Arc::clone(&noted);
                    async move {
                        request.body_mut().collect().await?;
                        let line = format!("{} {}", request.method(), request.uri());
                        noted.lock().unwrap().push(line);
                        Ok::<_, hyper::Error>(answer(&request))
                    }
                });
                // A browser that leaves a page resets what it no longer needs.
                let serving = http1::Builder::new()
                    .keep_alive(false)
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move { drop(serving.await) });
            }
        });
        Self { addr, asked, task }
    }
}

/// One request to a name that changes its address, as it came.
async fn forward(
    request: Request<Incoming>,
    attacker: SocketAddr,
    daemon: SocketAddr,
) -> hyper::Result<Response<Incoming>> {
    let query = request.uri().query().unwrap_or_default();
    let to = match request.uri().path() {
        "/attack.js" | "/report" | "/bounce" => attacker,
        "/" if query.starts_with("at=") => attacker,
        _ => daemon,
    };
    let upstream = TokioIo::new(TcpStream::connect(to).await.unwrap());
    let (mut sender, connection) = client::http1::handshake(upstream).await?;
    tokio::spawn(async move { drop(connection.await) });
    sender.send_request(request).await
}

fn page(kind: &'static str, text: &'static str) -> Page {
    let mut page = Response::new(Full::from(text));
    page.headers_mut()
        .insert(CONTENT_TYPE, kind.parse().unwrap());
    page
}

fn attacker_answer(request: &Request<Incoming>) -> Page {
    let to = || query::value_of(request.uri().query().unwrap_or_default(), "to").unwrap();
    match request.uri().path() {
        "/attack.js" => page("text/javascript", SCRIPT),
        "/bounce" => {
            let mut bounce = page("text/html", "");
            *bounce.status_mut() = StatusCode::TEMPORARY_REDIRECT;
            bounce.headers_mut().insert(LOCATION, to().parse().unwrap());
            bounce
        }
        "/report" => {
            let mut report = page("text/html", "<img src=/image>");
            let policy = format!("img-src 'none'; report-uri {}", to());
            report
                .headers_mut()
                .insert(CONTENT_SECURITY_POLICY_REPORT_ONLY, policy.parse().unwrap());
            report
        }
        _ => page("text/html", PAGE),
    }
}

/// Whatever was asked for, in the form in which it can be used, to be read by everybody.
fn open_answer(request: &Request<Incoming>) -> Page {
    let headers = request.headers();
    let says = |name: &str| {
        headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    };
    let mut answer = match says("sec-fetch-dest") {
        "image" => page("image/svg+xml", OPEN_IMAGE),
        "script" | "worker" => page("text/javascript", "void 0"),
        "style" => page("text/css", "p { color: red }"),
        "iframe" | "object" | "embed" | "document" => page("text/html", OPEN_PAGE),
        _ if says(ACCEPT.as_str()) == "text/event-stream" => {
            page("text/event-stream", "data: secret\n\n")
        }
        _ => page("application/json", "\"secret\""),
    };
    allow_everybody(headers, answer.headers_mut());
    answer
}

fn allow_everybody(asked: &HeaderMap, answer: &mut HeaderMap) {
    if let Some(origin) = asked.get(ORIGIN) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    // Each request asks first, so that all of them can be counted.
    answer.insert(ACCESS_CONTROL_MAX_AGE, 0.into());
    answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, "true".parse().unwrap());
    answer.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        "POST, DELETE".parse().unwrap(),
    );
    answer.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        "content-type".parse().unwrap(),
    );
}
