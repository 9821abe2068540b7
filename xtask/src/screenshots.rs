//! `cargo xtask screenshots`: the pictures of the README, taken from the real programs.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::browser::{Browser, Look};
use crate::fleet::{self, Fleet};
use crate::palette;
use crate::runner::call;
use crate::running::Running;
use crate::scratch::Scratch;
use crate::terminal::Terminal;
use crate::test::root;

/// One picture of the dashboard.
struct Picture {
    /// Its file.
    name: &'static str,
    /// What is opened, below the page's address.
    path: &'static str,
    look: Look,
}

const LAPTOP: Look = Look {
    width: 1_100,
    height: 760,
    scheme: "light",
};

/// Every picture of the page while the daemon serves.
const PICTURES: [Picture; 4] = [
    Picture {
        name: "dashboard-light.png",
        path: "",
        look: LAPTOP,
    },
    Picture {
        name: "dashboard-dark.png",
        path: "",
        look: Look {
            scheme: "dark",
            ..LAPTOP
        },
    },
    Picture {
        name: "dashboard-phone.png",
        path: "",
        look: Look {
            width: 360,
            height: 720,
            scheme: "light",
        },
    },
    Picture {
        name: "service.png",
        path: "s/search-indexer",
        look: LAPTOP,
    },
];

/// The page whose daemon has gone.
const LOST: Picture = Picture {
    name: "dashboard-lost.png",
    path: "",
    look: LAPTOP,
};

/// What is true in a page that has told of a lost daemon.
const TELLS_OF_LOSS: &str = "return document.querySelector('#alert').textContent !== ''";

/// How long a page may take to tell of it: two answers missed.
const LOSS_TOLD: Duration = Duration::from_secs(20);

/// Largest picture, in bytes: they stay in the repository for ever.
const MAX_PICTURE_BYTES: usize = 80_000;

/// How long the page's script may take to write the ages.
const SETTLING: Duration = Duration::from_millis(700);

/// The port that users know, where it is free.
const PORT: u16 = 5001;

/// Takes all pictures; with the address of a running dashboard, those of that one, into `target/`.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let root = root()?;
    let folder = Scratch::new(&root, "screenshots")?;
    if let [url] = arguments {
        let browser = Browser::start(&folder.path().join("profile"))?;
        photograph(&browser, url, &root.join("target"))?;
        return Ok(ExitCode::SUCCESS);
    }
    build()?;
    let (daemon, address) = start_daemon(&root, folder.path())?;
    let url = format!("http://{address}");
    let fleet = Fleet::start(address)?;
    println!(
        "waiting {} s until someone is late, DOWN and GONE",
        fleet::READY_AFTER.as_secs()
    );
    std::thread::sleep(fleet::READY_AFTER.saturating_sub(fleet.began.elapsed()));

    let pictures = root.join("docs/img");
    std::fs::create_dir_all(&pictures)?;
    type_off(&root, folder.path(), &url, &pictures)?;
    let browser = Browser::start(&folder.path().join("profile"))?;
    photograph(&browser, &url, &pictures)?;
    browser.set_look(LOST.look)?;
    browser.open(&url)?;
    drop(fleet);
    drop(daemon);
    wait_until(&browser, TELLS_OF_LOSS)?;
    save(&browser, LOST.name, &pictures)?;
    Ok(ExitCode::SUCCESS)
}

fn build() -> Result<()> {
    let status = call(&["build", "--release", "-p", "lastbeatd", "-p", "lastbeat"]).status()?;
    ensure!(status.success(), "the release build ended with {status}");
    Ok(())
}

fn start_daemon(root: &Path, folder: &Path) -> Result<(Running, SocketAddr)> {
    let is_free = TcpListener::bind(("127.0.0.1", PORT)).is_ok();
    let port = if is_free { PORT } else { 0 };
    let mut command = Command::new(root.join("target/release/lastbeatd"));
    command
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .args(["--remove-after", fleet::REMOVE_AFTER])
        .arg("--db")
        .arg(folder.join("monitoring.db"))
        .stderr(Stdio::piped());
    Running::start(
        &mut command,
        |child| child.stderr.take(),
        Running::address_in,
    )
}

fn photograph(browser: &Browser, url: &str, into: &Path) -> Result<()> {
    for Picture { name, path, look } in PICTURES {
        browser.set_look(look)?;
        browser.open(&format!("{}/{path}", url.trim_end_matches('/')))?;
        std::thread::sleep(SETTLING);
        save(browser, name, into)?;
    }
    Ok(())
}

/// Keeps what the window shows now.
fn save(browser: &Browser, name: &str, into: &Path) -> Result<()> {
    let picture = palette::reduce(&browser.picture()?)?;
    println!("{name}: {} bytes", picture.len());
    ensure!(
        picture.len() <= MAX_PICTURE_BYTES,
        "{name} has {} bytes; the limit is {MAX_PICTURE_BYTES}, choose a smaller window",
        picture.len()
    );
    let path = into.join(name);
    std::fs::write(&path, picture).with_context(|| format!("cannot write {}", path.display()))
}

fn wait_until(browser: &Browser, script: &str) -> Result<()> {
    let began = Instant::now();
    while browser.says(script)? != Value::Bool(true) {
        ensure!(
            began.elapsed() < LOSS_TOLD,
            "the page did not tell of its lost daemon within {} s",
            LOSS_TOLD.as_secs()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// The terminal client as the README shows it, and wide with the detail open.
fn type_off(root: &Path, scratch: &Path, url: &str, into: &Path) -> Result<()> {
    let client = root.join("target/release/lastbeat");
    let client = client.to_str().context("the path is not UTF-8")?;
    let words = [client, "--url", url];
    let narrow = Terminal::start(scratch, 80, 24, &words)?;
    let wide = Terminal::start(scratch, 160, 45, &words)?;
    let text = narrow.text_with("LIVE")?;
    std::fs::write(into.join("terminal.txt"), &text)?;
    let readme = root.join("README.md");
    let page = std::fs::read_to_string(&readme)?;
    std::fs::write(&readme, with_block(&page, &text)?)?;

    wide.text_with("LIVE")?;
    wide.press(&["Enter"])?;
    std::fs::write(
        into.join("terminal-wide.txt"),
        wide.text_with(" registered")?,
    )?;
    println!("terminal.txt, terminal-wide.txt");
    Ok(())
}

/// The page with `text` in its first block of plain text.
fn with_block(page: &str, text: &str) -> Result<String> {
    let (before, rest) = page
        .split_once("```text\n")
        .context("README.md has no block of text for the terminal")?;
    let (_, after) = rest
        .split_once("```")
        .context("the block of text has no end")?;
    Ok(format!("{before}```text\n{text}```{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_of_text_is_replaced_and_nothing_else() {
        let page = "a\n```text\nold\n```\nb\n```sh\nc\n```\n";

        assert_eq!(
            with_block(page, "new\n").unwrap(),
            "a\n```text\nnew\n```\nb\n```sh\nc\n```\n"
        );
        assert!(with_block("no block", "new\n").is_err());
    }
}
