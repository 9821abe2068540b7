//! Tests of the stream's bounds, in paused time over an in-memory pipe.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use super::*;

const BEFORE: Duration = Duration::from_millis(4_900);

fn pair() -> (DuplexStream, Socket<DuplexStream>, Arc<Turn>) {
    let (client, server) = duplex(64);
    let turn = Arc::new(Turn::default());
    let socket = Socket::new(server, Arc::clone(&turn));
    (client, socket, turn)
}

/// What one read brings: how many bytes, or why not.
async fn read(socket: &mut Socket<DuplexStream>) -> Result<usize, io::ErrorKind> {
    let mut buf = [0; 64];
    socket.read(&mut buf).await.map_err(|error| error.kind())
}

/// Whether a read brings neither bytes nor an error for `time`.
async fn is_quiet_for(socket: &mut Socket<DuplexStream>, time: Duration) -> bool {
    tokio::time::timeout(time, read(socket)).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_has_five_seconds_for_its_first_head() {
    let (_client, mut socket, _turn) = pair();

    assert!(is_quiet_for(&mut socket, BEFORE).await);
    assert_eq!(read(&mut socket).await, Err(io::ErrorKind::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn a_trickled_head_is_given_up_five_seconds_after_its_first_byte() {
    let (mut client, mut socket, turn) = pair();
    turn.begin();
    turn.end();
    assert!(is_quiet_for(&mut socket, Duration::from_secs(60)).await);

    client.write_all(b"G").await.unwrap();
    assert_eq!(read(&mut socket).await, Ok(1));
    assert!(is_quiet_for(&mut socket, BEFORE).await);
    client.write_all(b"E").await.unwrap();
    assert_eq!(read(&mut socket).await, Ok(1));

    assert_eq!(read(&mut socket).await, Err(io::ErrorKind::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_rests_after_an_answer_is_left_alone() {
    let (mut client, mut socket, turn) = pair();
    client.write_all(b"GET").await.unwrap();
    assert_eq!(read(&mut socket).await, Ok(3));
    turn.begin();
    turn.end();

    assert!(is_quiet_for(&mut socket, Duration::from_secs(600)).await);
}

#[tokio::test(start_paused = true)]
async fn bytes_of_a_body_start_no_time_for_a_head() {
    let (mut client, mut socket, turn) = pair();
    turn.begin();
    client.write_all(b"body").await.unwrap();
    assert_eq!(read(&mut socket).await, Ok(4));

    assert!(is_quiet_for(&mut socket, Duration::from_secs(60)).await);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_is_given_up() {
    let (_client, mut socket, _turn) = pair();

    let written = socket.write_all(&[0; 100]).await;

    assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_close_waits_for_a_client_that_still_sends_but_not_for_one_that_is_done() {
    let (mut client, mut socket, turn) = pair();
    let (_quiet_client, mut quiet, _) = pair();
    turn.cut();

    let began = Instant::now();
    quiet.shutdown().await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    let (closed, sent) = tokio::join!(socket.shutdown(), async {
        client.write_all(&[0; 1_000]).await
    });

    closed.unwrap();
    sent.unwrap();
    assert_eq!(began.elapsed().as_secs(), LINGER_TIME.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_close_does_not_wait_for_a_client_that_sends_without_end() {
    let (mut client, mut socket, turn) = pair();
    turn.cut();
    tokio::spawn(async move { while client.write_all(&[0; 4096]).await.is_ok() {} });

    socket.shutdown().await.unwrap();
}
