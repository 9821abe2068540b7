//! TLS: who is let in, what is spoken above it, and a new certificate without a restart.

use lastbeat_proto::Span;
use rustls_pki_types::CertificateDer;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::authority::Authority;
use crate::raw::{Raw, request};

const BODY: &str = r#"{"name": "a", "ip": "192.0.2.10"}"#;

fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    let (_, session) = stream.get_ref();
    let chain = session.peer_certificates().unwrap();
    chain[0].clone().into_owned()
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_and_http_1_1_above_them() {
    let authority = Authority::new();
    let daemon = authority.daemon(&[]);

    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let stream = authority.shake(daemon.addr, &[version]).await.unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
        let reply = Raw::over(stream)
            .ask(&request("GET", "/healthz", &[], b""))
            .await;

        assert_eq!(reply.status, 200, "{version:?}");
        assert_eq!(reply.header("strict-transport-security"), None);
    }
}

#[tokio::test]
async fn a_client_that_trusts_another_authority_goes_no_further() {
    let daemon = Authority::new().daemon(&[]);

    let refused = Authority::new()
        .shake(daemon.addr, rustls::ALL_VERSIONS)
        .await;

    let error = refused.unwrap_err().to_string();
    assert!(error.contains("UnknownIssuer"), "{error}");
}

