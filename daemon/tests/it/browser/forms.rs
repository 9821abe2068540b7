//! Our own forms, all of them: by a plain name of the network and under TLS of a proxy, with
//! scripts and without, with tokens and without.

use std::time::Duration;

use tempfile::TempDir;

use super::proxy::Proxy;
use super::stage::Stage;
use super::victim::{Answered, answers, is_write};
use crate::authority::Authority;
use crate::keys::{Keys, bearer};
use crate::program::Program;
use crate::raw::{Raw, request};

/// How long a request of the page may take to be answered.
const PATIENCE: Duration = Duration::from_secs(15);
/// Scripts, and tokens.
const WAYS: [(bool, bool); 4] = [(true, false), (false, false), (true, true), (false, true)];

/// A real daemon with two services that logs what it answers.
struct Registry {
    program: Program,
    keys: Option<Keys>,
    lines: Vec<String>,
    _dir: TempDir,
}

impl Registry {
    async fn new(has_tokens: bool, settings: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = has_tokens.then(Keys::new);
        let file = keys.as_ref().map(|keys| keys.path.display().to_string());
        let mut arguments = vec!["--log-level", "debug", "--ttl", "1d"];
        arguments.extend(settings);
        if let Some(file) = &file {
            arguments.extend(["--tokens", file]);
        }
        let program = Program::start(dir.path(), &arguments);
        let token = keys.as_ref().map(|keys| bearer(&keys.register));
        let headers: Vec<&str> = token.iter().map(String::as_str).collect();
        for name in ["team/a", "b"] {
            let body = format!(r#"{{"name":"{name}","ip":"10.0.0.1"}}"#);
            let asked = request("POST", "/register", &headers, body.as_bytes());
            let reply = Raw::open(program.addr).await.ask(&asked).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
        }
        Self {
            program,
            keys,
            lines: Vec::new(),
            _dir: dir,
        }
    }

    /// What was asked to be changed, and the answers.
    fn changes(&mut self) -> Vec<Answered> {
        self.lines.extend(self.program.lines());
        let mut changes = answers(&self.lines);
        // The services themselves have registered.
        changes.retain(|(asked, _)| is_write(asked) && asked != "POST /register");
        changes
    }

    /// Waits until this was asked for by the page, last of all.
    async fn hears(&mut self, last: &str) {
        let heard = async {
            while self.changes().last().is_none_or(|(asked, _)| asked != last) {
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, heard).await;
        assert!(in_time.is_ok(), "{last} is not heard: {:?}", self.changes());
    }

    /// Sends every form of the page that `stage` shows.
    async fn every_form(&mut self, stage: &Stage, with_script: bool) {
        let token = self.keys.as_ref().map(|keys| keys.register.clone());
        if let Some(token) = &token {
            stage.sees("#token").await.send_keys(token).await.unwrap();
            stage.clicks("form button").await;
            self.hears("POST /sign-in").await;
        }
        stage.clicks("[formaction$='refresh/team/a']").await;
        self.hears("POST /refresh/team/a").await;
        stage.clicks(".btn-primary:not([aria-busy])").await;
        self.hears("POST /refresh_all").await;
        stage
            .clicks("tr:has(a[href$='s/team/a']) a[href*='ask=']")
            .await;
        stage.clicks(".confirm button").await;
        stage.sees("#g-team_2fa").await;
        stage.sees("[formaction$='refresh/b']").await;
        if token.is_some() {
            stage.clicks("form[action='sign-out'] button").await;
            stage.sees("#token").await;
        }

        let answer = if with_script { 200 } else { 303 };
        let mut expected = vec![
            ("POST /refresh/team/a", answer),
            ("POST /refresh_all", answer),
            ("POST /deregister/team/a?instance=10.0.0.1", answer),
        ];
        if token.is_some() {
            // These two lead to another page.
            expected.insert(0, ("POST /sign-in", 303));
            expected.push(("POST /sign-out", 303));
        }
        let changes = self.changes();
        let changes: Vec<_> = changes.iter().map(|(a, s)| (a.as_str(), *s)).collect();
        assert_eq!(changes, expected);
    }
}

/// Where the browser is; a script leaves behind what was asked last.
async fn place(stage: &Stage) -> String {
    let mut url = stage.browser.current_url().await.unwrap();
    url.set_query(None);
    url.to_string()
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn every_form_works_by_a_plain_name_of_the_network() {
    for (with_script, has_tokens) in WAYS {
        let mut registry = Registry::new(has_tokens, &[]).await;
        let url = format!("http://registry.lan:{}/", registry.program.addr.port());
        let flags = ["--host-resolver-rules=MAP registry.lan 127.0.0.1"];
        let stage = Stage::open_with(&url, with_script, &flags).await;

        registry.every_form(&stage, with_script).await;

        assert_eq!(place(&stage).await, url);
    }
}

#[tokio::test]
#[ignore = "needs chromium and nginx"]
async fn every_form_works_under_tls_and_a_path_of_a_proxy() {
    let authority = Authority::new();
    for (with_script, has_tokens) in WAYS {
        let mut registry = Registry::new(has_tokens, &["--trusted-proxy", "127.0.0.1/32"]).await;
        let upstream = format!("http://{}/", registry.program.addr);
        let proxy = Proxy::start_with_tls(&upstream, &authority).await;
        let flags = ["--ignore-certificate-errors"];
        let stage = Stage::open_with(&proxy.url, with_script, &flags).await;

        registry.every_form(&stage, with_script).await;

        assert_eq!(place(&stage).await, proxy.url);
        let outside = |path: &&String| !path.starts_with("/registry/");
        assert_eq!(proxy.asked().iter().find(outside), None);
    }
}

#[tokio::test]
#[ignore = "needs chromium and nginx"]
async fn under_tls_of_a_proxy_the_cookie_stays_in_its_path_and_under_tls() {
    let authority = Authority::new();
    let registry = Registry::new(true, &["--trusted-proxy", "127.0.0.1/32"]).await;
    let upstream = format!("http://{}/", registry.program.addr);
    let proxy = Proxy::start_with_tls(&upstream, &authority).await;
    let stage = Stage::open_with(&proxy.url, true, &["--ignore-certificate-errors"]).await;
    let token = registry.keys.as_ref().unwrap().read.clone();

    stage.sees("#token").await.send_keys(&token).await.unwrap();
    stage.clicks("form button").await;
    stage.sees("form[action='sign-out']").await;

    let cookies = stage.browser.get_all_cookies().await.unwrap();
    let [cookie] = &cookies[..] else {
        panic!("{cookies:?}")
    };
    assert_eq!(
        (cookie.secure(), cookie.http_only()),
        (Some(true), Some(true))
    );
    assert_eq!(
        cookie.same_site().map(|s| s.to_string()).as_deref(),
        Some("Strict")
    );
    assert_eq!(cookie.path(), Some("/registry"));
    assert!(!cookie.value().contains(&token));
}
