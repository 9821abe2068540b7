//! What bounds a connection holds under TLS as well: handshakes, heads, bodies, seats, the stop.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::authority::Authority;
use crate::raw::{Raw, request};

/// Half a second more than a handshake may take, and the time of a busy machine.
const SOON: Duration = Duration::from_secs(8);
const BODY: &str = r#"{"name": "a", "ip": "192.0.2.10"}"#;

#[tokio::test]
async fn fifty_half_open_handshakes_hold_up_nobody_and_are_closed() {
    let authority = Authority::new();
    let daemon = authority.daemon(&[]);
    // The first bytes of a record that would hold a greeting.
    let half = [0x16, 3, 1, 2, 0, 1, 0, 1];
    let mut open = Vec::new();
    for n in 0..50 {
        let mut connection = daemon.connect().await;
        connection.send(&half[..n % (half.len() + 1)]).await;
        open.push(connection);
    }

    let mut other = authority.connect(daemon.addr).await;
    let asked = request("POST", "/register", &[], BODY.as_bytes());
    let reply = other.ask(&asked).await;
    assert_eq!(reply.status, 200);
    let all_closed = async {
        for connection in &mut open {
            assert!(connection.is_closed().await);
        }
    };
    let closed = timeout(SOON, all_closed).await;
    closed.expect("all closed soon after five seconds");
}

#[tokio::test]
async fn a_half_open_handshake_takes_a_seat() {
    let authority = Authority::new();
    let daemon = authority.daemon(&[("max-connections", "1")]);
    let mut half = daemon.connect().await;
    half.send(&[0x16]).await;

    let mut next = authority.connect(daemon.addr).await;
    let reply = next.ask(&request("GET", "/healthz", &[], b"")).await;

    assert_eq!(reply.status, 200);
    let left = timeout(Duration::from_millis(500), half.ends()).await;
    left.expect("the one before has left its seat");
}

#[tokio::test]
async fn who_is_silent_before_the_handshake_leaves_before_those_that_rest() {
    let authority = Authority::new();
    let daemon = authority.daemon(&[("max-connections", "3")]);
    let ask = request("GET", "/healthz", &[], b"");
    let mut resting = Vec::new();
    for _ in 0..2 {
        let mut connection = authority.connect(daemon.addr).await;
        assert_eq!(connection.ask(&ask).await.status, 200);
        resting.push(connection);
    }
    let mut silent = daemon.connect().await;
    let left = timeout(Duration::from_millis(1_500), silent.ends()).await;
    assert!(left.is_err(), "nobody needs its seat yet");

    let mut next = authority.connect(daemon.addr).await;
    assert_eq!(next.ask(&ask).await.status, 200);

    let left = timeout(Duration::from_millis(500), silent.ends()).await;
    left.expect("it has left its seat");
    for connection in &mut resting {
        assert_eq!(connection.ask(&ask).await.status, 200);
    }
}

#[tokio::test]
async fn a_head_that_does_not_end_is_given_up() {
    let authority = Authority::new();
    let daemon = authority.daemon(&[]);

    let silent = authority.connect(daemon.addr).await;
    let mut slow = authority.connect(daemon.addr).await;
    slow.send(b"GET / HT").await;
    let mut second = authority.connect(daemon.addr).await;
    let ask = request("GET", "/healthz", &[], b"");
    assert_eq!(second.ask(&ask).await.status, 200);
    second.send(b"GET / HT").await;

    for mut connection in [silent, slow, second] {
        let ended = timeout(SOON, connection.ends()).await;
        ended.expect("closed soon after five seconds");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_the_answer_arrives() {
    let authority = Authority::new();
    let daemon = authority.daemon(&[]);
    let mut connection = authority.connect(daemon.addr).await;

    let large = vec![b' '; 200_000];
    let asked = request("POST", "/register", &[], &large);
    let reply = connection.ask(&asked).await;

    assert_eq!(reply.status, 413);
    assert!(connection.is_closed().await);
}

#[tokio::test]
async fn a_client_that_ends_its_side_is_still_answered() {
    let authority = Authority::new();
    let daemon = authority.daemon(&[]);
    let whole = request("POST", "/register", &[], BODY.as_bytes());

    // As TLS wants it, with a farewell.
    let mut polite = authority.connect(daemon.addr).await;
    polite.send(&whole).await;
    polite.end().await;
    assert_eq!(polite.reply(false).await.status, 200);
    assert!(polite.is_closed().await);

    // As small clients do: the socket alone is ended.
    let mut stream = authority.stream(daemon.addr).await;
    stream.write_all(&whole).await.unwrap();
    stream.flush().await.unwrap();
    stream.get_mut().0.shutdown().await.unwrap();
    let mut curt = Raw::over(stream);
    assert_eq!(curt.reply(false).await.status, 200);
    assert!(curt.is_closed().await);
}

#[tokio::test]
async fn a_body_that_is_cut_off_registers_nothing() {
    let authority = Authority::new();
    let daemon = authority.daemon(&[]);
    let whole = request("POST", "/register", &[], BODY.as_bytes());

    let mut stream = authority.stream(daemon.addr).await;
    stream.write_all(&whole[..whole.len() - 1]).await.unwrap();
    stream.flush().await.unwrap();
    stream.get_mut().0.shutdown().await.unwrap();
    Raw::over(stream).ends().await;

    let mut other = authority.connect(daemon.addr).await;
    let list = other.ask(&request("GET", "/services", &[], b"")).await;
    assert_eq!(list.json()["summary"]["total"], 0);
}

#[tokio::test]
async fn a_stop_says_farewell_answers_what_runs_and_waits_for_no_handshake() {
    let authority = Authority::new();
    let mut daemon = authority.daemon(&[]);
    let mut half = daemon.connect().await;
    half.send(&[0x16, 3, 1]).await;
    let mut resting = authority.connect(daemon.addr).await;
    let ask = request("GET", "/healthz", &[], b"");
    assert_eq!(resting.ask(&ask).await.status, 200);
    let mut busy = authority.connect(daemon.addr).await;
    let expect = ["Expect: 100-continue"];
    let whole = request("POST", "/register", &expect, BODY.as_bytes());
    let (head, body) = whole.split_at(whole.len() - BODY.len());
    assert_eq!(busy.ask(head).await.status, 100);

    daemon.ask_to_stop();
    // An end without a farewell would be an error here.
    let at_once = Duration::from_secs(2);
    assert!(timeout(at_once, resting.is_closed()).await.unwrap());
    assert!(timeout(at_once, half.is_closed()).await.unwrap());
    let reply = busy.ask(body).await;

    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(busy.is_closed().await);
    daemon.join();
}
