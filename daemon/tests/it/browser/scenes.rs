//! Every page in every state, for those who look at all of them.

use serde_json::json;

use crate::daemon::Daemon;
use crate::keys::Keys;
use crate::raw::request;

/// All daemons that are needed to show everything; they stand still.
pub(crate) struct Scenes {
    empty: Daemon,
    busy: Daemon,
    locked: Daemon,
    _keys: Keys,
}

/// A page in a state.
pub(crate) struct Scene {
    /// What it shows.
    pub(crate) what: &'static str,
    /// Its absolute address.
    pub(crate) url: String,
}

async fn registers(daemon: &Daemon, name: &str, ttl_s: u32) -> i64 {
    let body = json!({
        "name": name, "ip": "10.4.2.17", "port": 8443, "ttl_s": ttl_s,
        "tags": ["prod", "eu-west"], "metadata": { "version": "1.2", "owner": "team a" },
    });
    let body = body.to_string();
    let reply = daemon.send("POST", "/register", &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["service"]["id"].as_i64().unwrap()
}

impl Scenes {
    /// Sets all of them up.
    pub(crate) async fn new() -> Self {
        let open = [("listen", "0.0.0.0:0"), ("insecure-no-auth", "true")];
        let busy = Daemon::start_with(&open);
        registers(&busy, "image-resizer", 2).await;
        registers(&busy, "auth-service", 3_600).await;
        busy.pass(62);
        for name in ["payment-gateway", "search/indexer", "billing", "mail"] {
            registers(&busy, name, 5).await;
        }
        registers(&busy, "checkout.v2", 60).await;
        busy.pass(50);
        let keys = Keys::new();
        Self {
            empty: Daemon::start(),
            busy,
            locked: keys.daemon(&[]),
            _keys: keys,
        }
    }

    /// The pages; of `busy`, all in one: rows of every kind, who is gone, what changed, notices.
    pub(crate) async fn all(&self) -> Vec<Scene> {
        let rows = self.busy.rows().await;
        let status = |row: &serde_json::Value| row["status"].as_str().unwrap().to_owned();
        assert!(rows.iter().any(|row| status(row) == "DOWN"), "{rows:?}");
        assert!(rows.iter().any(|row| row["late"] == true), "{rows:?}");
        let id = rows[0]["id"].as_i64().unwrap();
        let name = rows[0]["name"].as_str().unwrap();
        let scene = |what, daemon: &Daemon, path: &str| Scene {
            what,
            url: format!("http://{}{path}", daemon.addr),
        };
        vec![
            scene("the overview", &self.busy, "/"),
            scene("a filter that nothing matches", &self.busy, "/?q=nobody"),
            scene("a page of many", &self.busy, "/?size=2&page=2&sort=-name"),
            scene("an empty page", &self.busy, "/?page=9"),
            scene("not refreshed", &self.busy, "/?refresh=off"),
            scene("asked whether to", &self.busy, &format!("/?ask={id}")),
            scene("a service", &self.busy, &format!("/s/{name}")),
            scene(
                "a service, asked",
                &self.busy,
                &format!("/s/{name}?ask={id}"),
            ),
            scene("who is gone", &self.busy, "/s/image-resizer"),
            scene("nobody of this name", &self.busy, "/s/nobody"),
            scene("no such page", &self.busy, "/nowhere"),
            scene("an empty registry", &self.empty, "/"),
            scene("the form for a token", &self.locked, "/"),
        ]
    }

    /// The texts of all pages, and of those that only a form leads to.
    pub(crate) async fn texts(&self) -> Vec<(&'static str, String)> {
        const HTML: &str = "Accept: text/html";
        let mut texts = Vec::new();
        for Scene { what, url } in self.all().await {
            let path = url.splitn(4, '/').nth(3).unwrap();
            let asked = request("GET", &format!("/{path}"), &[HTML], b"");
            let daemon = [&self.empty, &self.busy, &self.locked]
                .into_iter()
                .find(|daemon| url.contains(&daemon.addr.to_string()));
            texts.push((what, daemon.unwrap().ask(&asked).await.text()));
        }
        let form = [HTML, "Content-Type: application/x-www-form-urlencoded"];
        let wrong = request("POST", "/sign-in", &form, b"token=wrong");
        texts.push(("a wrong token", self.locked.ask(&wrong).await.text()));
        let bad = request("POST", "/register", &form, b"name=&ip=1&ttl_s=x");
        texts.push(("a form with errors", self.busy.ask(&bad).await.text()));
        let part = request("GET", "/rows", &[HTML], b"");
        texts.push(("the live part", self.busy.ask(&part).await.text()));
        texts
    }
}
