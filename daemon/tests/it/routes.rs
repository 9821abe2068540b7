//! No forgotten route: the table of endpoints × tokens × methods × tricks with the path, and what
//! each must be answered with, computed from the table.

use lastbeat_proto::endpoint::{self, ENDPOINTS, Endpoint, Route, Scope};
use serde_json::Value;

use crate::daemon::Daemon;
use crate::keys::{Keys, bearer};
use crate::raw::{Raw, request};

/// Methods of HTTP, those of the table and others.
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get",
];

/// A trick's name, and what it makes of a path.
type Trick = (&'static str, fn(&str) -> String);

/// What may be made of a path to slip past a rule for it.
const TRICKS: [Trick; 18] = [
    ("as it is", str::to_owned),
    ("slash behind", |path| format!("{path}/")),
    ("two slashes behind", |path| format!("{path}//")),
    ("two slashes before", |path| format!("/{path}")),
    ("dot segment before", |path| format!("/.{path}")),
    ("dot segments before", |path| format!("/assets/..{path}")),
    ("encoded dots before", |path| {
        format!("/assets/%2e%2e{path}")
    }),
    ("dot segment behind", |path| format!("{path}/.")),
    ("dots behind", |path| format!("{path}/..")),
    ("parameter behind", |path| format!("{path};a=b")),
    ("encoded slash behind", |path| format!("{path}%2f")),
    ("encoded NUL behind", |path| format!("{path}%00")),
    ("ending", |path| format!("{path}.json")),
    ("query", |path| format!("{path}?token=x&scope=admin")),
    ("upper case", str::to_uppercase),
    ("encoded letter", |path| path.replacen('e', "%65", 1)),
    ("encoded first slash", |path| path.replacen('/', "/%2f", 1)),
    ("backslash before", |path| format!("/%5c{path}")),
];

/// Who asks: what it is called, its header, and what it may do; nothing for who shows what is no
/// live token.
struct Asker {
    what: &'static str,
    headers: Vec<String>,
    scope: Option<Scope>,
}

fn askers(keys: &Keys, anonymous: Scope) -> Vec<Asker> {
    let asker = |what, headers: Vec<String>, scope| Asker {
        what,
        headers,
        scope,
    };
    let admin = &keys.admin;
    vec![
        asker("nobody", vec![], Some(anonymous)),
        asker("read", vec![bearer(&keys.read)], Some(Scope::Read)),
        asker(
            "register",
            vec![bearer(&keys.register)],
            Some(Scope::Register),
        ),
        asker("admin", vec![bearer(admin)], Some(Scope::Admin)),
        asker("revoked", vec![bearer(&keys.revoked)], None),
        asker(
            "malformed",
            vec![format!("Authorization: Basic {admin}")],
            None,
        ),
        asker("twice", vec![bearer(admin), bearer(admin)], None),
        // What proxies and frameworks have believed elsewhere.
        asker(
            "who claims to be inside",
            vec![
                "X-Forwarded-For: 127.0.0.1".to_owned(),
                "X-Original-URL: /healthz".to_owned(),
                "X-Rewrite-URL: /healthz".to_owned(),
                "X-HTTP-Method-Override: GET".to_owned(),
                "X-Middleware-Subrequest: 1".to_owned(),
                "User-Agent: Nacos-Server".to_owned(),
                format!("Cookie: token={admin}; lastbeat={admin}"),
            ],
            Some(anonymous),
        ),
    ]
}

/// The endpoints of a path, by the words of the documentation: a name takes everything behind its
/// prefix, one slash at the end is dropped, and nothing else is the same as something else.
fn endpoints_of(target: &str) -> Vec<&'static Endpoint> {
    let path = target.split('?').next().unwrap();
    let path = match path.strip_suffix('/') {
        Some(shorter) if !shorter.is_empty() => shorter,
        _ => path,
    };
    let is_of = |endpoint: &&Endpoint| match endpoint.path.split_once("<name>") {
        Some((prefix, _)) => path.starts_with(prefix) && path.len() != prefix.len(),
        None => path == endpoint.path,
    };
    ENDPOINTS.iter().filter(is_of).collect()
}

/// What the table says: a status, or nothing where the caller is let in.
fn refusal(target: &str, method: &str, asker: &Asker) -> Option<u16> {
    let endpoints = endpoints_of(target);
    if endpoints.is_empty() {
        return Some(404);
    }
    let of_head = if method == "HEAD" { "GET" } else { method };
    let Some(endpoint) = endpoints.iter().find(|e| e.method.word() == of_head) else {
        return Some(405);
    };
    if endpoint.route == Route::SignIn {
        return Some(401); // With no token in its form, whoever asks.
    }
    // None of the tricks names an instance, so a whole service is meant.
    let scope = match endpoint.route {
        Route::Deregister => Scope::Admin,
        _ => endpoint.scope,
    };
    match (scope, asker.scope) {
        (Scope::Public, _) => None,
        (needs, Some(has)) if needs <= has => None,
        (_, Some(_)) if asker.headers.len() == 1 => Some(403),
        _ => Some(401),
    }
}

