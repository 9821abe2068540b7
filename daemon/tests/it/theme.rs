//! The operator's style sheet: on every page, behind our own, and read again when told.

use std::fs;

use serde_json::Value;

use crate::daemon::Daemon;
use crate::keys::{Keys, bearer};
use crate::program::{command, end};
use crate::raw::{Reply, request};

const HTML: &str = "Accept: text/html";
const OURS: &str = "assets/app.css\">";
const THEIRS: &str = "assets/theme.css\">";

async fn get(daemon: &Daemon, path: &str, headers: &[&str]) -> Reply {
    daemon.ask(&request("GET", path, headers, b"")).await
}

#[tokio::test]
async fn every_page_loads_the_operators_style_sheet_behind_our_own() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("my.css");
    fs::write(&file, "body{color:red}").unwrap();
    let file = file.display().to_string();
    let keys = Keys::new();
    let token = bearer(&keys.admin);
    let daemon = keys.daemon(&[("theme-css", &file)]);
    let body = br#"{"name":"a","ip":"192.0.2.7"}"#;
    let registered = request("POST", "/register", &[&token], body);
    assert_eq!(daemon.ask(&registered).await.status, 200);

    for (path, headers, status) in [
        ("/", &[HTML, &token][..], 200),
        ("/s/a", &[HTML, &token], 200),
        ("/s/nobody", &[HTML, &token], 404),
        ("/sign-in", &[HTML], 200),
        ("/", &[HTML], 401),
    ] {
        let page = get(&daemon, path, headers).await;

        assert_eq!(page.status, status, "{path}");
        let text = page.text();
        let (before, _) = text.split_once(THEIRS).unwrap_or_else(|| panic!("{text}"));
        assert!(before.contains(OURS), "{text}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("style-src 'self';"), "{policy}");
    }
    let css = get(&daemon, "/assets/theme.css", &[]).await;
    let tag = format!("If-None-Match: {}", css.header("etag").unwrap());
    let again = get(&daemon, "/assets/theme.css", &[&tag]).await;
    assert_eq!((css.status, css.text().as_str()), (200, "body{color:red}"));
    assert_eq!(css.header("content-type"), Some("text/css; charset=utf-8"));
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn without_one_no_page_names_it_and_it_is_not_there() {
    let daemon = Daemon::start();

    for path in ["/", "/s/nobody"] {
        let page = get(&daemon, path, &[HTML]).await.text();
        assert!(page.contains(OURS) && !page.contains("theme.css"), "{page}");
    }
    assert_eq!(get(&daemon, "/assets/theme.css", &[]).await.status, 404);
}

#[tokio::test]
async fn a_new_style_sheet_is_taken_when_told_and_a_bad_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("my.css");
    fs::write(&file, "old").unwrap();
    let path = file.display().to_string();
    let daemon = Daemon::start_with(&[("theme-css", &path)]);
    let css = async || get(&daemon, "/assets/theme.css", &[]).await.text();
    let until_notice = async |stands: bool| {
        loop {
            let list = get(&daemon, "/services", &[]).await.json();
            let mut all = list["notices"].as_array().unwrap().iter();
            let found = all.find(|notice| notice["kind"] == "theme-not-reloaded");
            if found.is_some() == stands {
                return found.map_or(Value::Null, |notice| notice["text"].clone());
            }
        }
    };
    assert_eq!(css().await, "old");

    fs::remove_file(&file).unwrap();
    daemon.reload.notify_one();
    let text = until_notice(true).await.to_string();
    assert!(
        text.contains("cannot read") && text.contains("--theme-css"),
        "{text}"
    );
    assert!(text.contains("of before stays in use"), "{text}");
    assert_eq!(css().await, "old");

    fs::write(&file, "new").unwrap();
    daemon.reload.notify_one();
    until_notice(false).await;
    assert_eq!(css().await, "new");
}

#[test]
fn no_daemon_starts_with_a_style_sheet_that_is_not_there_or_too_large() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("large.css"), vec![b' '; (1 << 20) + 1]).unwrap();
    for (file, words) in [
        ("nowhere.css", "cannot read"),
        ("large.css", "1048576 bytes"),
    ] {
        let start = ["--listen", "127.0.0.1:0", "--theme-css", file];

        let (code, said) = end(command(dir.path(), &start));

        assert_eq!(code, 2, "{said}");
        assert!(
            said.contains(words) && said.contains("--theme-css"),
            "{said}"
        );
        assert!(!dir.path().join("monitoring.db").exists());
    }
}
