//! The dashboard where tokens are asked for: signing in, looking, signing out.

use lastbeat_proto::Span;

use crate::daemon::Daemon;
use crate::keys::{Keys, bearer};
use crate::raw::{Reply, request};

const BROWSER: &str = "Accept: text/html,application/xhtml+xml";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

async fn sign_in(daemon: &Daemon, token: &str, more: &[&str]) -> Reply {
    let headers = [&[BROWSER, FORM], more].concat();
    let form = format!("token={token}");
    daemon
        .ask(&request("POST", "/sign-in", &headers, form.as_bytes()))
        .await
}

/// What a browser sends back of a `Set-Cookie`.
fn cookie(reply: &Reply) -> String {
    let set = reply.header("set-cookie").unwrap();
    format!("Cookie: {}", set.split(';').next().unwrap())
}

async fn look(daemon: &Daemon, headers: &[&str]) -> Reply {
    let headers = [&[BROWSER], headers].concat();
    daemon.ask(&request("GET", "/", &headers, b"")).await
}

#[tokio::test]
async fn a_browser_signs_in_looks_and_signs_out() {
    let keys = Keys::new();
    let daemon = keys.daemon(&[]);

    let asked = look(&daemon, &[]).await;
    assert_eq!(asked.status, 401);
    assert!(
        asked.text().contains("action=\"sign-in\""),
        "{}",
        asked.text()
    );
    assert!(
        asked
            .header("www-authenticate")
            .unwrap()
            .starts_with("Bearer")
    );

    assert!(
        !asked.text().contains("role=\"alert\""),
        "who showed nothing is not reproached"
    );

    let signed_in = sign_in(&daemon, &keys.register, &[]).await;
    assert_eq!(signed_in.status, 303, "{}", signed_in.text());
    assert_eq!(signed_in.header("location"), Some("./"));
    let set = signed_in.header("set-cookie").unwrap();
    assert!(
        set.ends_with("; Max-Age=43200; HttpOnly; SameSite=Strict"),
        "{set}"
    );

    let cookie = cookie(&signed_in);
    let page = look(&daemon, &[&cookie]).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("sign-out") && page.text().contains("refresh_all"));
    let refresh = request(
        "POST",
        "/refresh_all",
        &[BROWSER, &cookie, "Sec-Fetch-Site: same-origin"],
        b"",
    );
    assert_eq!(daemon.ask(&refresh).await.status, 303);
    let foreign = request(
        "POST",
        "/refresh_all",
        &[BROWSER, &cookie, "Sec-Fetch-Site: cross-site"],
        b"",
    );
    assert_eq!(daemon.ask(&foreign).await.status, 403);

    let out = daemon
        .ask(&request("POST", "/sign-out", &[BROWSER, &cookie], b""))
        .await;
    assert_eq!(out.status, 303);
    assert!(out.header("set-cookie").unwrap().contains("=; Max-Age=0;"));
    assert_eq!(look(&daemon, &[&cookie]).await.status, 401);
}

#[tokio::test]
async fn a_session_may_no_more_than_its_token_and_ends_after_twelve_hours() {
    let keys = Keys::new();
    let daemon = keys.daemon(&[]);
    let cookie = cookie(&sign_in(&daemon, &keys.read, &[]).await);

    let page = look(&daemon, &[&cookie]).await;
    assert!(
        !page.text().contains("refresh_all"),
        "no button that would be refused"
    );
    let asked = request("POST", "/refresh_all", &[&cookie], b"");
    let refused = daemon.ask(&asked).await;
    assert_eq!(refused.status, 403);
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert_eq!(
        detail,
        "the token allows to look (scope read), this needs one that allows to register and \
         deregister instances (scope register)"
    );

    daemon.advance(Span::from_secs(12 * 3_600 - 60));
    assert_eq!(look(&daemon, &[&cookie]).await.status, 200);
    daemon.advance(Span::from_secs(60));
    assert_eq!(look(&daemon, &[&cookie]).await.status, 401);
}

#[tokio::test]
async fn a_wrong_token_is_told_on_the_form_and_begins_nothing() {
    let keys = Keys::new();
    let daemon = keys.daemon(&[]);
    for wrong in [
        "",
        "x",
        &keys.revoked,
        &format!("{}0", keys.admin),
        "%00",
        "%ff",
    ] {
        let reply = sign_in(&daemon, wrong, &[]).await;

        assert_eq!(reply.status, 401, "{wrong}");
        assert_eq!(reply.header("set-cookie"), None);
        assert!(reply.text().contains("role=\"alert\""), "{}", reply.text());
    }
    let spaces = sign_in(&daemon, &format!("+{}%0d%0a", keys.read), &[]).await;
    assert_eq!(
        spaces.status, 303,
        "what is pasted may have blanks around it"
    );
}

