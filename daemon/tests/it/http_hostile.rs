//! Texts that want to run or to hide: refused at the door by their code point, or shown as what
//! they are, in JSON and on every page.

use lastbeat_proto::Span;
use lastbeat_proto::path::encode;
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::payloads::{Payload, assert_plain, links, payloads, skeleton, unescaped};
use crate::raw::{Reply, request};

const HTML: &str = "Accept: text/html";
/// Fields of a registration that hold a text of the client's choice.
const FIELDS: [&str; 6] = ["name", "instance", "ip", "tag", "key", "value"];
/// What stands for a payload on the page that pages with payloads are compared with.
const PLAIN: &str = "plain";

/// A registration with `text` in one field.
fn body(field: &str, text: &str) -> Value {
    let mut body = json!({ "name": "web", "ip": "192.0.2.10" });
    match field {
        "tag" => body["tags"] = json!([text]),
        "key" => body["metadata"] = json!({ text: "v" }),
        "value" => body["metadata"] = json!({ "k": text }),
        field => body[field] = json!(text),
    }
    body
}

/// What the row that was made holds in that field.
fn held(row: &Value, field: &str) -> Option<String> {
    let text = match field {
        "tag" => row["tags"][0].as_str(),
        "key" => row["metadata"]
            .as_object()?
            .keys()
            .next()
            .map(String::as_str),
        "value" => row["metadata"]["k"].as_str(),
        field => row[field].as_str(),
    };
    text.map(str::to_owned)
}

async fn page(daemon: &Daemon, method: &str, path: &str, body: &str) -> Reply {
    daemon
        .ask(&request(method, path, &[HTML], body.as_bytes()))
        .await
}

/// The payload is refused with a reason that can be read, in JSON and on a page.
async fn assert_refused(daemon: &Daemon, payload: &Payload, field: &str, reply: &Reply) {
    let what = format!("{} as {field}", payload.what);
    assert_eq!(reply.status, 400, "{what}");
    assert_plain(&what, &reply.text());
    let detail = reply.json()["detail"].as_str().unwrap().to_owned();
    assert_plain(&what, &detail);
    let is_long = detail.contains("the limit is");
    if let Some(hidden) = payload.hidden().filter(|_| field != "ip" && !is_long) {
        let code = format!("U+{:04X}", u32::from(hidden));
        assert!(detail.contains(&code), "{what}: {detail}");
    }
    let refusal = page(
        daemon,
        "POST",
        "/register",
        &body(field, &payload.text).to_string(),
    )
    .await;
    let plain = page(
        daemon,
        "POST",
        "/register",
        &body(field, &"x".repeat(5_000)).to_string(),
    )
    .await;
    assert_eq!(refusal.status, 400, "{what}");
    assert_plain(&what, &refusal.text());
    assert_eq!(skeleton(&refusal.text()), skeleton(&plain.text()), "{what}");
}

#[tokio::test]
async fn a_payload_is_refused_by_its_code_point_or_taken_as_it_is() {
    let daemon = Daemon::start();
    let mut counts = (0, 0);

    for payload in payloads() {
        for field in FIELDS {
            let body = body(field, &payload.text).to_string();
            let reply = daemon.send("POST", "/register", &body).await;
            if reply.status != 200 {
                assert_refused(&daemon, &payload, field, &reply).await;
                counts.0 += 1;
                continue;
            }
            let what = format!("{} as {field}", payload.what);
            assert_eq!(payload.hidden(), None, "{what} was taken");
            assert_plain(&what, &reply.text());
            let row = reply.json()["service"].clone();
            assert_eq!(held(&row, field).as_ref(), Some(&payload.text), "{what}");
            let name = encode(row["name"].as_str().unwrap());
            let gone = daemon
                .send("DELETE", &format!("/services/{name}"), "")
                .await;
            assert_eq!(gone.status, 200, "{what}: {}", gone.text());
            counts.1 += 1;
        }
    }

    assert!(
        150 < counts.0 && 90 < counts.1,
        "refused and taken: {counts:?}"
    );
}