/// The problem's slug; an empty one where the answer is no problem.
fn slug(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let kind = body["type"].as_str().unwrap_or_default();
    kind.rsplit(':').next().unwrap_or_default().to_owned()
}

async fn check(daemon: &Daemon, askers: Vec<Asker>) -> usize {
    let mut count = 0;
    let mut connection: Option<Raw> = None;
    for asker in askers {
        let headers: Vec<&str> = asker.headers.iter().map(String::as_str).collect();
        for endpoint in &ENDPOINTS {
            let path = endpoint.path.replace("<name>", "nobody-has-this-name");
            for (trick, make) in TRICKS {
                let target = make(&path);
                for method in METHODS {
                    let what = format!("{method} {target} by {} ({trick})", asker.what);
                    let mut asked = match connection.take() {
                        Some(kept) => kept,
                        None => daemon.connect().await,
                    };

                    let reply = asked.ask(&request(method, &target, &headers, b"")).await;

                    count += 1;
                    let slug = slug(&reply.body);
                    match refusal(&target, method, &asker) {
                        // What cannot be read is refused before it is asked whose it is.
                        Some(403) if slug.starts_with("invalid-") => {}
                        Some(status) => assert_eq!(reply.status, status, "{what}: {slug}"),
                        None => assert!(
                            !matches!(reply.status, 401 | 403 | 405)
                                && (slug != "not-found" || target.starts_with("/assets/"))
                                && reply.status < 500,
                            "{what}: {} {slug}",
                            reply.status
                        ),
                    }
                    if reply.header("connection") != Some("close") {
                        connection = Some(asked);
                    }
                }
            }
        }
    }
    count
}

#[tokio::test]
async fn every_route_is_answered_as_the_table_says_whoever_asks_and_however() {
    let keys = Keys::new();
    let daemon = keys.daemon(&[]);

    let count = check(&daemon, askers(&keys, Scope::Public)).await;

    assert_eq!(count, 8 * ENDPOINTS.len() * TRICKS.len() * METHODS.len());
}

#[tokio::test]
async fn with_anonymous_read_those_without_a_token_may_look_and_nothing_more() {
    let keys = Keys::new();
    let daemon = keys.daemon(&[("anonymous-read", "true")]);

    let mut askers = askers(&keys, Scope::Read);
    askers.retain(|asker| asker.headers.len() != 1);
    check(&daemon, askers).await;
}

#[test]
fn what_needs_no_token_is_listed_here() {
    let public = |endpoint: &&Endpoint| endpoint.scope == Scope::Public;
    let paths: Vec<&str> = ENDPOINTS.iter().filter(public).map(|e| e.path).collect();

    let session = ["/sign-in", "/sign-in", "/sign-out"];
    let probes = ["/healthz", "/readyz", "/openapi.json"];
    assert_eq!(paths, [&probes[..], &session, &["/assets/<name>"]].concat());
}

#[test]
fn whatever_changes_something_needs_more_than_to_look() {
    for endpoint in &ENDPOINTS {
        let changes = endpoint.method != endpoint::Method::Get;
        let is_session = endpoint.path.starts_with("/sign-");

        assert_eq!(
            Scope::Read < endpoint.scope,
            changes && !is_session,
            "{}",
            endpoint.path
        );
    }
}

#[tokio::test]
async fn a_request_that_is_not_let_in_changes_nothing() {
    let keys = Keys::new();
    let daemon = keys.daemon(&[]);
    let mut admin = daemon.connect().await;
    let token = bearer(&keys.admin);
    let body = br#"{"name":"api","ip":"192.0.2.7"}"#;
    let made = admin
        .ask(&request("POST", "/register", &[&token], body))
        .await;
    assert_eq!(made.status, 200, "{}", made.text());
    let list = request("GET", "/services", &[&token], b"");
    let before = admin.ask(&list).await.json();

    for asker in askers(&keys, Scope::Public) {
        if asker.scope > Some(Scope::Read) {
            continue;
        }
        let headers: Vec<&str> = asker.headers.iter().map(String::as_str).collect();
        for (method, target, body) in [
            (
                "POST",
                "/register",
                &br#"{"name":"api","ip":"192.0.2.7","port":1}"#[..],
            ),
            ("POST", "/register", br#"{"name":"other","ip":"192.0.2.7"}"#),
            ("POST", "/heartbeat/api", b""),
            ("POST", "/deregister/api", b""),
            ("DELETE", "/services/api?instance=192.0.2.7", b""),
        ] {
            let reply = daemon.ask(&request(method, target, &headers, body)).await;

            assert!(matches!(reply.status, 401 | 403), "{} {target}", asker.what);
        }
    }

    let after = admin.ask(&list).await.json();
    assert_eq!(after["services"], before["services"]);
    assert_eq!(after["revision"], before["revision"]);
    assert_eq!(after["cursor"], before["cursor"]);
}
