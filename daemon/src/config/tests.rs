use super::*;

fn given(pairs: &[(&'static str, &str)]) -> Given {
    pairs
        .iter()
        .map(|(key, value)| (*key, (format!("--{key}"), vec![(*value).to_owned()])))
        .collect()
}

fn refused(pairs: &[(&'static str, &str)]) -> String {
    Config::resolve(&[given(pairs)], None)
        .unwrap_err()
        .to_string()
}

#[test]
fn every_default_can_be_used() {
    let config = Config::resolve(&[], None).unwrap();

    assert_eq!(config.rules.ttl, Span::from_secs(60));
    assert_eq!(config.db, PathBuf::from("monitoring.db"));
    assert_eq!(config.limits.instances, 100_000);
}

#[test]
fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
    let (flag, variable, file) = (
        given(&[("ttl", "3s")]),
        given(&[("ttl", "4s"), ("flush", "5s")]),
        given(&[("flush", "6s"), ("gone-for", "7d")]),
    );

    let config = Config::resolve(&[flag, variable, file], None).unwrap();

    assert_eq!(config.rules.ttl, Span::from_secs(3));
    assert_eq!(config.flush, Span::from_secs(5));
    assert_eq!(config.rules.gone_for, Span::from_secs(7 * 86_400));
    assert_eq!(config.rules.remove_after, Span::from_secs(60));
}

#[test]
fn variables_are_named_after_their_flags() {
    let given = from_environment(|name| match name {
        "LASTBEAT_REMOVE_AFTER" => Some("5m".to_owned()),
        "LASTBEAT_LISTEN" => Some("127.0.0.1:1, [::1]:2".to_owned()),
        _ => None,
    });

    let config = Config::resolve(&[given], None).unwrap();

    assert_eq!(config.rules.remove_after, Span::from_secs(300));
    assert_eq!(config.listen.len(), 2);
}

#[test]
fn what_cannot_be_used_says_where_it_was_given_and_what_is_right() {
    assert_eq!(
        refused(&[("ttl", "60")]),
        "cannot use --ttl 60: it is not a length of time; write a whole number and a unit: \
         500ms, 60s, 10m, 24h or 7d"
    );
    assert!(refused(&[("ttl", "1s")]).contains("is not between 2s and"));
    assert!(refused(&[("listen", "5001")]).contains("127.0.0.1:5001 or [::1]:5001"));
    assert!(refused(&[("max-instances", "0")]).contains("from 1 to"));
    assert!(refused(&[("log-level", "loud")]).contains("error, warn"));
    assert!(refused(&[("log-format", "xml")]).contains("text, json"));
    assert!(refused(&[("insecure-no-auth", "maybe")]).contains("true or false"));
}

#[test]
fn a_wide_address_needs_the_word_that_it_is_meant() {
    assert!(refused(&[("listen", "0.0.0.0:5001")]).contains("--insecure-no-auth"));
    let meant = given(&[("listen", "0.0.0.0:5001"), ("insecure-no-auth", "true")]);
    assert!(Config::resolve(&[meant], None).unwrap().is_open);
}

#[test]
fn tokens_are_the_other_way_to_listen_wide() {
    let asked = given(&[("listen", "0.0.0.0:5001"), ("tokens", "/etc/tokens")]);
    let config = Config::resolve(&[asked], None).unwrap();
    assert!(!config.is_open);
    assert_eq!(config.tokens, Some(PathBuf::from("/etc/tokens")));

    let both = refused(&[("tokens", "/etc/tokens"), ("insecure-no-auth", "true")]);
    assert!(both.contains("--insecure-no-auth with --tokens"), "{both}");
    let alone = refused(&[("anonymous-read", "true")]);
    assert!(
        alone.contains("--anonymous-read without --tokens"),
        "{alone}"
    );
}

#[test]
fn tokens_on_a_wide_address_are_seen_where_nobody_speaks_tls() {
    let shown = |more: &[(&'static str, &'static str)]| {
        let tokens = ("tokens", "/etc/tokens");
        let all = given(&[&[tokens], more].concat());
        Config::resolve(&[all], None).unwrap().shows_tokens_on()
    };
    let wide = ("listen", "0.0.0.0:5001");

    assert_eq!(shown(&[wide]), Some("0.0.0.0:5001".parse().unwrap()));
    assert_eq!(shown(&[]), None);
    assert_eq!(shown(&[("listen", "[::1]:5001")]), None);
    assert_eq!(shown(&[wide, ("trusted-proxy", "10.0.0.1")]), None);
    assert_eq!(shown(&[wide, ("tls-cert", "a"), ("tls-key", "b")]), None);
}

#[test]
fn a_trusted_proxy_is_an_address_or_a_network() {
    let mut all = given(&[]);
    let values = ["192.0.2.7", "10.0.0.0/8", "::1", "fd00::/8"];
    let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
    all.insert("trusted-proxy", ("--trusted-proxy".to_owned(), values));

    let config = Config::resolve(&[all], None).unwrap();

    let shown: Vec<String> = config
        .trusted_proxies
        .iter()
        .map(IpNet::to_string)
        .collect();
    assert_eq!(shown, ["192.0.2.7/32", "10.0.0.0/8", "::1/128", "fd00::/8"]);
    for wrong in ["proxy.lan", "10.0.0.0/33", "", "10.0.0.0/8,::1"] {
        let error = refused(&[("trusted-proxy", wrong)]);
        assert!(
            error.contains("192.0.2.7, 10.0.0.0/8 or fd00::/8"),
            "{error}"
        );
    }
}

#[test]
fn the_file_is_read_and_an_unknown_key_is_an_error_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lastbeatd.toml");
    std::fs::write(
        &path,
        "ttl = \"5s\"\nlisten = [\"127.0.0.1:7\"]\nmax_instances = 5\n",
    )
    .unwrap();
    let config = Config::resolve(&[from_file(&path).unwrap()], None).unwrap();
    assert_eq!(config.limits.instances, 5);
    assert_eq!(config.listen.len(), 1);

    std::fs::write(&path, "ttl = \"5s\"\ntll = \"5s\"\n").unwrap();
    let error = from_file(&path).unwrap_err().to_string();
    assert!(error.contains("line 2: unknown key tll"), "{error}");

    for (text, said) in [
        ("ttl_s = 5\nttl = {}\n", "line 2: ttl is not a text"),
        ("flush = \"1s\"\nttl = {}\n", "line 2: ttl is not a text"),
        (
            "ttl = \"5s\"\n\n[server]\nport = 1\n",
            "line 3: unknown key server",
        ),
        (
            "ttl = \"5s\"\n\"odd key\" = 1\n",
            "line 2: unknown key odd key",
        ),
        ("\"tl\\u006C\" = 1\n", ": unknown key tll"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = from_file(&path).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert!(!error.contains("line 0"), "{error}");
    }

    std::fs::write(&path, "ttl = \n").unwrap();
    assert!(
        from_file(&path)
            .unwrap_err()
            .to_string()
            .contains("cannot use the settings in")
    );
    let missing = from_file(&dir.path().join("nope")).unwrap_err().to_string();
    assert!(
        missing.contains("name a readable file with --config"),
        "{missing}"
    );
}

#[test]
fn an_allowed_host_is_a_host_and_nothing_around_it() {
    let mut all = given(&[]);
    let values = [
        "registry.example.com",
        "Registry.Example.COM.",
        "a_b",
        "192.0.2.7",
        "[::1]",
    ];
    let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
    all.insert("allowed-host", ("--allowed-host".to_owned(), values));

    let config = Config::resolve(&[all], None).unwrap();

    assert_eq!(
        config.allowed_hosts,
        [
            "registry.example.com",
            "registry.example.com",
            "a_b",
            "192.0.2.7",
            "::1"
        ]
    );
    for (wrong, said) in [
        ("http://x/", "nor a host name"),
        ("x/path", "nor a host name"),
        ("x y", "nor a host name"),
        ("*.example.com", "nor a host name"),
        ("a,b", "nor a host name"),
        ("", "is empty"),
        (
            "x:5001",
            "names a port, and a host counts with every port; write x",
        ),
        ("[::1]:5001", "write ::1"),
    ] {
        let error = refused(&[("allowed-host", wrong)]);
        assert!(error.contains(said), "{wrong}: {error}");
    }
}

#[test]
fn nobody_may_trust_everybody() {
    for wrong in ["0.0.0.0/0", "::/0"] {
        let error = refused(&[("trusted-proxy", wrong)]);
        assert!(error.contains("is every address there is"), "{error}");
    }
    assert!(Config::resolve(&[given(&[("trusted-proxy", "0.0.0.0/1")])], None).is_ok());
}

#[test]
fn what_is_not_kept_is_not_promised_to_be_shown() {
    let rules = |pairs: &[(&'static str, &str)]| {
        let config = Config::resolve(&[given(pairs)], None).unwrap();
        (config.rules.gone_for, config.rules.tombstones_for)
    };
    let (hour, day) = (Span::from_secs(3_600), Span::from_secs(86_400));

    assert_eq!(
        refused(&[("gone-for", "8d")]),
        "cannot use --gone-for 8d: it is longer than --tombstones-for 7d, and what is not kept \
         cannot be shown; raise that or lower this"
    );
    assert!(refused(&[("gone-for", "2h"), ("tombstones-for", "1h")]).contains("--gone-for 2h"));
    assert_eq!(
        rules(&[("gone-for", "1h"), ("tombstones-for", "1h")]),
        (hour, hour)
    );
    assert_eq!(rules(&[("tombstones-for", "1h")]), (hour, hour));
    assert_eq!(rules(&[]).0, day);
}
