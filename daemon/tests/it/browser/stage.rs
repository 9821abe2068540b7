//! A browser of one test's own, driven through a port that the system picks.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;

use super::program::{Running, line_behind, post};

/// The longest that anything on the page may take: a ttl, a period of the script, a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
    // Driven over a pipe, the browser ends with its driver, whatever ended that.
    "--remote-debugging-pipe",
];

/// A browser that looks at a page.
pub(crate) struct Stage {
    /// The browser.
    pub(crate) browser: Client,
    driver_address: String,
    profile: TempDir,
    _driver: Running,
}

impl Stage {
    /// A new browser at `url`, with scripts or without.
    pub(crate) async fn open(url: &str, with_script: bool) -> Self {
        Self::open_with(url, with_script, &[]).await
    }

    /// The same with more flags for the browser.
    pub(crate) async fn open_with(url: &str, with_script: bool, flags: &[&str]) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = driver.stdout.take().unwrap();
        let driver = Running(driver);
        let port = line_behind(stdout, "successfully on port ").await;
        let driver_address = format!("127.0.0.1:{}", port.trim_end_matches('.'));
        let profile = tempfile::tempdir().unwrap();
        let browser = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&profile, with_script, flags))
            .connect(&format!("http://{driver_address}"))
            .await
            .unwrap();
        browser.goto(url).await.unwrap();
        Self {
            browser,
            driver_address,
            profile,
            _driver: driver,
        }
    }

    /// The folder of this browser and of no other.
    pub(crate) fn profile(&self) -> &Path {
        self.profile.path()
    }

    /// Waits until the page has such an element.
    pub(crate) async fn sees(&self, css: &str) -> Element {
        let wait = self.browser.wait().at_most(PATIENCE);
        let found = wait.for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("{css}: {error}"))
    }

    /// Waits until such an element says `text`. A page that is left in this moment takes its
    /// elements along, so they are looked for again.
    pub(crate) async fn sees_text(&self, css: &str, text: &str) {
        let mut said = String::new();
        let sees = async {
            while !said.contains(text) {
                if let Ok(found) = self.sees(css).await.text().await {
                    said = found;
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, sees).await;
        assert!(in_time.is_ok(), "{css} never says {text:?}, but {said:?}");
    }

    /// Clicks such an element, on the page that is there to stay.
    pub(crate) async fn clicks(&self, css: &str) {
        let click = async { while self.sees(css).await.click().await.is_err() {} };
        let in_time = tokio::time::timeout(PATIENCE, click).await;
        assert!(in_time.is_ok(), "{css} cannot be clicked");
    }

    /// Nothing was refused by the page's policy, and no script failed.
    pub(crate) async fn ends_clean(self) {
        let session = self.browser.session_id().await.unwrap().unwrap();
        let path = format!("/session/{session}/se/log");
        let log = post(&self.driver_address, &path, r#"{"type":"browser"}"#).await;
        assert!(log.ends_with(r#"{"value":[]}"#), "{log}");
        self.browser.close().await.unwrap();
    }
}

fn capabilities(profile: &TempDir, with_script: bool, more: &[&str]) -> Capabilities {
    let flags = FLAGS.iter().chain(more);
    let mut flags: Vec<String> = flags.map(|&flag| flag.to_owned()).collect();
    flags.push(format!("--user-data-dir={}", profile.path().display()));
    let scripts = if with_script { 1 } else { 2 };
    let options = json!({
        "args": flags,
        "prefs": { "profile.managed_default_content_settings.javascript": scripts },
    });
    let mut capabilities = Capabilities::new();
    capabilities.insert("goog:chromeOptions".to_owned(), options);
    capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
    capabilities
}