/// A greeting of nothing but `version` (RFC 5246 §7.4.1.2), in its record.
fn greeting(version: [u8; 2]) -> Vec<u8> {
    let mut hello = version.to_vec();
    hello.extend([7; 32]); // Random.
    hello.push(0); // No session.
    hello.extend([0, 2, 0xc0, 0x2f]); // One suite of ciphers.
    hello.extend([1, 0]); // No compression.
    hello.extend([0, 8, 0, 13, 0, 4, 0, 2, 4, 3]); // One kind of signature.
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![0x16, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(hello);
    record
}

#[tokio::test]
async fn tls_1_1_is_refused_for_its_version() {
    const ALERT: u8 = 0x15;
    const PROTOCOL_VERSION: u8 = 70;
    let daemon = Authority::new().daemon(&[]);

    for (version, is_refused) in [([3, 2], true), ([3, 3], false)] {
        let mut connection = daemon.connect().await;
        connection.send(&greeting(version)).await;
        let answer = connection.rest().await;

        assert_eq!(answer[0], ALERT, "{answer:?}");
        // The other greeting lacks what TLS 1.2 needs, so it is refused for something else.
        assert_eq!(answer[6] == PROTOCOL_VERSION, is_refused, "{answer:?}");
    }
}

#[tokio::test]
async fn plain_http_is_told_to_use_https_and_closed() {
    let daemon = Authority::new().daemon(&[]);
    let large = vec![b'x'; 100_000];

    for bytes in [
        request("GET", "/", &[], b""),
        request("POST", "/register", &[], &large),
        b"\r\n".to_vec(),
    ] {
        let mut connection = daemon.connect().await;
        let reply = connection.ask(&bytes).await;

        assert_eq!(reply.status, 400);
        assert_eq!(reply.text(), "this port speaks TLS; use https://\n");
        assert_eq!(reply.header("connection"), Some("close"));
        // What still comes must not take the answer with it by a reset.
        connection.send(&large).await;
        assert!(connection.is_closed().await);
    }
}

#[tokio::test]
async fn http_under_tls_is_http() {
    let authority = Authority::new();
    let daemon = authority.daemon(&[]);
    let mut kept = authority.connect(daemon.addr).await;

    let asked = request("POST", "/register", &[], BODY.as_bytes());
    let registered = kept.ask(&asked).await;
    assert_eq!(registered.status, 200);
    let head = kept.ask(&request("HEAD", "/services", &[], b"")).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let asked = request("GET", "/", &["Accept: text/html"], b"");
    let page = kept.ask(&asked).await;
    assert_eq!(page.status, 200);

    let old = format!(
        "POST /register HTTP/1.0\r\nContent-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let mut connection = authority.connect(daemon.addr).await;
    let reply = connection.ask(old.as_bytes()).await;
    assert_eq!((reply.status, reply.version.as_str()), (200, "HTTP/1.0"));
    // Not only closed: a farewell of TLS came before.
    assert!(connection.is_closed().await);

    let mut both = request("GET", "/healthz", &[], b"");
    both.extend(request("GET", "/services", &[], b""));
    let first = kept.ask(&both).await;
    let second = kept.reply(false).await;
    assert_eq!(first.json()["status"], "ok");
    assert_eq!(second.json()["services"][0]["name"], "a");
}

#[tokio::test]
async fn an_empty_page_shows_a_line_that_speaks_tls() {
    let authority = Authority::new();
    let daemon = authority.daemon(&[]);

    let mut connection = authority.connect(daemon.addr).await;
    let asked = request("GET", "/", &["Accept: text/html"], b"");
    let page = connection.ask(&asked).await;

    let text = page.text();
    assert!(text.contains("https://127.0.0.1/"), "{text}");
    assert!(!text.contains("http://127.0.0.1/"), "{text}");
}

#[tokio::test]
async fn a_page_that_came_without_tls_may_change_nothing() {
    let authority = Authority::new();
    let daemon = authority.daemon(&[]);
    let mut connection = authority.connect(daemon.addr).await;

    for (origin, status) in [
        ("Origin: http://127.0.0.1", 403),
        ("Origin: https://127.0.0.1", 200),
    ] {
        let asked = request("POST", "/refresh_all", &[origin], b"");
        assert_eq!(connection.ask(&asked).await.status, status, "{origin}");
    }
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections_and_old_ones_go_on() {
    let authority = Authority::new();
    let daemon = authority.daemon(&[]);
    let stream = authority.stream(daemon.addr).await;
    let before = shown(&stream);
    let mut open = Raw::over(stream);
    let ask = request("GET", "/healthz", &[], b"");
    assert_eq!(open.ask(&ask).await.status, 200);

    authority.issue();
    daemon.reload.notify_one();

    let until_new = async { while shown(&authority.stream(daemon.addr).await) == before {} };
    let patience = std::time::Duration::from_secs(10);
    let is_new = tokio::time::timeout(patience, until_new).await;
    is_new.expect("the new certificate within ten seconds");
    assert_eq!(open.ask(&ask).await.status, 200);
}

#[tokio::test]
async fn a_bad_new_certificate_leaves_the_old_one_and_says_so_until_it_is_mended() {
    let authority = Authority::new();
    let daemon = authority.daemon(&[]);
    let before = shown(&authority.stream(daemon.addr).await);
    let mut open = authority.connect(daemon.addr).await;
    let mut said = async |stands: bool| {
        loop {
            let list = open.ask(&request("GET", "/services", &[], b"")).await;
            let list = list.json();
            let notices = list["notices"].as_array().unwrap();
            let ours = |notice: &&Value| notice["kind"] == "certificate-not-reloaded";
            let texts: Vec<_> = notices.iter().filter(ours).collect();
            assert!(texts.len() < 2, "{texts:?}");
            if texts.is_empty() != stands {
                return texts.first().map(|notice| notice["text"].to_string());
            }
        }
    };

    std::fs::write(authority.cert(), "no certificate").unwrap();
    for _ in 0..2 {
        daemon.reload.notify_one();
        let text = said(true).await.unwrap();
        assert!(text.contains("there is no PEM certificate in it"), "{text}");
        assert!(text.contains("of before stays in use"), "{text}");
    }
    assert_eq!(shown(&authority.stream(daemon.addr).await), before);

    authority.issue();
    daemon.reload.notify_one();
    said(false).await;
    assert_ne!(shown(&authority.stream(daemon.addr).await), before);
}

/// The notice of this kind in an answer.
fn notice<'list>(list: &'list Value, kind: &str) -> Option<&'list Value> {
    let mut notices = list["notices"].as_array().unwrap().iter();
    notices.find(|notice| notice["kind"] == kind)
}

#[tokio::test]
async fn that_the_certificate_ends_is_told_in_time_and_until_there_is_a_new_one() {
    let authority = Authority::new();
    // The clock of the test begins at 2027-01-15 08:00.
    authority.issue_until(2027, 1, 20);
    let daemon = authority.daemon(&[]);
    let mut open = authority.connect(daemon.addr).await;
    let mut said = async |is_there: fn(Option<&str>) -> bool| {
        loop {
            let health = open.ask(&request("GET", "/healthz", &[], b"")).await.json();
            let found = notice(&health, "certificate-expires");
            let text = found.map(|notice| notice["text"].as_str().unwrap());
            if is_there(text) {
                return (text.unwrap_or_default().to_owned(), health);
            }
        }
    };

    let (text, health) = said(|text| text.is_some()).await;
    assert!(
        text.contains("in 4 days, at 2027-01-20 00:00:00 UTC"),
        "{text}"
    );
    assert_eq!(health["status"], "ok");
    daemon.until_sleepers(3).await;
    daemon.advance(Span::from_secs(2 * 86_400));
    said(|text| text.is_some_and(|text| text.contains("in 2 days"))).await;
    daemon.until_sleepers(3).await;
    daemon.advance(Span::from_secs(3 * 86_400));
    let (text, health) = said(|text| text.is_some_and(|text| text.contains("has expired"))).await;
    assert!(text.contains("SIGHUP"), "{text}");
    assert_eq!(health["status"], "degraded");

    authority.issue_until(2027, 2, 20);
    daemon.reload.notify_one();
    let (_, health) = said(|text| text.is_none()).await;
    assert_eq!(health["status"], "ok");
}
