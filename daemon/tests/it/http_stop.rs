//! How serving ends.

use crate::daemon::Daemon;
use crate::raw::{Raw, request};

#[tokio::test]
async fn a_stop_closes_resting_connections_and_the_listener() {
    let mut daemon = Daemon::start();
    let addr = daemon.addr;
    let mut resting = daemon.connect().await;
    assert_eq!(
        resting
            .ask(&request("GET", "/healthz", &[], b""))
            .await
            .status,
        200
    );
    let mut fresh = daemon.connect().await;
    // Answered requests on both sides of `fresh` prove that it has been accepted.
    assert_eq!(daemon.send("GET", "/healthz", "").await.status, 200);

    daemon.ask_to_stop();
    daemon.join();

    assert!(resting.is_closed().await);
    assert!(fresh.is_closed().await);
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_request_that_is_half_sent_when_the_stop_comes_is_still_answered() {
    let mut daemon = Daemon::start();
    let mut connection: Raw = daemon.connect().await;
    let whole = request(
        "POST",
        "/register",
        &["Expect: 100-continue"],
        br#"{"name":"a","ip":"::1"}"#,
    );
    let (head, body) = whole.split_at(whole.len() - 23);
    // The daemon asks for the body, so it is at work on this request.
    assert_eq!(connection.ask(head).await.status, 100);

    daemon.ask_to_stop();
    let reply = connection.ask(body).await;

    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("connection"), Some("close"));
    assert!(connection.is_closed().await);
    daemon.join();
}
