//! Web pages of other sites: whatever they try, they neither change nor read a registry that the
//! browser can reach.
//!
//! The page is `attack.js`. That its tries are real is shown on a site that guards nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::attacker::Site;
use super::stage::Stage;
use super::victim::{Answered, Outcome, Victim, WRITES, attack, is_write};
use crate::keys::Keys;

/// The ways to read of which a browser tells another site nothing, however open the server is.
const NEVER_READ: [&str; 6] = [
    "fetch-blind",
    "socket",
    "iframe",
    "object",
    "embed",
    "window",
];
/// Names of this machine, and no question of the browser whether it may be attacked.
const FLAGS: [&str; 2] = [
    "--host-resolver-rules=MAP *.example 127.0.0.1, MAP *.lan 127.0.0.1",
    "--disable-features=LocalNetworkAccessChecks,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium"]
async fn a_site_that_guards_nothing_is_read_and_written_in_every_way() {
    let (attacker, open) = (Site::attacker().await, Site::open().await);
    let stage = Stage::open_with("about:blank", true, &FLAGS).await;
    let from = format!("http://evil.example:{}", attacker.addr.port());

    let at = format!("http://{}", open.addr);
    let outcome = attack(&stage, &from, (&at, "t"), || open.asked()).await;

    let ways = |is_read: fn(u64) -> bool| -> BTreeSet<&str> {
        let found = outcome.read.iter().filter(|(_, bytes)| is_read(**bytes));
        found
            .map(|(name, _)| name.split(' ').next().unwrap())
            .collect()
    };
    assert_eq!(
        ways(|bytes| bytes == 0),
        BTreeSet::from(NEVER_READ),
        "{outcome:?}"
    );
    assert_eq!(
        ways(|bytes| 0 < bytes),
        BTreeSet::from([
            "event-source",
            "fetch",
            "fetch-signed-in",
            "image",
            "module",
            "script",
            "style",
            "timing",
            "worker",
            "xhr"
        ])
    );
    let asked = open.asked();
    for kind in ["iframe", "object", "embed", "window"] {
        assert!(
            asked.contains(&format!("GET /rows?q={kind}")),
            "{kind} shows nothing"
        );
    }
    // Each write has come, also those that had to ask first.
    let registers = asked.iter().filter(|asked| *asked == "POST /register");
    assert_eq!(registers.count(), WRITES.len() - 1);
    assert!(asked.contains(&"DELETE /services/fetch-delete".to_owned()));
}

/// A page of another site, of another port of the same machine, and of another host of the same
/// site; the daemon as an address, where browsers say where a request comes from, and as a plain
/// name, where they send an `Origin` only. Whether a cookie that is kept from other sites comes.
const WAYS: [(&str, &str, bool); 4] = [
    ("evil.example", "127.0.0.1", false),
    ("127.0.0.1", "127.0.0.1", true),
    ("evil.example", "registry.lan", false),
    ("evil.registry.lan", "registry.lan", true),
];

/// The live part of the page that the browser's user looks at.
const OWN: &str = "GET /rows?q=own";

/// No write was let through, nothing was read, and no frame has shown anything.
fn assert_repelled(outcome: &Outcome, answers: &[Answered], how: &str) {
    let through = |(asked, status): &&Answered| is_write(asked) && *status != 403;
    assert_eq!(answers.iter().find(through), None, "{how}");
    assert_eq!(outcome.leaks(), [], "{how}");
    for kind in ["iframe", "object", "embed"] {
        let live = format!("GET /rows?q={kind}");
        let is_shown = answers.iter().any(|(asked, _)| *asked == live);
        assert!(!is_shown, "{how}: shown in a frame, {kind}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium"]
async fn a_page_of_another_site_changes_and_reads_nothing() {
    let attacker = Site::attacker().await;
    let mut victim = Victim::new(None).await;
    for (from, at, _) in WAYS {
        let how = format!("{from} {at}");
        let from = format!("http://{from}:{}", attacker.addr.port());
        let at = victim.at(at);
        let stage = Stage::open_with("about:blank", true, &FLAGS).await;

        let (outcome, _) = victim.suffers(&stage, &from, &at).await;
        let answers = victim.is_shown_in_the_window().await;

        assert_repelled(&outcome, &answers, &how);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium"]
async fn a_browser_that_signed_in_lends_its_session_to_no_other_page() {
    let attacker = Site::attacker().await;
    let mut victim = Victim::new(Some(Keys::new())).await;
    for (from, at, is_same_site) in WAYS {
        let how = format!("{from} {at}");
        let from = format!("http://{from}:{}", attacker.addr.port());
        let at = victim.at(at);
        let stage = Stage::open_with(&at, true, &FLAGS).await;
        let admin = victim.keys.as_ref().unwrap().admin.clone();
        stage.sees("#token").await.send_keys(&admin).await.unwrap();
        stage.clicks("form button").await;
        stage.sees("#services").await;
        // What this page asks for may come late, so it is told from what the other one asks.
        stage.browser.goto(&format!("{at}/?q=own")).await.unwrap();
        victim.is_live(OWN).await;

        let (outcome, answers) = victim.suffers(&stage, &from, &at).await;

        // Ports and hosts of one site share their cookies: there the session comes along.
        let page = if is_same_site { 200 } else { 401 };
        assert!(
            answers.contains(&("GET /?q=window".to_owned(), page)),
            "{how}"
        );
        assert!(
            answers.contains(&("GET /services?q=iframe".to_owned(), page)),
            "{how}"
        );
        let answers = if is_same_site {
            victim.is_shown_in_the_window().await
        } else {
            let inside = |(asked, status): &&Answered| {
                let is_public = ["/healthz", "/openapi.json", "/assets/"]
                    .iter()
                    .any(|path| asked.starts_with(&format!("GET {path}")));
                *status == 200 && !is_public && asked != OWN
            };
            assert_eq!(answers.iter().find(inside), None, "{how}");
            answers
        };
        assert_repelled(&outcome, &answers, &how);
        stage.browser.goto(&at).await.unwrap();
        stage.sees("form[action='sign-out']").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium"]
async fn a_name_that_is_turned_to_the_daemon_is_told_nothing_but_that() {
    let attacker = Site::attacker().await;
    let mut victim = Victim::new(None).await;
    let rebound = Site::rebound(attacker.addr, victim.program.addr).await;
    let from = format!("http://rebound.example:{}", rebound.addr.port());
    let stage = Stage::open_with("about:blank", true, &FLAGS).await;

    let (outcome, answers) = victim.suffers(&stage, &from, &from).await;

    // For the browser they are one origin, so it holds nothing back: the Host is all there is.
    let other = |(_, status): &&Answered| *status != 421;
    assert_eq!(answers.iter().find(other), None);
    assert!(!outcome.texts.is_empty());
    for (name, text) in outcome.texts {
        // A page that is navigated to, once it has come, says the same as what is fetched.
        if name.starts_with("window ") {
            assert!(text.contains("does not answer to that host"), "{text}");
        } else {
            let problem: Value =
                serde_json::from_str(&text).unwrap_or_else(|_| panic!("{name}: {text}"));
            assert_eq!(
                problem["type"], "urn:lastbeat:problem:misdirected-host",
                "{name}"
            );
        }
        for service in WRITES {
            assert!(!text.contains(&format!("\"{service}\"")), "{name}: {text}");
        }
    }
}
