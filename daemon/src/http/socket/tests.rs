//! Tests of the stream's bounds, in paused time over an in-memory pipe.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use super::*;

const BEFORE: Duration = Duration::from_millis(4_900);
/// Longer than any time of a stream.
const FOREVER: Duration = Duration::from_secs(3_600);

fn pair() -> (DuplexStream, Socket<DuplexStream>, Arc<Turn>) {
    pair_with(64)
}

/// So many bytes may be on their way.
fn pair_with(bytes: usize) -> (DuplexStream, Socket<DuplexStream>, Arc<Turn>) {
    let (client, server) = duplex(bytes);
    let turn = Arc::new(Turn::default());
    let socket = Socket::new(server, Arc::clone(&turn));
    (client, socket, turn)
}

/// What one read brings: how many bytes, or why not.
async fn read(socket: &mut Socket<DuplexStream>) -> Result<usize, io::ErrorKind> {
    let mut buf = [0; 64];
    // Without its timers a stream would wait for ever, and so would its test.
    let read = tokio::time::timeout(FOREVER, socket.read(&mut buf)).await;
    read.expect("bytes, the end or an error")
        .map_err(|error| error.kind())
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

/// A client and a server that have shaken hands; only the server's side has our bounds.
async fn secure_pair() -> (
    tokio_rustls::client::TlsStream<DuplexStream>,
    tokio_rustls::server::TlsStream<Socket<DuplexStream>>,
    Arc<Turn>,
) {
    use rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring};
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let ours = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let theirs = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Enough for the tickets that a server sends behind its handshake.
    let (client, server, turn) = pair_with(4 << 10);
    let client = tokio_rustls::TlsConnector::from(Arc::new(theirs))
        .connect("localhost".try_into().unwrap(), client);
    let server = tokio_rustls::TlsAcceptor::from(Arc::new(ours)).accept(server);
    let (client, server) = tokio::try_join!(client, server).unwrap();
    (client, server, turn)
}

#[tokio::test(start_paused = true)]
async fn under_tls_a_reader_that_takes_nothing_is_given_up_whatever_waits_for_it() {
    // More than the session keeps: the writing itself waits.
    let (_client, mut server, _turn) = secure_pair().await;
    assert!(is_given_up(server.write_all(&vec![0; 1 << 20])).await);

    // Less than it keeps: the writing is done at once, and the flush waits.
    let (_client, mut server, _turn) = secure_pair().await;
    server.write_all(&[0; 8 << 10]).await.unwrap();
    assert!(is_given_up(server.flush()).await);

    // The farewell waits.
    let (_client, mut server, _turn) = secure_pair().await;
    server.write_all(&[0; 8 << 10]).await.unwrap();
    assert!(is_given_up(server.shutdown()).await);
}

/// Whether it ends by our bound, and does not wait for ever.
async fn is_given_up(waits: impl Future<Output = io::Result<()>>) -> bool {
    let ended = tokio::time::timeout(STALL_TIME * 2, waits).await;
    ended.is_ok_and(|ended| ended.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut))
}

#[tokio::test(start_paused = true)]
async fn under_tls_half_a_record_counts_as_half_a_head() {
    let (client, mut server, turn) = secure_pair().await;
    turn.begin();
    turn.end();
    let mut buf = [0; 64];
    let resting = tokio::time::timeout(Duration::from_secs(100), server.read(&mut buf));
    assert!(resting.await.is_err());

    // The first bytes of a record of 1,024, which never comes.
    let (mut below, _session) = client.into_inner();
    below.write_all(&[0x17, 3, 3, 4, 0, 1]).await.unwrap();
    let began = Instant::now();
    let read = server.read(&mut buf).await;

    assert_eq!(read.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(began.elapsed().as_secs(), HEAD_TIME.as_secs());
}

#[tokio::test(start_paused = true)]
async fn under_tls_a_close_says_farewell_and_waits_for_a_client_that_still_sends() {
    let (mut client, mut server, turn) = secure_pair().await;
    turn.cut();

    let began = Instant::now();
    let (closed, sent) = tokio::join!(server.shutdown(), client.write_all(&[0; 1_000]));

    closed.unwrap();
    sent.unwrap();
    assert_eq!(began.elapsed().as_secs(), LINGER_TIME.as_secs());
    // Without the farewell the end would be an error.
    assert_eq!(client.read(&mut [0; 64]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_has_rested_when_nothing_was_asked_for_so_long_since_its_last_answer() {
    const IDLE: Duration = Duration::from_secs(120);
    let (mut client, mut socket, turn) = pair();
    let began = Instant::now();
    let rests = tokio::time::timeout(FOREVER, turn.has_rested_for(IDLE));
    let (has_rested, ()) = tokio::join!(rests, async {
        // An answer at 100 s, one that is made from 150 to 300 s, and the rest of it at 310 s.
        for (asked, answered, written) in [(100, 100, 100), (150, 300, 310)] {
            let at = |seconds| tokio::time::sleep_until(began + Duration::from_secs(seconds));
            at(asked).await;
            turn.begin();
            at(answered).await;
            turn.end();
            at(written).await;
            socket.write_all(b"answer").await.unwrap();
        }
    });
    client.shutdown().await.unwrap();

    assert!(has_rested.is_ok(), "it rests for ever");
    // It is looked at every 15 s: at 315 s the answer is seen.
    assert_eq!(began.elapsed().as_secs(), 315 + 120);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_came_in_time_is_read_also_when_nobody_looked_in_time() {
    let (mut client, mut socket, _turn) = pair();
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();

    sleep(2 * HEAD_TIME).await;

    let mut buf = [0; 64];
    assert_eq!(socket.read(&mut buf).await.unwrap(), 18);
}
