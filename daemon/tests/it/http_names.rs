//! Names with characters that mean something in URLs: usable everywhere, or refused at once.

use crate::daemon::Daemon;

#[tokio::test]
async fn a_hostile_name_that_is_accepted_can_be_reached_and_removed() {
    let daemon = Daemon::start();

    for name in [
        "team/api",
        "50% off",
        "100%25",
        "a+b c",
        "q?x=1#frag",
        "semi;colon,comma",
        "back\\slash",
        "plus+plus",
        "größe ☃",
        "<b>&amp;\"'",
    ] {
        daemon.register(name, "192.0.2.10").await;
        let path = lastbeat_proto::path::encode(name);

        assert!(
            daemon.rows().await.iter().any(|row| row["name"] == name),
            "{name}"
        );
        for (method, prefix) in [
            ("GET", "/services/"),
            ("POST", "/refresh/"),
            ("POST", "/heartbeat/"),
            ("POST", "/deregister/"),
        ] {
            let reply = daemon.send(method, &format!("{prefix}{path}"), "").await;
            assert_eq!(
                reply.status,
                200,
                "{method} {prefix}{path}: {}",
                reply.text()
            );
        }
        assert!(daemon.rows().await.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_name_that_no_path_could_carry_is_refused_at_registration() {
    let daemon = Daemon::start();

    for name in [
        "/leading.v1",
        "http://svc.example.com/health",
        "ends/",
        "a/../b",
        ".",
    ] {
        let body = serde_json::json!({ "name": name, "ip": "192.0.2.10" }).to_string();
        let reply = daemon.send("POST", "/register", &body).await;

        assert_eq!(reply.status, 400, "{name}");
        let problem = reply.json();
        assert_eq!(problem["errors"][0]["field"], "name", "{name}");
        assert!(
            problem["error"].as_str().unwrap().contains('/'),
            "{name}: {problem}"
        );
    }
}

#[tokio::test]
async fn a_slash_in_a_name_may_come_raw_as_proxies_decode_it() {
    let daemon = Daemon::start();
    daemon.register("team/api", "192.0.2.10").await;

    for path in [
        "/refresh/team/api",
        "/refresh/team%2Fapi",
        "/refresh/team%2fapi/",
    ] {
        let reply = daemon.send("POST", path, "").await;

        assert_eq!(reply.json()["name"], "team/api", "{path}");
    }
}

#[tokio::test]
async fn pages_write_a_slash_raw_so_that_their_ways_to_the_root_are_right_behind_a_proxy() {
    let daemon = Daemon::start();
    daemon.register("team/api", "192.0.2.10").await;

    let page = daemon.send("GET", "/", "").await.text();
    let service = daemon.send("GET", "/s/team/api", "").await.text();

    assert!(page.contains("refresh/team/api"), "{page}");
    assert!(!page.contains("%2F"), "{page}");
    assert!(
        service.contains("href=\"../../assets/app.css\""),
        "{service}"
    );
    assert!(
        service.contains("action=\"../../refresh/team/api"),
        "{service}"
    );
}

#[tokio::test]
async fn a_path_is_decoded_once_and_a_plus_is_a_plus() {
    let daemon = Daemon::start();
    daemon.register("100%25", "192.0.2.10").await;
    daemon.register("a+b", "192.0.2.10").await;

    assert_eq!(
        daemon.send("POST", "/refresh/100%2525", "").await.status,
        200
    );
    assert_eq!(daemon.send("POST", "/refresh/100%25", "").await.status, 404);
    assert_eq!(daemon.send("POST", "/refresh/a+b", "").await.status, 200);
    assert_eq!(daemon.send("POST", "/refresh/a%20b", "").await.status, 404);
}

#[tokio::test]
async fn an_instance_is_named_in_the_query() {
    let daemon = Daemon::start();
    daemon.register("web", "192.0.2.1").await;
    daemon.register("web", "192.0.2.2:80").await;

    let ambiguous = daemon.send("POST", "/heartbeat/web", "").await;
    let beat = daemon
        .send("POST", "/heartbeat/web?instance=192.0.2.2%3A80", "")
        .await;
    let gone = daemon
        .send("DELETE", "/services/web?instance=192.0.2.1", "")
        .await;

    assert_eq!(ambiguous.status, 409);
    assert_eq!(ambiguous.json()["errors"].as_array().unwrap().len(), 2);
    assert_eq!(beat.json()["service"]["instance"], "192.0.2.2:80");
    assert_eq!(gone.json()["removed"][0]["instance"], "192.0.2.1");
    assert_eq!(daemon.rows().await.len(), 1);
}

#[tokio::test]
async fn a_broken_escape_in_a_path_is_no_name() {
    let daemon = Daemon::start();
    daemon.register("%zz", "192.0.2.10").await;

    for (method, path) in [
        ("GET", "/services/%zz"),
        ("POST", "/heartbeat/%zz"),
        ("DELETE", "/services/%zz"),
        ("GET", "/s/a%2"),
    ] {
        let reply = daemon.send(method, path, "").await;

        assert_eq!(reply.status, 400, "{method} {path}");
        let problem = reply.json();
        assert_eq!(problem["type"], "urn:lastbeat:problem:invalid-path");
        assert_eq!(
            problem["detail"],
            "the name in the path has a % without two hexadecimal digits behind it; write the \
             sign itself as %25"
        );
    }
    assert_eq!(daemon.send("GET", "/services/%25zz", "").await.status, 200);
}
