//! Addresses in every form that devices, containers and people write.

use crate::daemon::Daemon;
use crate::raw::request;

#[tokio::test]
async fn every_spelling_of_an_address_is_one_address() {
    let daemon = Daemon::start();

    for (given, ip, port) in [
        ("2001:db8::7", "2001:db8::7", None),
        ("[2001:db8::7]", "2001:db8::7", None),
        ("2001:DB8:0:0:0:0:0:7", "2001:db8::7", None),
        ("fe80::1%eth0", "fe80::1%eth0", None),
        ("::ffff:192.0.2.9", "192.0.2.9", None),
        ("auth.example.com", "auth.example.com", None),
        ("8450c14378de", "8450c14378de", None),
        ("192.0.2.10:8080", "192.0.2.10", Some(8080)),
        ("[2001:db8::7]:8080", "2001:db8::7", Some(8080)),
        (" 192.0.2.10 ", "192.0.2.10", None),
        ("localhost", "localhost", None),
    ] {
        let service = &daemon.register("a", given).await["service"];

        assert_eq!(service["ip"], ip, "{given}");
        assert_eq!(service["port"].as_u64(), port, "{given}");
    }
    assert_eq!(daemon.rows().await.len(), 9);
}

#[tokio::test]
async fn what_is_no_address_is_refused_with_the_reason() {
    let daemon = Daemon::start();
    let long = "a".repeat(300);

    for (given, said) in [
        ("192.0.2.010", "leading zeros"),
        ("999.1.1.1", "from 0 to 255"),
        ("http://192.0.2.10/", "no scheme"),
        ("", "is empty"),
        (long.as_str(), "the limit is 253"),
        ("192.0.2.1:0", "1 to 65535"),
    ] {
        let body = serde_json::json!({ "name": "a", "ip": given }).to_string();
        let reply = daemon.send("POST", "/register", &body).await;

        assert_eq!(reply.status, 400, "{given}");
        let problem = reply.json();
        assert_eq!(problem["errors"][0]["field"], "ip", "{given}");
        assert!(
            problem["error"].as_str().unwrap().contains(said),
            "{given}: {problem}"
        );
    }
    assert!(daemon.rows().await.is_empty());
}

#[tokio::test]
async fn who_sends_no_address_is_registered_where_the_request_came_from() {
    let daemon = Daemon::start();

    let reply = daemon.send("POST", "/register", r#"{"name": "a"}"#).await;

    assert_eq!(reply.json()["service"]["ip"], "127.0.0.1");
    let message = reply.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("127.0.0.1"), "{message}");
}

#[tokio::test]
async fn behind_a_proxy_nobody_is_registered_as_the_proxy() {
    let daemon = Daemon::start();
    let bare = br#"{"name": "a"}"#;
    let full = br#"{"name": "a", "ip": "192.0.2.10"}"#;

    for header in ["X-Forwarded-For: 192.0.2.10", "Forwarded: for=192.0.2.10"] {
        let refused = daemon
            .ask(&request("POST", "/register", &[header], bare))
            .await;
        let accepted = daemon
            .ask(&request("POST", "/register", &[header], full))
            .await;

        assert_eq!(refused.status, 400, "{header}");
        assert_eq!(refused.json()["errors"][0]["field"], "ip");
        assert!(
            refused.json()["error"]
                .as_str()
                .unwrap()
                .contains("send ip")
        );
        assert_eq!(accepted.status, 200, "{header}");
    }
}
