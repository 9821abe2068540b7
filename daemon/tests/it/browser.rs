//! The dashboard in a real browser: Debian's chromium, driven through its own chromedriver.

mod access;
mod attack;
mod attacker;
mod forms;
mod keys;
mod live;
mod looks;
mod notices;
mod place;
mod program;
mod proxy;
mod scenes;
mod sessions;
mod stage;
mod victim;

use fantoccini::Locator;

use lastbeat_proto::ServiceName;
use lastbeat_proto::path::encode;
use serde_json::{Value, json};

use self::program::Daemon;
use self::proxy::Proxy;
use self::stage::{PATIENCE, Stage};
use crate::payloads::payloads;

/// A row's link, by its name.
fn link(name: &str) -> String {
    format!("tbody a[href='s/{name}']")
}

async fn names(stage: &Stage) -> Vec<String> {
    let mut names = Vec::new();
    let found = stage
        .browser
        .find_all(Locator::Css("tbody th > a:first-child"));
    for link in found.await.unwrap() {
        names.push(link.text().await.unwrap());
    }
    names
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn a_registration_and_a_death_appear_by_themselves() {
    let daemon = Daemon::start().await;
    let stage = Stage::open(&daemon.url, true).await;
    stage.sees("#empty").await;

    daemon
        .post("/register", r#"{"name":"brief","ip":"10.0.0.1","ttl_s":2}"#)
        .await;

    stage.sees(&link("brief")).await;
    stage.sees("tr.t-down").await;
    stage.sees(".conn.live").await;
    assert!(
        stage
            .browser
            .title()
            .await
            .unwrap()
            .starts_with("(1 down) lastbeat")
    );
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn refreshing_leaves_the_page_as_it_is() {
    let daemon = Daemon::start().await;
    daemon
        .post("/register", r#"{"name":"a","ip":"10.0.0.1"}"#)
        .await;
    let stage = Stage::open(&daemon.url, true).await;

    stage.clicks("[formaction$='refresh/a']").await;
    stage
        .sees("[formaction$='refresh/a']:not([aria-busy])")
        .await;
    stage.clicks(".btn-primary").await;
    stage.sees(".btn-primary:not([aria-busy])").await;

    assert_eq!(names(&stage).await, ["a"]);
    assert_eq!(
        stage.browser.current_url().await.unwrap().as_str(),
        daemon.url
    );
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn a_deregistration_is_asked_about_first() {
    let daemon = Daemon::start().await;
    daemon
        .post("/register", r#"{"name":"a","ip":"10.0.0.1"}"#)
        .await;
    daemon
        .post("/register", r#"{"name":"b","ip":"10.0.0.1"}"#)
        .await;
    let stage = Stage::open(&daemon.url, true).await;

    stage.clicks("tr:has(a[href$='s/a']) a[href*='ask=']").await;
    stage.sees(".confirm").await;
    assert_eq!(names(&stage).await, ["a", "b"]);
    stage.clicks(".confirm button").await;

    stage.sees("#g-a").await;
    assert_eq!(names(&stage).await, ["b"]);
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn an_error_stands_beside_its_button_until_it_is_dismissed() {
    let daemon = Daemon::start().await;
    daemon
        .post("/register", r#"{"name":"a","ip":"10.0.0.1"}"#)
        .await;
    let stage = Stage::open(&daemon.url, true).await;
    let script =
        "document.querySelector('tbody [formaction]').setAttribute('formaction', 'refresh/nobody')";

    stage
        .browser
        .execute(
            &format!("{script}; document.querySelector('tbody [formaction]').click()"),
            Vec::new(),
        )
        .await
        .unwrap();

    stage
        .sees_text("tbody .wrong", "nobody is not registered")
        .await;
    stage.clicks(".wrong button").await;
    stage.sees("tbody:not(:has(.wrong))").await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn every_action_works_without_a_script() {
    let daemon = Daemon::start().await;
    daemon
        .post("/register", r#"{"name":"team/a","ip":"10.0.0.1"}"#)
        .await;
    let stage = Stage::open(&daemon.url, false).await;

    stage.clicks(".btn-primary").await;
    stage.sees_text(".conn b", "Every 30 s").await;
    stage.clicks("[formaction$='refresh/team/a']").await;
    stage
        .clicks("tr:has(a[href$='s/team/a']) a[href*='ask=']")
        .await;
    stage.clicks(".confirm button").await;

    stage.sees("#empty").await;
    stage.sees("#g-team_2fa").await;
    assert_eq!(
        stage.browser.current_url().await.unwrap().as_str(),
        daemon.url
    );
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn filter_and_order_stand_in_the_address() {
    let daemon = Daemon::start().await;
    for (name, tag) in [("alpha", "x"), ("beta", "x"), ("gamma", "y")] {
        let body = format!(r#"{{"name":"{name}","ip":"10.0.0.1","tags":["{tag}"]}}"#);
        daemon.post("/register", &body).await;
    }
    let stage = Stage::open(&daemon.url, true).await;

    stage.clicks("tbody th > a + a").await;
    stage.sees("tbody tr:nth-child(2):last-child").await;
    stage.clicks("thead a[href*='sort=name']").await;
    stage.clicks("thead a[href*='sort=-name']").await;
    stage.sees("th[aria-sort='descending']").await;

    assert_eq!(names(&stage).await, ["beta", "alpha"]);
    let address = stage.browser.current_url().await.unwrap();
    assert_eq!(address.query(), Some("tag=x&sort=-name"));
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn a_lost_daemon_is_not_an_empty_registry() {
    let mut daemon = Daemon::start().await;
    daemon
        .post("/register", r#"{"name":"a","ip":"10.0.0.1"}"#)
        .await;
    let stage = Stage::open(&daemon.url, true).await;
    stage.sees(".conn.live").await;

    daemon.kill();

    stage.sees_text("#alert", "Lost contact since").await;
    stage.sees("#rest.stale").await;
    assert_eq!(names(&stage).await, ["a"]);

    daemon.start_again().await;

    stage.sees("#alert:empty").await;
    stage.sees("#rest:not(.stale)").await;
    assert_eq!(names(&stage).await, ["a"]);
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn ten_tabs_live_beside_each_other() {
    let daemon = Daemon::start().await;
    let stage = Stage::open(&daemon.url, true).await;
    let mut tabs = vec![stage.browser.window().await.unwrap()];
    for _ in 1..10 {
        let tab = stage.browser.new_window(true).await.unwrap().handle;
        stage.browser.switch_to_window(tab.clone()).await.unwrap();
        stage.browser.goto(&daemon.url).await.unwrap();
        tabs.push(tab);
    }

    daemon
        .post("/register", r#"{"name":"late-comer","ip":"10.0.0.1"}"#)
        .await;

    for tab in tabs {
        stage.browser.switch_to_window(tab).await.unwrap();
        stage.sees(&link("late-comer")).await;
    }
    stage.clicks("[formaction$='refresh/late-comer']").await;
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium and nginx"]
async fn everything_works_under_a_path_of_a_proxy() {
    let daemon = Daemon::start().await;
    daemon
        .post("/register", r#"{"name":"team/a","ip":"10.0.0.1"}"#)
        .await;
    let proxy = Proxy::start(&daemon).await;
    let stage = Stage::open(&proxy.url, true).await;

    stage.clicks("[formaction$='refresh/team/a']").await;
    daemon
        .post("/register", r#"{"name":"b","ip":"10.0.0.1"}"#)
        .await;
    stage.sees(&link("b")).await;
    stage.clicks("tbody a[href='s/team/a']").await;
    stage.sees("h1").await;
    stage.clicks(".actions a[href*='ask=']").await;
    stage.clicks(".confirm button").await;
    stage.sees("#g-team_2fa").await;
    stage.clicks(".navbar-brand").await;
    stage.sees(&link("b")).await;

    let outside = |path: &&String| !path.starts_with("/registry/");
    let asked = proxy.asked();
    assert_eq!(asked.iter().find(outside), None);
    stage.ends_clean().await;
}

/// What a page that was taken over would show: a mark that every payload sets, an open dialog, a
/// request to somewhere else.
async fn nothing_ran(stage: &Stage, what: &str) {
    let script = "return [window.__ran === undefined, document.scripts.length, \
        performance.getEntriesByType('resource').every(e => e.name.startsWith(location.origin))]";
    let found = stage.browser.execute(script, Vec::new()).await.unwrap();
    assert_eq!(found, json!([true, 1, true]), "{what}");
    assert!(stage.browser.get_alert_text().await.is_err(), "{what}");
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn no_text_runs_in_a_browser() {
    let mut daemon = Daemon::start().await;
    let all = payloads();
    let texts: Vec<String> = all.iter().map(|payload| payload.text.clone()).collect();
    let is_name = |text: &&String| ServiceName::parse(text).is_ok();
    let names: Vec<&String> = texts.iter().filter(is_name).collect();
    for name in &names {
        let body = json!({ "name": name, "instance": name, "ip": "10.0.0.1" });
        daemon.post("/register", &body.to_string()).await;
    }
    daemon
        .post("/register", r#"{"name":"meddled","ip":"10.0.0.1"}"#)
        .await;
    daemon.kill();
    // What no registration could hold is written behind its back.
    let pairs: serde_json::Map<String, Value> = texts
        .iter()
        .map(|text| (text.clone(), json!(text)))
        .collect();
    let connection = rusqlite::Connection::open(daemon.db()).unwrap();
    connection
        .execute(
            "update instances set tags = ?1, metadata = ?2 where name = 'meddled'",
            [json!(texts).to_string(), Value::Object(pairs).to_string()],
        )
        .unwrap();
    connection.close().unwrap();
    daemon.start_again().await;
    let stage = Stage::open(&daemon.url, true).await;
    let title = stage.browser.title().await.unwrap();

    for name in &names {
        let script = "return [...document.querySelectorAll('tbody th > a:first-child')]\
            .some(link => link.textContent === arguments[0])";
        let shown = stage
            .browser
            .execute(script, vec![json!(name)])
            .await
            .unwrap();
        assert_eq!(shown, json!(true), "{name}");
    }
    nothing_ran(&stage, "the list").await;
    for name in names.into_iter().map(String::as_str).chain(["meddled"]) {
        let page = format!("{}s/{}", daemon.url, encode(name));
        stage.browser.goto(&page).await.unwrap();
        assert_eq!(stage.sees("h1").await.text().await.unwrap(), name);
        nothing_ran(&stage, name).await;
    }
    // The last page is that of the one who has all of them; what hides is written out instead.
    for text in all.iter().filter(|payload| payload.hidden().is_none()) {
        let is_shown = "['dt', 'dd', '.tag'].every(css => [...document.querySelectorAll(css)]\
            .some(one => one.textContent === arguments[0]))";
        let shown = stage.says(is_shown, &text.text).await;
        assert_eq!(shown, json!(true), "{}", text.what);
    }
    stage.browser.goto(&daemon.url).await.unwrap();
    let tags = "[...document.querySelectorAll(\"tr:has([href='s/meddled']) th a + a\")].length";
    assert_eq!(stage.says(tags, "").await, json!(all.len()));
    nothing_ran(&stage, "all tags in the list").await;
    assert_eq!(stage.browser.title().await.unwrap(), title);
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn a_browser_ends_with_its_test_whatever_ended_that() {
    let daemon = Daemon::start().await;
    let stage = Stage::open(&daemon.url, true).await;
    let profile = stage.profile().display().to_string();
    assert!(runs_with(&profile));

    // What a panic does: nobody says goodbye to the browser.
    drop(stage);

    let gone = async {
        while runs_with(&profile) {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, gone).await;
    assert!(in_time.is_ok(), "chromium runs on");
}

/// Whether a program runs that was told this.
fn runs_with(argument: &str) -> bool {
    let programs = std::fs::read_dir("/proc").unwrap();
    programs.flatten().any(|program| {
        // Most of what lies there is no program, and some end while they are looked at.
        let line = std::fs::read(program.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(argument)
    })
}
