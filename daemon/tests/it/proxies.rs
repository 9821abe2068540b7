//! Trusted proxies, and the pace of those they ask for.

use lastbeat_proto::Span;

use crate::daemon::Daemon;
use crate::raw::{Reply, request};

/// The client whose requests a proxy passes on.
const CLIENT: &str = "X-Forwarded-For: 192.0.2.7";

async fn register(daemon: &Daemon, name: &str, headers: &[&str]) -> Reply {
    let body = format!("{{\"name\":\"{name}\"}}");
    daemon
        .ask(&request("POST", "/register", headers, body.as_bytes()))
        .await
}

#[tokio::test]
async fn a_registration_through_a_trusted_proxy_has_the_clients_address() {
    let daemon = Daemon::start_with(&[("trusted-proxy", "127.0.0.1")]);

    let passed_on = register(&daemon, "api", &[CLIENT]).await.json();
    let own = register(&daemon, "proxy", &[]).await.json();
    let beat = daemon
        .ask(&request("POST", "/heartbeat/api", &[CLIENT], b""))
        .await;

    assert_eq!(passed_on["service"]["ip"], "192.0.2.7");
    assert_eq!(own["service"]["ip"], "127.0.0.1");
    assert_eq!(beat.json()["service"]["instance"], "192.0.2.7");
}

#[tokio::test]
async fn who_is_not_named_by_a_trusted_proxy_must_say_where_it_is() {
    let unnamed = "is not trusted to say from where; send ip, or name the proxy with";
    let junk = "a trusted proxy whose X-Forwarded-For does not end in an address; send ip, or let";
    for (settings, header, said) in [
        (&[][..], CLIENT, unnamed),
        (&[("trusted-proxy", "10.0.0.0/8")], CLIENT, unnamed),
        (
            &[("trusted-proxy", "127.0.0.1")],
            "X-Forwarded-For: unknown",
            junk,
        ),
        (
            &[("trusted-proxy", "127.0.0.1")],
            "Forwarded: for=192.0.2.7",
            junk,
        ),
    ] {
        let daemon = Daemon::start_with(settings);

        let reply = register(&daemon, "api", &[header]).await;

        assert_eq!(reply.status, 400, "{header}");
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(said), "{detail}");
    }
}

#[tokio::test]
async fn a_heartbeat_of_nobody_known_is_not_that_of_the_instance_at_the_proxy() {
    for (settings, header) in [
        (&[][..], CLIENT),
        (
            &[("trusted-proxy", "127.0.0.1")],
            "X-Forwarded-For: unknown",
        ),
    ] {
        let daemon = Daemon::start_with(settings);
        let register = |ip: &str| {
            let body = format!("{{\"name\":\"shop\",\"ip\":\"{ip}\"}}");
            request("POST", "/register", &[header], body.as_bytes())
        };
        let beat = |target: &str, headers: &[&str]| request("POST", target, headers, b"");
        let nameless = beat("/heartbeat/shop", &[header]);
        assert_eq!(daemon.ask(&register("127.0.0.1")).await.status, 200);
        let only = daemon.ask(&nameless).await;
        assert_eq!(only.status, 200, "{header}: one is not ambiguous");
        let heard = only.json()["service"]["last_heartbeat"].clone();
        let bare = request("POST", "/register", &[header], br#"{"name":"shop"}"#);
        let refused = daemon.ask(&bare).await;
        assert_eq!(refused.status, 400, "{header}: {}", refused.text());
        let row = daemon.ask(&request("GET", "/services", &[], b"")).await;
        let row = &row.json()["services"][0];
        assert_eq!(row["last_heartbeat"], heard, "{header}: it was not heard");
        assert_eq!(daemon.ask(&register("10.0.0.2")).await.status, 200);

        let several = daemon.ask(&nameless).await;
        let named = beat("/heartbeat/shop?instance=10.0.0.2", &[header]);
        let named = daemon.ask(&named).await.json();
        let own = daemon.ask(&beat("/heartbeat/shop", &[])).await.json();

        assert_eq!(several.status, 409, "{header}: {}", several.text());
        assert!(several.text().contains("10.0.0.2"), "{}", several.text());
        assert_eq!(named["service"]["instance"], "10.0.0.2");
        assert_eq!(own["service"]["instance"], "127.0.0.1", "not passed on");
    }
}

#[tokio::test]
async fn changes_of_one_address_have_a_pace_and_heartbeats_have_none() {
    let daemon = Daemon::start_with(&[("trusted-proxy", "127.0.0.1"), ("max-write-rate", "1")]);
    for number in 0..10 {
        let reply = register(&daemon, &format!("s{number}"), &[CLIENT]).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    let refused = register(&daemon, "s10", &[CLIENT]).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(
        refused.json()["type"],
        "urn:lastbeat:problem:too-many-requests"
    );
    for (method, target) in [
        ("POST", "/deregister/s0"),
        ("DELETE", "/services/s0?instance=192.0.2.7"),
    ] {
        let reply = daemon.ask(&request(method, target, &[CLIENT], b"")).await;
        assert_eq!(reply.status, 429, "{target}");
    }

    for _ in 0..100 {
        assert_eq!(register(&daemon, "s3", &[CLIENT]).await.status, 200);
        let beat = request("POST", "/heartbeat/s4", &[CLIENT], b"");
        assert_eq!(daemon.ask(&beat).await.status, 200);
    }
    let other = register(&daemon, "t", &["X-Forwarded-For: 192.0.2.8"]).await;
    assert_eq!(other.status, 200);
    assert_eq!(
        register(&daemon, "u", &[]).await.status,
        200,
        "the proxy itself"
    );

    daemon.advance(Span::from_secs(1));
    assert_eq!(register(&daemon, "s10", &[CLIENT]).await.status, 200);
    assert_eq!(register(&daemon, "s11", &[CLIENT]).await.status, 429);
}

#[tokio::test]
async fn the_page_shows_the_address_under_which_the_proxy_serves_it() {
    let daemon = Daemon::start_with(&[("trusted-proxy", "127.0.0.1")]);
    let seen = ["X-Forwarded-Proto: https", "X-Forwarded-Prefix: /registry/"];

    let page = daemon.ask(&request("GET", "/", &seen, b"")).await.text();

    assert!(
        page.contains("https://127.0.0.1/registry/</span>register"),
        "{page}"
    );
}
