//! `GET /openapi.json` against the daemon that serves it: what is answered is what it says.

mod shape;

use std::collections::BTreeSet;

use lastbeat_proto::Span;
use lastbeat_proto::endpoint::ENDPOINTS;
use serde_json::{Value, json};

use self::shape::faults;
use crate::daemon::Daemon;
use crate::keys::{Keys, bearer};
use crate::raw::{Reply, request};

async fn document(daemon: &Daemon) -> Value {
    let reply = daemon.send("GET", "/openapi.json", "").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// A daemon with something of every kind: UP, DOWN, GONE, deregistered, tags, metadata, notices.
async fn daemon() -> Daemon {
    let daemon = Daemon::start_with(&[("max-connections", "200"), ("max-instances", "6")]);
    let full = json!({
        "name": "team/api", "ip": "192.0.2.1", "port": 80, "instance": "one", "ttl_s": 3600.5,
        "tags": ["x", "y"], "metadata": {"zone": "a"},
    });
    for body in [
        full,
        json!({"name": "down", "ip": "192.0.2.2"}),
        json!({"name": "gone", "ip": "192.0.2.3", "ttl_s": 2}),
        json!({"name": "left", "ip": "192.0.2.4"}),
        json!({"name": "two", "ip": "192.0.2.5"}),
        json!({"name": "two", "ip": "192.0.2.6"}),
    ] {
        let reply = daemon.send("POST", "/register", &body.to_string()).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    daemon.send("POST", "/deregister/left", "").await;
    for _ in 0..4 * 65 {
        daemon.advance(Span::from_micros(250_000));
        daemon.registry.figures();
    }
    daemon
}

/// The operation that answers `method` on `path`, by the document alone.
fn operation<'document>(
    document: &'document Value,
    method: &str,
    path: &str,
) -> Option<&'document Value> {
    let paths = document["paths"].as_object().unwrap();
    let fits = |pattern: &str| match pattern.strip_suffix("{name}") {
        Some(prefix) => path.len() > prefix.len() && path.starts_with(prefix),
        None => pattern == path,
    };
    let method = method.to_lowercase().replace("head", "get");
    let mut found = paths.iter().filter(|(pattern, _)| fits(pattern));
    found.find_map(|(_, methods)| methods.get(&method))
}

/// What in `reply` the document does not say.
fn undocumented(document: &Value, method: &str, target: &str, reply: &Reply) -> Vec<String> {
    let path = target.split('?').next().unwrap();
    let Some(operation) = operation(document, method, path) else {
        return vec!["there is no such operation".to_owned()];
    };
    let mut response = &operation["responses"][reply.status.to_string()];
    if let Some(reference) = response["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        response = document.pointer(pointer).unwrap();
    }
    if response.is_null() {
        return vec![format!("{} is not documented", reply.status)];
    }
    for (header, about) in response["headers"].as_object().into_iter().flatten() {
        let name = header.to_lowercase();
        if about["required"] == true && reply.header(&name).is_none() {
            return vec![format!("{header} is missing")];
        }
    }
    let kind = reply.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap();
    let content = &response["content"];
    match content.get(kind).or_else(|| content.get("*/*")) {
        // There is nothing in it.
        None if content.is_null() && reply.body.is_empty() => Vec::new(),
        None => vec![format!("{kind:?} is not documented")],
        Some(media) if kind.ends_with("json") => faults(document, &media["schema"], &reply.json()),
        Some(_) => Vec::new(),
    }
}