#[tokio::test]
async fn another_site_cannot_sign_a_browser_in() {
    let keys = Keys::new();
    let daemon = keys.daemon(&[]);

    for origin in ["Sec-Fetch-Site: cross-site", "Origin: https://evil.example"] {
        let reply = sign_in(&daemon, &keys.read, &[origin]).await;

        assert_eq!(reply.status, 403, "{origin}");
        assert_eq!(reply.header("set-cookie"), None);
    }
}

#[tokio::test]
async fn under_tls_of_a_trusted_proxy_the_cookie_is_secure() {
    let keys = Keys::new();
    let daemon = keys.daemon(&[("trusted-proxy", "127.0.0.1")]);
    let set = |reply: &Reply| reply.header("set-cookie").unwrap().to_owned();

    let tls = sign_in(&daemon, &keys.read, &["X-Forwarded-Proto: https"]).await;
    let clear = sign_in(&daemon, &keys.read, &["X-Forwarded-Proto: http"]).await;

    assert!(set(&tls).ends_with("; SameSite=Strict; Secure"));
    assert!(set(&clear).ends_with("; SameSite=Strict"));
}

#[tokio::test]
async fn without_tokens_there_is_nothing_to_sign_in_to() {
    let daemon = Daemon::start();

    for method in ["GET", "POST"] {
        let reply = daemon.send(method, "/sign-in", "").await;

        assert_eq!((reply.status, reply.header("location")), (303, Some("./")));
    }
    assert!(!look(&daemon, &[]).await.text().contains("sign-"));
}

#[tokio::test]
async fn with_anonymous_read_the_page_offers_to_sign_in() {
    let keys = Keys::new();
    let daemon = keys.daemon(&[("anonymous-read", "true")]);

    let page = look(&daemon, &["Cookie: lastbeat-0=stale"]).await;

    assert_eq!(page.status, 200);
    assert!(page.text().contains("href=\"sign-in\"") && !page.text().contains("refresh_all"));
}

#[tokio::test]
async fn who_may_not_look_learns_of_the_daemon_that_it_lives() {
    let keys = Keys::new();
    let daemon = keys.daemon(&[]);

    let stranger = daemon.send("GET", "/healthz", "").await.json();
    let reader = daemon
        .ask(&request("GET", "/healthz", &[&bearer(&keys.read)], b""))
        .await
        .json();

    assert_eq!(stranger, serde_json::json!({"status": "ok"}));
    assert!(
        reader["store"]["writing"] == true && reader["notices"].is_array(),
        "{reader}"
    );
}

#[tokio::test]
async fn a_device_says_goodbye_for_itself_but_not_for_a_whole_service() {
    let keys = Keys::new();
    let daemon = keys.daemon(&[]);
    let token = bearer(&keys.register);
    let body = br#"{"name":"api","ip":"192.0.2.7"}"#;
    daemon
        .ask(&request("POST", "/register", &[&token], body))
        .await;

    let whole = daemon
        .ask(&request("DELETE", "/services/api", &[&token], b""))
        .await;
    let form = daemon
        .ask(&request("POST", "/deregister/api", &[&token], b""))
        .await;
    let own = request("DELETE", "/services/api?instance=192.0.2.7", &[&token], b"");
    let own = daemon.ask(&own).await;

    assert_eq!((whole.status, form.status, own.status), (403, 403, 200));
    assert!(
        whole.json()["detail"]
            .as_str()
            .unwrap()
            .contains("scope admin")
    );
}

#[tokio::test]
async fn tokens_in_clear_text_are_told_on_the_page_and_by_healthz() {
    let keys = Keys::new();
    let wide = ("listen", "0.0.0.0:5001");
    let header = bearer(&keys.admin);
    let asked = async |daemon: &Daemon, path: &str| {
        let request = request("GET", path, &[&header, "Accept: text/html"], b"");
        daemon.ask(&request).await.text()
    };

    let clear = keys.daemon(&[wide]);
    let covered = keys.daemon(&[wide, ("trusted-proxy", "10.0.0.1")]);

    for path in ["/", "/healthz", "/services"] {
        let text = asked(&clear, path).await;
        assert!(text.contains("tokens-in-clear"), "{text}");
        assert!(text.contains("give --tls-cert and --tls-key"), "{text}");
        let text = asked(&covered, path).await;
        assert!(!text.contains("tokens-in-clear"), "{text}");
    }
}
