//! Load balancers and uptime checkers: HEAD, health paths, wrong methods.

use crate::daemon::Daemon;
use crate::raw::{Reply, request};

/// What must be the same for GET and HEAD; the date may move on between the two.
fn headers(reply: &Reply) -> Vec<&(String, String)> {
    let named = |name: &str| name != "date";
    reply
        .headers
        .iter()
        .filter(|(name, _)| named(name))
        .collect()
}

#[tokio::test]
async fn head_is_get_without_the_body_and_the_connection_stays_usable() {
    let daemon = Daemon::start();
    daemon.register("a", "192.0.2.10").await;

    for path in [
        "/",
        "/rows",
        "/s/a",
        "/assets/app.css",
        "/services",
        "/services/a",
        "/healthz",
        "/readyz",
        "/events",
        "/gone",
    ] {
        let mut connection = daemon.connect().await;
        let head = connection.ask(&request("HEAD", path, &[], b"")).await;
        let get = connection.ask(&request("GET", path, &[], b"")).await;

        assert_eq!((head.status, get.status), (200, 200), "{path}");
        assert_eq!(headers(&head), headers(&get), "{path}");
        assert_eq!(
            get.header("content-length").unwrap(),
            get.body.len().to_string()
        );
    }
}

#[tokio::test]
async fn the_health_paths_say_that_the_daemon_lives() {
    let daemon = Daemon::start();

    for path in ["/healthz", "/readyz", "/healthz/"] {
        let reply = daemon.send("GET", path, "").await;

        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.json()["status"], "ok", "{path}");
        assert_eq!(reply.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_with_the_right_ones_as_a_problem() {
    let daemon = Daemon::start();

    for (method, path, allow) in [
        ("DELETE", "/services", "GET, HEAD"),
        ("GET", "/register", "POST"),
        ("HEAD", "/register", "POST"),
        ("PROPFIND", "/", "GET, HEAD"),
        ("OPTIONS", "/register", "POST"),
        ("PATCH", "/services/a", "GET, HEAD, DELETE"),
    ] {
        let reply = daemon.send(method, path, "").await;

        assert_eq!(reply.status, 405, "{method} {path}");
        assert_eq!(reply.header("allow"), Some(allow), "{method} {path}");
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json")
        );
    }
    assert!(daemon.rows().await.is_empty());
}

#[tokio::test]
async fn an_unknown_path_is_a_problem_with_the_originals_key() {
    let daemon = Daemon::start();

    for path in ["/nope", "/favicon.ico", "//services", "/services/a/../b%2F"] {
        let reply = daemon.send("GET", path, "").await;

        assert!(
            [400, 404].contains(&reply.status),
            "{path}: {}",
            reply.status
        );
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json")
        );
        assert!(!reply.json()["error"].as_str().unwrap().is_empty());
        assert_eq!(reply.json()["error"], reply.json()["detail"]);
    }
}