/// A request, and the status that it must have.
type Case = (&'static str, &'static str, &'static str, u16);

const CASES: [Case; 51] = [
    ("POST", "/register", r#"{"name":"new"}"#, 200),
    ("POST", "/register", r#"{"name":"fill"}"#, 200),
    ("POST", "/register", r#"{"name":"more"}"#, 507),
    ("POST", "/register", "name=two&ip=192.0.2.5", 200),
    ("POST", "/register", "[]", 400),
    (
        "POST",
        "/register",
        r#"{"name":"a","port":0,"tags":1}"#,
        400,
    ),
    ("POST", "/heartbeat/team%2Fapi", "", 200),
    ("POST", "/heartbeat/team/api?instance=one", "", 200),
    ("POST", "/heartbeat/gone", "", 200),
    ("POST", "/heartbeat/nobody", "", 404),
    ("POST", "/heartbeat/%20", "", 400),
    ("POST", "/heartbeat/two?instance=%20", "", 400),
    ("POST", "/heartbeat/two", "", 409),
    ("GET", "/services", "", 200),
    ("GET", "/services?status=down&sort=-since&size=2", "", 200),
    ("GET", "/services?since=unknown&wait=30s", "", 200),
    ("GET", "/services?status=gone", "", 400),
    ("GET", "/services/down", "", 200),
    ("GET", "/services/nobody", "", 404),
    ("GET", "/services/%ff", "", 400),
    ("POST", "/refresh/two", "", 200),
    ("POST", "/refresh/nobody", "", 404),
    ("POST", "/refresh_all", "", 200),
    ("GET", "/events", "", 200),
    ("GET", "/events?name=two&limit=1", "", 200),
    ("GET", "/events?limit=0", "", 400),
    ("GET", "/gone", "", 200),
    ("GET", "/gone?limit=x", "", 400),
    ("GET", "/uptime/down", "", 200),
    ("GET", "/uptime/nobody", "", 404),
    ("GET", "/uptime/%ff", "", 400),
    ("GET", "/healthz", "", 200),
    ("GET", "/readyz", "", 200),
    ("GET", "/metrics", "", 200),
    ("GET", "/openapi.json", "", 200),
    ("GET", "/", "", 200),
    ("GET", "/?size=x", "", 400),
    ("GET", "/rows", "", 200),
    ("GET", "/rows?page=0", "", 400),
    ("GET", "/s/two", "", 200),
    ("GET", "/s/nobody", "", 404),
    ("GET", "/assets/app.css", "", 200),
    ("GET", "/assets/other.css", "", 404),
    ("HEAD", "/services", "", 200),
    ("DELETE", "/services/two?instance=192.0.2.6", "", 200),
    ("DELETE", "/services/two?name=a", "", 400),
    ("POST", "/deregister/two", "", 200),
    ("POST", "/deregister/nobody", "", 404),
    ("GET", "/sign-in", "", 303),
    ("POST", "/sign-in", "token=x", 303),
    ("POST", "/sign-out", "", 303),
];

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let daemon = daemon().await;
    let document = document(&daemon).await;
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();

    for (method, target, body, status) in CASES {
        let reply = daemon.send(method, target, body).await;
        if reply.status != status {
            wrong.push(format!(
                "{method} {target}: {} {}",
                reply.status,
                reply.text()
            ));
        }
        if method != "HEAD" {
            let faults = undocumented(&document, method, target, &reply);
            wrong.extend(
                faults
                    .iter()
                    .map(|fault| format!("{method} {target}: {fault}")),
            );
        }
        if let Some(operation) = operation(&document, method, target.split('?').next().unwrap())
            && reply.status < 400
        {
            seen.insert(operation["operationId"].as_str().unwrap().to_owned());
        }
    }

    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(seen.len(), ENDPOINTS.len(), "only {seen:?} answered well");
}

#[tokio::test]
async fn where_tokens_are_asked_for_the_answers_are_documented_too() {
    let keys = Keys::new();
    let daemon = keys.daemon(&[]);
    let read = bearer(&keys.read);
    let admin = bearer(&keys.admin);
    let document = {
        let asked = request("GET", "/openapi.json", &[], b"");
        daemon.ask(&asked).await.json()
    };
    for (method, target, header, body, status) in [
        ("GET", "/services", None, String::new(), 401),
        ("GET", "/services", Some(&read), String::new(), 200),
        (
            "POST",
            "/register",
            Some(&read),
            r#"{"name":"a"}"#.to_owned(),
            403,
        ),
        (
            "POST",
            "/register",
            Some(&admin),
            r#"{"name":"a"}"#.to_owned(),
            200,
        ),
        ("DELETE", "/services/a", Some(&read), String::new(), 403),
        ("GET", "/healthz", None, String::new(), 200),
        ("GET", "/healthz", Some(&read), String::new(), 200),
        ("GET", "/sign-in", None, String::new(), 200),
        ("POST", "/sign-in", None, "token=x".to_owned(), 401),
        (
            "POST",
            "/sign-in",
            None,
            format!("token={}", keys.read),
            303,
        ),
        ("POST", "/sign-out", None, String::new(), 303),
    ] {
        let headers: Vec<&str> = header.iter().map(|header| header.as_str()).collect();
        let asked = request(method, target, &headers, body.as_bytes());

        let reply = daemon.ask(&asked).await;

        assert_eq!(reply.status, status, "{method} {target}");
        let faults = undocumented(&document, method, target, &reply);
        assert_eq!(faults, Vec::<String>::new(), "{method} {target}");
    }
}

#[tokio::test]
async fn what_is_turned_away_at_the_door_is_documented_for_every_endpoint() {
    let daemon = daemon().await;
    let document = document(&daemon).await;
    let long = format!("X-A: {}\r\n", "b".repeat(17 * 1024));
    let doors = [
        ("Host: evil.example\r\n", 421),
        ("Host: a\r\nHost: a\r\n", 400),
        ("Host: a\r\nSec-Fetch-Site: cross-site\r\n", 403),
        ("Host: a\r\nContent-Length: 99999\r\n", 413),
        (
            "Host: a\r\nAccept: text/html\r\nContent-Length: 99999\r\n",
            413,
        ),
        (&format!("Host: a\r\n{long}"), 431),
    ];
    for endpoint in &ENDPOINTS {
        let (method, path) = (
            endpoint.method.word(),
            endpoint.path.replace("<name>", "app.css"),
        );
        for (headers, status) in doors {
            let head = format!("{method} {path} HTTP/1.1\r\n{headers}\r\n");

            let reply = daemon.ask(head.as_bytes()).await;

            // Nobody is foreign who only reads, and the body of a GET is a matter of its text.
            let is_no_matter = method == "GET" && matches!(status, 403 | 413);
            assert!(reply.status == status || is_no_matter, "{head}: {reply:?}");
            if !is_no_matter {
                let faults = undocumented(&document, method, &path, &reply);
                assert_eq!(faults, Vec::<String>::new(), "{head}");
            }
        }
    }
}

#[tokio::test]
async fn a_form_of_a_browser_leads_back_as_documented() {
    let daemon = daemon().await;
    let document = document(&daemon).await;

    for (target, body) in [
        ("/register", "name=two&ip=192.0.2.5"),
        ("/refresh/two", ""),
        ("/refresh_all", ""),
        ("/deregister/two", ""),
    ] {
        let headers = ["Accept: text/html"];
        let reply = daemon
            .ask(&request("POST", target, &headers, body.as_bytes()))
            .await;

        assert_eq!(reply.status, 303, "{target}");
        let faults = undocumented(&document, "POST", target, &reply);
        assert_eq!(faults, Vec::<String>::new(), "{target}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_methods_of_the_document() {
    let daemon = daemon().await;
    let document = document(&daemon).await;

    for (pattern, methods) in document["paths"].as_object().unwrap() {
        let path = pattern.replace("{name}", "two");
        let mut documented: BTreeSet<String> = methods
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
            .collect();
        if documented.contains("GET") {
            documented.insert("HEAD".to_owned());
        }
        for method in [
            "PATCH", "OPTIONS", "TRACE", "GET", "POST", "DELETE", "PUT", "HEAD",
        ] {
            if documented.contains(method) {
                continue;
            }
            let reply = daemon.send(method, &path, "").await;

            assert_eq!(reply.status, 405, "{method} {path}");
            let allow = reply
                .header("allow")
                .unwrap()
                .split(", ")
                .map(str::to_owned);
            assert_eq!(
                allow.collect::<BTreeSet<_>>(),
                documented,
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn the_document_is_sent_once() {
    let daemon = Daemon::start();

    let first = daemon.send("GET", "/openapi.json", "").await;
    let tag = format!("If-None-Match: {}", first.header("etag").unwrap());
    let again = daemon
        .ask(&request("GET", "/openapi.json", &[&tag], b""))
        .await;

    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(first.header("cache-control"), Some("no-store"));
    assert_eq!((again.status, again.body.len()), (304, 0));
}