/// Every page on which a service's texts stand: while it is UP, when it is asked whether to
/// deregister it, and when it has left. The name is written as a link has it.
async fn pages(daemon: &Daemon, name: &str) -> Vec<(String, String)> {
    let name = encode(name);
    let mut seen = Vec::new();
    let mut look = async |paths: &[String]| {
        for path in paths {
            let reply = page(daemon, "GET", path, "").await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
            seen.push((path.clone(), reply.text()));
        }
    };
    let living = [
        "/".to_owned(),
        "/rows".to_owned(),
        format!("/s/{name}"),
        format!("/?q={name}"),
    ];
    look(&living).await;
    daemon.advance(Span::from_secs(61));
    look(&living).await;
    daemon
        .send("DELETE", &format!("/services/{name}"), "")
        .await;
    look(&["/".to_owned(), format!("/s/{name}")]).await;
    seen
}

/// A service with `text` in every field that takes it, and `PLAIN` in the others.
async fn registered(text: &str) -> Daemon {
    let daemon = Daemon::start();
    let mut whole = body("name", text);
    whole["instance"] = json!(text);
    for field in ["tag", "key", "value"] {
        let alone = body(field, text).to_string();
        let is_taken = daemon.send("POST", "/register", &alone).await.status == 200;
        let text = if is_taken { text } else { PLAIN };
        match field {
            "tag" => whole["tags"] = json!([text]),
            "key" => whole["metadata"] = json!({ text: "v" }),
            _ => whole["metadata"]["k2"] = json!(text),
        }
    }
    daemon.send("DELETE", "/services/web", "").await;
    let reply = daemon.send("POST", "/register", &whole.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    daemon
}

#[tokio::test]
async fn no_page_has_another_tag_or_link_for_what_a_service_is_called() {
    let plain = registered(PLAIN).await;
    let plain = pages(&plain, PLAIN).await;
    let is_name = |payload: &Payload| lastbeat_proto::ServiceName::parse(&payload.text).is_ok();
    let names: Vec<Payload> = payloads().into_iter().filter(is_name).collect();
    assert!(15 < names.len());

    for payload in names {
        let daemon = registered(&payload.text).await;

        let seen = pages(&daemon, &payload.text).await;

        for ((path, html), (_, plain)) in seen.iter().zip(&plain) {
            let what = format!("{} on {path}", payload.what);
            assert_plain(&what, html);
            assert_eq!(skeleton(html), skeleton(plain), "{what}: {html}");
            let shown = unescaped(html);
            assert!(shown.contains(&payload.text), "{what}: {html}");
            for link in links(html) {
                let is_ours = !link.contains(':') && !link.starts_with("//");
                assert!(is_ours || link.starts_with("https://"), "{what}: {link}");
            }
        }
    }
}

/// A database of ours into which somebody has written a text that no registration could hold.
async fn meddled(path: &std::path::Path, text: &str) {
    let db = path.display().to_string();
    let daemon = Daemon::start_with(&[("db", db.as_str())]);
    daemon.register("web", "192.0.2.10").await;
    drop(daemon);
    let connection = rusqlite::Connection::open(path).unwrap();
    let tags = json!([text]).to_string();
    let metadata = json!({ text: text }).to_string();
    connection
        .execute(
            "update instances set tags = ?1, metadata = ?2",
            [&tags, &metadata],
        )
        .unwrap();
    connection
        .execute("update events set reason = ?1", [text])
        .unwrap();
    connection.close().unwrap();
}

#[tokio::test]
async fn what_somebody_wrote_into_the_database_neither_runs_nor_hides() {
    let dir = tempfile::tempdir().unwrap();
    let mut plain = Vec::new();
    for (number, text) in [PLAIN.to_owned()]
        .into_iter()
        .chain(payloads().into_iter().map(|payload| payload.text))
        .enumerate()
    {
        let path = dir.path().join(format!("{number}.db"));
        meddled(&path, &text).await;
        let db = path.display().to_string();
        let daemon = Daemon::start_with(&[("db", db.as_str())]);

        let row = daemon.rows().await[0].clone();
        let seen = pages(&daemon, "web").await;

        assert_eq!(held(&row, "tag").as_ref(), Some(&text), "in JSON as it is");
        assert_eq!(held(&row, "key").as_ref(), Some(&text));
        for (number, (path, html)) in seen.iter().enumerate() {
            assert_plain(path, html);
            let skeleton = skeleton(html);
            match plain.get(number) {
                None => plain.push(skeleton),
                Some(plain) => assert_eq!(&skeleton, plain, "{text:?} on {path}: {html}"),
            }
        }
    }
}
