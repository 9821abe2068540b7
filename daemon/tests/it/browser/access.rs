//! Every page in every state is right as markup and can be used by everybody: html-validate and
//! axe-core find nothing.

use serde_json::{Value, json};

use super::program::Daemon;
use super::scenes::{Scene, Scenes};
use super::stage::{REFUSED, Stage};
use crate::npm;

/// How a page may be looked at.
const LOOKS: [(&str, u32); 3] = [("light", 1_280), ("dark", 1_280), ("light", 360)];

/// axe-core's complaints about the page as it stands, each with its first element.
async fn complaints(stage: &Stage) -> Vec<String> {
    let there = stage.says("typeof axe", "").await;
    if there == json!("undefined") {
        stage
            .browser
            .execute(&npm::axe(), Vec::new())
            .await
            .unwrap();
    }
    let script = "const done = arguments[arguments.length - 1];\
        axe.run().then(found => done(found.violations), error => done([String(error)]))";
    let found = stage.browser.execute_async(script, Vec::new()).await;
    let found: Vec<Value> = serde_json::from_value(found.unwrap()).unwrap();
    found
        .iter()
        .map(|one| format!("{}: {}", one["id"], one["nodes"][0]["html"]))
        .collect()
}

/// Nothing is complained about, whatever the page looks like, and it needs no sideways scrolling.
async fn is_usable(stage: &Stage, what: &str) {
    for (scheme, width) in LOOKS {
        stage.is_wide(width).await;
        stage
            .emulates("screen", &[("prefers-color-scheme", scheme)])
            .await;

        let found = complaints(stage).await;

        assert!(found.is_empty(), "{what}, {scheme}, {width}: {found:?}");
        let sideways =
            "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(stage.says(sideways, "").await, json!(0), "{what}, {width}");
    }
}

#[tokio::test]
#[ignore = "needs nodejs and npm"]
async fn no_page_has_an_error_of_markup() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for (what, text) in Scenes::new().await.texts().await {
        assert!(text.starts_with("<!DOCTYPE html>"), "{what}: {text}");
        let name = format!("{}.html", what.replace([' ', ','], "-"));
        std::fs::write(folder.path().join(name), text).unwrap();
        count += 1;
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), count);

    let errors = npm::html_errors(folder.path());

    assert!(errors.is_empty(), "{errors}");
    std::fs::write(folder.path().join("wrong.html"), "<p><b>no</p>").unwrap();
    assert!(npm::html_errors(folder.path()).contains("wrong.html"));
}

#[tokio::test]
#[ignore = "needs chromium, nodejs and npm"]
async fn everybody_can_use_every_page() {
    let scenes = Scenes::new().await;
    let all = scenes.all().await;
    let stage = Stage::open(&all[0].url, true).await;
    for Scene { what, url } in all {
        stage.browser.goto(&url).await.unwrap();

        is_usable(&stage, what).await;
    }

    let script = "document.body.innerHTML = '<img src=x>'";
    stage.browser.execute(script, Vec::new()).await.unwrap();
    let found = complaints(&stage).await;
    assert!(
        found.iter().any(|one| one.contains("image-alt")),
        "{found:?}"
    );
    // The pages of problems are answered with their status, there is no picture at x, and a form
    // for a token has no field for a name, which the browser would recommend.
    let made = ["404", "401", "username fields"];
    stage.ends_with(&made).await;
}

#[tokio::test]
#[ignore = "needs chromium, nodejs and npm"]
async fn everybody_can_use_what_the_script_shows() {
    let mut daemon = Daemon::start().await;
    daemon
        .post("/register", r#"{"name":"a","ip":"10.0.0.1"}"#)
        .await;
    let stage = Stage::open(&daemon.url, true).await;
    stage.sees(".conn.live").await;
    stage.presses("?").await;
    stage.sees("dialog[open]").await;
    is_usable(&stage, "the list of keys").await;
    stage.clicks("dialog button").await;

    daemon.kill();

    stage.sees("#rest.stale").await;
    is_usable(&stage, "a lost daemon").await;
    stage.clicks("tbody [formaction]").await;
    stage.sees("tbody .wrong").await;
    is_usable(&stage, "an action that failed").await;
    stage.ends_with(&[REFUSED]).await;
}
