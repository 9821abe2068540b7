//! The door's rules as tables.

use hyper::Request;
use proptest::prelude::*;

use super::*;

/// A request's head: method and target, then header lines.
fn head(line: &str, headers: &[(&str, &str)]) -> Parts {
    let (method, target) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn known() -> KnownHosts {
    KnownHosts::new(["Registry.Example.com.", "box-17.corp.example"])
}

fn verdict(line: &str, headers: &[(&str, &str)]) -> Result<(), GuardError> {
    check(&head(line, headers), Scheme::Http, &known())
}

#[test]
fn a_host_that_no_foreign_site_can_own_is_answered() {
    for host in [
        "127.0.0.1",
        "127.0.0.1:5001",
        "127.0.0.1.",
        "192.0.2.10:80",
        "[::1]",
        "[::1]:5001",
        "[2001:db8::7]:5001",
        "[fe80::1%25eth0]:5001",
        "localhost",
        "LOCALHOST:5001",
        "localhost.",
        "registry",
        "my_box:5001",
        "nas.local",
        "NAS.Local.:5001",
        "svc.ns.svc.cluster.local",
        "a.internal",
        "pi.lan",
        "pi.home.arpa",
        "app.localhost",
        "app.test",
        "registry.example.com",
        "REGISTRY.example.COM.:8443",
        "box-17.corp.example",
        "registry:",
    ] {
        assert_eq!(verdict("GET /", &[("host", host)]), Ok(()), "{host}");
    }
}

#[test]
fn a_host_that_anyone_may_point_here_is_misdirected() {
    for (host, name) in [
        ("evil.example", "evil.example"),
        ("Evil.Example.:5001", "evil.example"),
        (
            "registry.example.com.evil.example",
            "registry.example.com.evil.example",
        ),
        ("xregistry.example.com", "xregistry.example.com"),
        ("notlocal.example", "notlocal.example"),
        ("localhost.evil.example", "localhost.evil.example"),
        ("127.0.0.1.nip.io", "127.0.0.1.nip.io"),
        ("mylocal.org:80", "mylocal.org"),
    ] {
        let host_is = name.to_owned();
        assert_eq!(
            verdict("GET /", &[("host", host)]),
            Err(GuardError::Misdirected { host: host_is }),
            "{host}"
        );
    }
}

#[test]
fn what_is_no_host_is_refused() {
    let long = "a".repeat(300);
    for host in [
        "",
        ".",
        "..",
        "a b",
        "a/b",
        "user@localhost",
        "localhost:port",
        "localhost:+80",
        "localhost:99999",
        "localhost:80:90",
        "::1",
        "[::1",
        "[::1]5001",
        "[localhost]",
        ".local",
        "a..local",
        "a%2elocal",
        "localhost,localhost",
        long.as_str(),
    ] {
        assert_eq!(
            verdict("GET /", &[("host", host)]),
            Err(GuardError::BrokenHost),
            "{host}"
        );
    }
}

#[test]
fn there_is_exactly_one_host() {
    let mut old = head("GET /", &[]);
    old.version = Version::HTTP_10;
    let two = [("host", "localhost"), ("host", "localhost")];

    assert_eq!(verdict("GET /", &[]), Err(GuardError::NoHost));
    assert_eq!(
        verdict("GET /", &two),
        Err(GuardError::SeveralHosts { count: 2 })
    );
    assert_eq!(check(&old, Scheme::Http, &known()), Ok(()));
    let mut old = head("GET /", &two);
    old.version = Version::HTTP_10;
    assert_eq!(
        check(&old, Scheme::Http, &known()),
        Err(GuardError::SeveralHosts { count: 2 })
    );
}

#[test]
fn an_absolute_target_agrees_with_the_host() {
    for (target, host) in [
        ("http://localhost/", "localhost"),
        ("http://LOCALHOST:5001/", "localhost.:5001"),
        ("http://localhost:5001/", "localhost"),
        ("http://localhost/", "localhost:5001"),
        ("http://[::1]/", "[0:0:0:0:0:0:0:1]"),
    ] {
        assert_eq!(
            verdict(&format!("GET {target}"), &[("host", host)]),
            Ok(()),
            "{target} {host}"
        );
    }
    for (target, host) in [
        ("http://evil.example/", "localhost"),
        ("http://localhost/", "127.0.0.1"),
        ("http://localhost:5001/", "localhost:5002"),
    ] {
        let said = verdict(&format!("GET {target}"), &[("host", host)]);
        assert!(
            matches!(said, Err(GuardError::Disagreeing { .. })),
            "{target} {host}: {said:?}"
        );
    }
    assert_eq!(
        verdict("GET http://user@localhost/", &[("host", "localhost")]),
        Err(GuardError::BrokenHost)
    );
    let foreign = [("host", "evil.example")];
    assert!(verdict("GET http://evil.example/", &foreign).is_err());
}

#[test]
fn an_absolute_target_without_host_is_judged_like_a_host() {
    let mut old = head("GET http://evil.example/", &[]);
    old.version = Version::HTTP_10;

    assert!(matches!(
        check(&old, Scheme::Http, &known()),
        Err(GuardError::Misdirected { .. })
    ));
}

#[test]
fn where_the_browser_says_its_site_that_alone_decides() {
    for (site, passes) in [
        ("same-origin", true),
        ("none", true),
        ("same-site", false),
        ("cross-site", false),
        ("Same-Origin", false),
        ("", false),
    ] {
        for origin in ["http://localhost:5001", "https://evil.example", "null"] {
            let headers = [
                ("host", "localhost:5001"),
                ("sec-fetch-site", site),
                ("origin", origin),
            ];
            let said = verdict("POST /register", &headers);
            assert_eq!(said.is_ok(), passes, "{site} {origin}: {said:?}");
        }
    }
    let twice = [
        ("host", "localhost"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "cross-site"),
    ];
    assert!(verdict("POST /register", &twice).is_err());
}

#[test]
fn a_page_that_came_without_tls_is_foreign_where_tls_is_spoken() {
    let verdict = |by, host: &str, origin: &str| {
        let head = head("POST /refresh_all", &[("host", host), ("origin", origin)]);
        check(&head, by, &known()).is_ok()
    };
    for (host, origin, by_http, by_https) in [
        ("nas.lan:5001", "https://nas.lan:5001", true, true),
        ("nas.lan:5001", "http://nas.lan:5001", true, false),
        ("nas.lan:5001", "https://nas.lan", false, false),
        ("nas.lan:443", "https://nas.lan", true, true),
        ("nas.lan", "https://nas.lan", true, true),
        ("nas.lan", "http://nas.lan", true, false),
        ("nas.lan:80", "http://nas.lan", true, false),
        ("nas.lan:443", "http://nas.lan", false, false),
    ] {
        assert_eq!(
            verdict(Scheme::Http, host, origin),
            by_http,
            "{host} {origin}"
        );
        assert_eq!(
            verdict(Scheme::Https, host, origin),
            by_https,
            "{host} {origin}"
        );
    }
}

#[test]
fn only_a_proxy_may_have_dropped_the_port() {
    let direct = [("host", "nas.lan"), ("origin", "http://nas.lan:8088")];
    assert!(verdict("POST /register", &direct).is_err());

    for name in FORWARDING {
        let passed_on = [direct[0], direct[1], (name, "192.0.2.1")];
        assert!(verdict("POST /register", &passed_on).is_ok(), "{name}");
        let foreign = [direct[0], ("origin", "http://evil.lan:8088"), (name, "x")];
        assert!(verdict("POST /register", &foreign).is_err(), "{name}");
    }
}

#[test]
fn else_the_origin_is_ours() {
    for (host, origin, passes) in [
        ("localhost:5001", "http://localhost:5001", true),
        ("LocalHost.:5001", "http://localhost:5001", true),
        ("localhost:5001", "http://localhost:5002", false),
        ("localhost:5001", "http://localhost", false),
        ("localhost:5001", "http://127.0.0.1:5001", false),
        ("localhost", "http://localhost", true),
        ("localhost", "http://localhost:8088", false),
        ("localhost:80", "http://localhost", true),
        ("localhost:443", "https://localhost", true),
        ("localhost:443", "http://localhost", false),
        ("[::1]:5001", "http://[::1]:5001", true),
        ("[::1]:5001", "http://[::2]:5001", false),
        ("registry.example.com", "https://registry.example.com", true),
        ("registry.example.com", "https://evil.example", false),
        ("localhost", "null", false),
        ("localhost", "file://", false),
        ("localhost", "", false),
        ("localhost", "localhost", false),
        ("localhost", "ftp://localhost", false),
        ("localhost", "http://localhost/", false),
        ("localhost", "http://localhost@evil.example", false),
        ("localhost", "chrome-extension://abcdefgh", false),
    ] {
        for method in ["POST /register", "DELETE /services/a", "PUT /register"] {
            let said = verdict(method, &[("host", host), ("origin", origin)]);
            assert_eq!(said.is_ok(), passes, "{method} {host} {origin}: {said:?}");
        }
    }
}

#[test]
fn an_origin_without_any_host_of_ours_is_foreign() {
    let mut old = head("POST /register", &[("origin", "http://localhost")]);
    old.version = Version::HTTP_10;

    assert!(matches!(
        check(&old, Scheme::Http, &known()),
        Err(GuardError::Foreign { .. })
    ));
}

#[test]
fn who_sends_neither_is_no_browser_and_reading_is_free() {
    let foreign = [
        ("host", "localhost"),
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ];

    assert_eq!(verdict("POST /register", &[("host", "localhost")]), Ok(()));
    assert_eq!(verdict("GET /services", &foreign), Ok(()));
    assert_eq!(verdict("HEAD /services", &foreign), Ok(()));
}

#[test]
fn what_a_browser_said_is_quoted_without_harm() {
    let site = format!("https://<evil> \u{e9}{}", "x".repeat(1_000));
    let headers = [("host", "localhost"), ("origin", site.as_str())];

    let Err(GuardError::Foreign { site }) = verdict("POST /register", &headers) else {
        panic!("a foreign site passed");
    };

    assert_eq!(site.len(), MAX_HOST_BYTES);
    assert!(site.is_ascii());
}

proptest! {
    #[test]
    fn any_host_and_origin_get_a_verdict(host in "\\PC{0,40}", origin in "\\PC{0,40}") {
        let said = verdict("POST /register", &[("host", &host), ("origin", &origin)]);

        if let Err(error) = said {
            prop_assert!(error.to_string().len() < 1_000);
        }
    }

    #[test]
    fn a_name_passes_only_where_nobody_else_can_own_it(name in "[a-z.-]{1,20}(local|test|com|example)\\.?(:[0-9]{0,6})?") {
        let passes = verdict("GET /", &[("host", &name)]).is_ok();

        let bare = name.split(':').next().unwrap().trim_end_matches('.');
        if passes && bare.contains('.') {
            let domain = bare.rsplit('.').next().unwrap();
            prop_assert!(["local", "test"].contains(&domain), "{}", name);
        }
    }
}
