//! A headless Chromium, driven through chromedriver's HTTP interface (W3C `WebDriver`, with
//! `goog/cdp/execute` for what `WebDriver` cannot do: color scheme and narrow windows).

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::http;
use crate::running::Running;

/// One browser window.
pub(crate) struct Browser {
    driver: SocketAddr,
    session: String,
    _driver: Running,
}

/// What the page believes about its window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// `light` or `dark`.
    pub(crate) scheme: &'static str,
}

const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--disable-lcd-text",
    // Driven over a pipe, the browser ends with its driver, whatever ended that.
    "--remote-debugging-pipe",
];

impl Browser {
    /// Starts chromedriver on a free port and a browser with an empty profile in `folder`.
    ///
    /// # Errors
    /// When one of the two cannot be started.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let mut command = Command::new("chromedriver");
        command
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let (running, port) = Running::start(&mut command, |child| child.stdout.take(), port_in)?;
        let driver = SocketAddr::from(([127, 0, 0, 1], port));
        let mut flags: Vec<String> = FLAGS.iter().map(|&flag| flag.to_owned()).collect();
        flags.push(format!("--user-data-dir={}", folder.display()));
        let capabilities = json!({
            "capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": flags}}}
        });
        let answer = http::ask(driver, "POST", "/session", &capabilities)?;
        let session = answer
            .pointer("/value/sessionId")
            .and_then(Value::as_str)
            .context("chromedriver names no session")?
            .to_owned();
        Ok(Self {
            driver,
            session,
            _driver: running,
        })
    }

    /// Makes the window look so from the next page on.
    ///
    /// # Errors
    /// When the browser refuses.
    pub(crate) fn set_look(&self, look: Look) -> Result<()> {
        self.tell(
            "Emulation.setDeviceMetricsOverride",
            &json!({
                "width": look.width,
                "height": look.height,
                "deviceScaleFactor": 1,
                "mobile": look.width < 500,
            }),
        )?;
        self.tell(
            "Emulation.setEmulatedMedia",
            &json!({"features": [{"name": "prefers-color-scheme", "value": look.scheme}]}),
        )?;
        Ok(())
    }

    /// Opens a page and waits until it is loaded.
    ///
    /// # Errors
    /// When it does not load.
    pub(crate) fn open(&self, url: &str) -> Result<()> {
        self.ask("POST", "url", &json!({"url": url}))?;
        Ok(())
    }

    /// The window as a PNG.
    ///
    /// # Errors
    /// When the browser gives none.
    pub(crate) fn picture(&self) -> Result<Vec<u8>> {
        let answer = self.tell("Page.captureScreenshot", &json!({"format": "png"}))?;
        let text = answer
            .get("data")
            .and_then(Value::as_str)
            .context("the browser gives no picture")?;
        from_base64(text)
    }

    /// What a script in the page gives back.
    ///
    /// # Errors
    /// When it fails.
    pub(crate) fn says(&self, script: &str) -> Result<Value> {
        let body = json!({"script": script, "args": []});
        self.ask("POST", "execute/sync", &body)
    }

    fn tell(&self, order: &str, parameters: &Value) -> Result<Value> {
        let body = json!({"cmd": order, "params": parameters});
        self.ask("POST", "goog/cdp/execute", &body)
    }

    fn ask(&self, method: &str, order: &str, body: &Value) -> Result<Value> {
        let path = format!("/session/{}/{order}", self.session);
        let mut answer = http::ask(self.driver, method, &path, body)?;
        Ok(answer.get_mut("value").map(Value::take).unwrap_or_default())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser; chromedriver itself ends with its owner.
        let path = format!("/session/{}", self.session);
        drop(http::ask(self.driver, "DELETE", &path, &Value::Null));
    }
}

/// The port in `ChromeDriver was started successfully on port 12345.`
fn port_in(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("started successfully on port ")?;
    port.trim_end_matches('.').parse().ok()
}

/// Decodes base64 with padding (RFC 4648 §4).
fn from_base64(text: &str) -> Result<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut buffer: u32 = 0;
    let mut bits = 0;
    for letter in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter);
        let value = value.context("the picture is not base64")?;
        buffer = buffer << 6 | u32::try_from(value)?;
        bits += 6;
        if 8 <= bits {
            bits -= 8;
            bytes.push(u8::try_from(buffer >> bits & 0xff)?);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_what_chromedriver_says() {
        assert_eq!(
            port_in("ChromeDriver was started successfully on port 40123."),
            Some(40123)
        );
        assert_eq!(port_in("Starting ChromeDriver 1.2.3 on port 0"), None);
    }

    #[test]
    fn base64_is_decoded() {
        assert_eq!(from_base64("bGFzdGJlYXQ=").unwrap(), b"lastbeat");
        assert_eq!(from_base64("AAEC/w==").unwrap(), [0, 1, 2, 255]);
        assert!(from_base64("no*").is_err());
    }
}
