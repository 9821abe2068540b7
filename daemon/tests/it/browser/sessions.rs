//! Sessions that end while the page is open: the page says that nobody is signed in, and takes
//! neither for an empty registry nor for a lost daemon.

use lastbeat_proto::Span;
use lastbeatd::token::{self, Tokens};

use super::stage::Stage;
use crate::daemon::Daemon;
use crate::keys::{Keys, bearer};
use crate::raw::request;

/// How long a session lasts.
const SESSION: Span = Span::from_secs(12 * 3_600);

/// A daemon with a service that lives on for days, and its dashboard's address.
async fn registry(keys: &Keys, settings: &[(&'static str, &str)]) -> (Daemon, String) {
    let daemon = keys.daemon(settings);
    let token = bearer(&keys.register);
    let body = br#"{"name":"a","ip":"10.0.0.1","ttl_s":864000}"#;
    let asked = request("POST", "/register", &[&token], body);
    assert_eq!(daemon.ask(&asked).await.status, 200);
    let url = format!("http://{}/", daemon.addr);
    (daemon, url)
}

async fn sign_in(stage: &Stage, token: &str) {
    stage.sees("#token").await.send_keys(token).await.unwrap();
    stage.clicks("form button").await;
    stage.sees("form[action='sign-out']").await;
    stage.sees("[formaction$='refresh/a']").await;
}

/// The form, and nothing that could be taken for the registry.
async fn is_signed_out(stage: &Stage) {
    stage.sees("#token").await;
    stage
        .sees("body:not(:has(#rest, #empty, #alert, [role='alert']))")
        .await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn a_page_whose_session_ends_asks_for_a_token_again() {
    let keys = Keys::new();
    for with_script in [true, false] {
        let (daemon, url) = registry(&keys, &[]).await;
        let stage = Stage::open(&url, with_script).await;
        sign_in(&stage, &keys.admin).await;

        daemon.advance(SESSION);

        if !with_script {
            stage.clicks(".btn-primary").await;
        }
        is_signed_out(&stage).await;
        sign_in(&stage, &keys.admin).await;
        assert_eq!(stage.browser.current_url().await.unwrap().as_str(), url);
    }
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn a_page_whose_token_is_revoked_asks_for_another() {
    for (with_script, place) in [(true, ""), (true, "s/a"), (false, "")] {
        let keys = Keys::new();
        let (daemon, url) = registry(&keys, &[]).await;
        let stage = Stage::open(&url, with_script).await;
        sign_in(&stage, &keys.admin).await;
        stage.browser.goto(&format!("{url}{place}")).await.unwrap();
        stage.sees("[formaction$='refresh/a']").await;

        let tokens = Tokens::read(&keys.path).unwrap();
        token::revoke(&keys.path, &tokens.find(&keys.admin).unwrap().id).unwrap();
        daemon.reload.notify_one();

        if !with_script {
            stage.clicks("tr:has(a[href$='s/a']) a[href*='ask=']").await;
        }
        is_signed_out(&stage).await;
        sign_in(&stage, &keys.register).await;
    }
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn where_anyone_may_look_a_page_whose_session_ends_goes_on_without_buttons() {
    let keys = Keys::new();
    for place in ["", "s/a"] {
        let (daemon, url) = registry(&keys, &[("anonymous-read", "true")]).await;
        let stage = Stage::open(&format!("{url}sign-in"), true).await;
        sign_in(&stage, &keys.admin).await;
        stage.browser.goto(&format!("{url}{place}")).await.unwrap();
        stage.sees("form[action$='sign-out']").await;

        daemon.advance(SESSION);

        stage.sees("a[href$='sign-in']").await;
        stage
            .sees("body:not(:has(form[action$='sign-out'], .btn-primary))")
            .await;
        stage.sees("#rest:not(.stale) i").await;
    }
}
