//! The yardstick: the least that a server of this kind can do. hyper with the daemon's runtime and
//! timer reads each request's body, looks at nothing, and answers the same.

use std::convert::Infallible;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

const USAGE: &str = "yardstick takes the length of its answer in bytes, or nothing";
const ANSWER: &[u8] = br#"{"message":"Service registered successfully"}"#;

/// Serves on a free port of loopback until it is killed; a number is the length of its answer.
///
/// # Errors
/// When it is given anything else, or there is no port.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let constant = match arguments {
        [] => Bytes::from_static(ANSWER),
        [bytes] => vec![b' '; bytes.parse().context(USAGE)?].into(),
        _ => bail!(USAGE),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        eprintln!("listening on http://{}", listener.local_addr()?);
        loop {
            let (stream, _peer) = listener.accept().await?;
            let constant = constant.clone();
            tokio::spawn(async move {
                let answer = service_fn(|request| answer(request, constant.clone()));
                let served = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
                // Who asks closes the connection when it likes.
                drop(served);
            });
        }
    })
}

async fn answer(
    request: Request<Incoming>,
    constant: Bytes,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut body = request.into_body();
    while let Some(Ok(frame)) = body.frame().await {
        drop(frame);
    }
    Ok(Response::new(Full::new(constant)))
}
