//! Browsers: pages of other sites change nothing, forms lead back to the page.

use crate::daemon::Daemon;
use crate::raw::request;

const BODY: &[u8] = br#"{"name": "a", "ip": "192.0.2.10"}"#;
/// What a page of ours may load and send, and that no other page may show it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const HTML: &str = "Accept: text/html,application/xhtml+xml,*/*;q=0.8";

#[tokio::test]
async fn a_page_of_another_site_registers_nothing() {
    let daemon = Daemon::start();

    for headers in [
        ["Sec-Fetch-Site: cross-site", "Content-Type: text/plain"],
        // Another port of this machine.
        ["Sec-Fetch-Site: same-site", "Content-Type: text/plain"],
        ["Origin: https://evil.example", "Content-Type: text/plain"],
        [
            "Origin: null",
            "Content-Type: application/x-www-form-urlencoded",
        ],
    ] {
        let reply = daemon
            .ask(&request("POST", "/register", &headers, BODY))
            .await;

        assert_eq!(reply.status, 403, "{headers:?}");
        assert_eq!(reply.json()["type"], "urn:lastbeat:problem:foreign-origin");
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
    assert!(daemon.rows().await.is_empty());
}

#[tokio::test]
async fn a_page_of_our_own_registers() {
    let daemon = Daemon::start();

    for header in ["Sec-Fetch-Site: same-origin", "Origin: http://127.0.0.1"] {
        let reply = daemon
            .ask(&request("POST", "/register", &[header], BODY))
            .await;

        assert_eq!(reply.status, 200, "{header}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_name_that_dns_rebinding_could_use_is_misdirected() {
    let daemon = Daemon::start();

    let reply = daemon
        .ask(b"GET /services HTTP/1.1\r\nHost: evil.example:5001\r\n\r\n")
        .await;

    assert_eq!(reply.status, 421);
    let error = reply.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("--allowed-host evil.example"), "{error}");
}

#[tokio::test]
async fn a_name_that_was_allowed_is_answered_in_any_spelling() {
    let daemon = Daemon::start_with(&[("allowed-host", "Registry.Example.com")]);

    for host in ["registry.example.com", "REGISTRY.example.com.:8443"] {
        let reply = daemon
            .ask(format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())
            .await;

        assert_eq!(reply.status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_form_leads_back_to_the_page_by_a_relative_way() {
    let daemon = Daemon::start();

    for (target, body, root) in [
        ("/register", "name=team%2Fapi&ip=192.0.2.10", "./"),
        ("/refresh/team%2Fapi", "", "../"),
        ("/refresh/team/api", "", "../../"),
        ("/refresh_all", "", "./"),
        ("/deregister/team%2Fapi?instance=192.0.2.10", "", "../"),
    ] {
        let form = request(
            "POST",
            target,
            &[HTML, "Sec-Fetch-Site: same-origin"],
            body.as_bytes(),
        );
        let reply = daemon.ask(&form).await;

        assert_eq!(reply.status, 303, "{target}: {}", reply.text());
        assert_eq!(reply.header("location"), Some(root), "{target}");
        assert_eq!(reply.header("content-length"), Some("0"), "{target}");
    }
}

#[tokio::test]
async fn a_form_that_cannot_be_used_is_answered_with_a_page() {
    let daemon = Daemon::start();

    let unknown = daemon
        .ask(&request("POST", "/refresh/%3Cb%3E", &[HTML], b""))
        .await;
    let unusable = daemon
        .ask(&request("POST", "/register", &[HTML], b"name=&ip=1"))
        .await;

    for (reply, status) in [(&unknown, 404), (&unusable, 400)] {
        assert_eq!(reply.status, status);
        assert_eq!(
            reply.header("content-type"),
            Some("text/html; charset=utf-8")
        );
    }
    assert!(!unknown.text().contains("<b>"), "{}", unknown.text());
}

#[tokio::test]
async fn programs_get_json_from_the_same_endpoints() {
    let daemon = Daemon::start();
    daemon.register("a", "192.0.2.10").await;

    for (method, target) in [
        ("POST", "/refresh/a"),
        ("POST", "/refresh_all"),
        ("DELETE", "/services/a"),
    ] {
        let reply = daemon
            .ask(&request(method, target, &["Accept: */*"], b""))
            .await;

        assert_eq!(reply.status, 200, "{target}");
        assert_eq!(
            reply.header("content-type"),
            Some("application/json"),
            "{target}"
        );
    }
}

#[tokio::test]
async fn every_answer_is_guarded_and_kept_out_of_caches() {
    let daemon = Daemon::start();

    for (method, target) in [
        ("GET", "/"),
        ("GET", "/services"),
        ("GET", "/healthz"),
        ("GET", "/nope"),
        ("POST", "/register"),
        ("POST", "/refresh/nobody"),
        ("OPTIONS", "/register"),
    ] {
        let origin = ["Origin: https://evil.example"];
        let reply = daemon.ask(&request(method, target, &origin, b"")).await;

        assert_eq!(
            reply.header("content-security-policy"),
            Some(POLICY),
            "{target}"
        );
        assert_eq!(
            reply.header("cross-origin-resource-policy"),
            Some("same-origin"),
            "{target}"
        );
        // Nothing that another site may read, whoever it says it is.
        let opening = reply.headers.iter().map(|(name, _)| name);
        let opening = opening.filter(|name| name.starts_with("access-control-"));
        assert_eq!(opening.count(), 0, "{target}");
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{target}"
        );
        assert_eq!(
            reply.header("referrer-policy"),
            Some("same-origin"),
            "{target}"
        );
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{target}");
        assert_eq!(reply.header("server"), None, "{target}");
    }
}

#[tokio::test]
async fn the_live_part_and_the_assets_are_not_sent_twice() {
    let daemon = Daemon::start();
    daemon.register("a", "192.0.2.10").await;

    for target in ["/rows", "/assets/app.css", "/s/a?part=live"] {
        let first = daemon.send("GET", target, "").await;
        let known = format!("If-None-Match: {}", first.header("etag").unwrap());
        let again = daemon.ask(&request("GET", target, &[&known], b"")).await;

        assert_eq!((first.status, again.status), (200, 304), "{target}");
        assert_eq!(again.header("etag"), first.header("etag"), "{target}");
        assert!(
            again.header("content-security-policy").is_some(),
            "{target}"
        );
    }
}
