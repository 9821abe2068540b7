//! A browser of one test's own, driven through a port that the system picks.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::program::{Running, line_behind, post};

/// The longest that anything on the page may take: a ttl, a period of the script, a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
/// Keys without a letter (W3C `WebDriver`, "keyboard actions").
pub(crate) const TAB: char = '\u{e004}';
pub(crate) const ENTER: char = '\u{e007}';
pub(crate) const ESCAPE: char = '\u{e00c}';
/// What a browser logs where nobody listens.
pub(crate) const REFUSED: &str = "net::ERR_CONNECTION_REFUSED";
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

    /// Presses these keys one after another, wherever the focus is.
    pub(crate) async fn presses(&self, keys: &str) {
        let mut actions = KeyActions::new("keyboard".to_owned());
        for value in keys.chars() {
            actions = actions
                .then(KeyAction::Down { value })
                .then(KeyAction::Up { value });
        }
        self.browser.perform_actions(actions).await.unwrap();
    }

    /// Goes on by the tabulator until the focus is on such an element.
    pub(crate) async fn tabs_to(&self, css: &str) {
        const MOST_STEPS: usize = 60;
        for _ in 0..MOST_STEPS {
            if self
                .says("document.activeElement.matches(arguments[0])", css)
                .await
                == json!(true)
            {
                return;
            }
            self.presses(&TAB.to_string()).await;
        }
        panic!("{css} is not reached by the keyboard");
    }

    /// What an expression about the page comes to; `argument` is its `arguments[0]`.
    pub(crate) async fn says(&self, expression: &str, argument: &str) -> Value {
        let script = format!("return {expression}");
        let arguments = vec![json!(argument)];
        self.browser.execute(&script, arguments).await.unwrap()
    }

    /// Waits until an expression about the page is true.
    pub(crate) async fn holds(&self, expression: &str) {
        let script = format!("return Boolean({expression})");
        let holds = async {
            // Between two pages there is none to ask.
            while !matches!(
                self.browser.execute(&script, Vec::new()).await,
                Ok(Value::Bool(true))
            ) {}
        };
        let in_time = tokio::time::timeout(PATIENCE, holds).await;
        assert!(in_time.is_ok(), "never true: {expression}");
    }

    /// An order of the Chrome `DevTools` Protocol, for what `WebDriver` cannot do.
    pub(crate) async fn tell(&self, order: &str, parameters: Value) {
        let body = json!({ "cmd": order, "params": parameters }).to_string();
        let answer = self.ask("goog/cdp/execute", &body).await;
        assert!(answer.contains(" 200 "), "{order}: {answer}");
    }

    /// Makes the page believe in a medium and in features of it, such as a dark color scheme.
    pub(crate) async fn emulates(&self, media: &str, features: &[(&str, &str)]) {
        let features: Vec<Value> = features
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        let parameters = json!({ "media": media, "features": features });
        self.tell("Emulation.setEmulatedMedia", parameters).await;
    }

    /// Makes the window so many pixels wide, as a telephone's where it is narrow.
    pub(crate) async fn is_wide(&self, width: u32) {
        let parameters =
            json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.tell("Emulation.setDeviceMetricsOverride", parameters)
            .await;
    }

    /// Nothing was refused by the page's policy, and no script failed.
    pub(crate) async fn ends_clean(self) {
        self.ends_with(&[]).await;
    }

    /// The same but for lines of the browser's log that have one of these words: what a test has
    /// made to happen.
    pub(crate) async fn ends_with(self, words: &[&str]) {
        let answer = self.ask("se/log", r#"{"type":"browser"}"#).await;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut log: Value = serde_json::from_str(body).unwrap();
        let lines = log["value"].as_array_mut().unwrap();
        lines.retain(|line| {
            let said = line["message"].as_str().unwrap();
            !words.iter().any(|word| said.contains(word))
        });
        assert!(lines.is_empty(), "{lines:?}");
        self.browser.close().await.unwrap();
    }

    /// The whole answer of the driver to an order about this browser.
    async fn ask(&self, order: &str, body: &str) -> String {
        let session = self.browser.session_id().await.unwrap().unwrap();
        let path = format!("/session/{session}/{order}");
        post(&self.driver_address, &path, body).await
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
