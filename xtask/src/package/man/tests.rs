use std::process::{Command as Program, Stdio};

use super::*;

fn operations() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
    std::fs::read_to_string(path).unwrap()
}

fn pages() -> [(&'static str, Vec<u8>); 2] {
    let operations = operations();
    let source = Source {
        operations: &operations,
        day: "2026-11-25",
    };
    [
        ("lastbeatd.8", daemon(&source).unwrap()),
        ("lastbeat.1", client(&source).unwrap()),
    ]
}

/// A page without what sets its type.
fn plain(page: &[u8]) -> String {
    let mut text = String::from_utf8(page.to_vec()).unwrap();
    for (escape, shown) in [
        ("\\fB", ""),
        ("\\fI", ""),
        ("\\fR", ""),
        ("\\-", "-"),
        ("\\*(Aq", "'"),
        ("\\.", "."),
    ] {
        text = text.replace(escape, shown);
    }
    text
}

#[test]
fn every_setting_of_the_daemon_stands_in_its_man_page() {
    let text = plain(&pages()[0].1);

    for setting in &lastbeatd::config::SETTINGS {
        let variable = format!(
            "\nLASTBEAT_{}\n",
            setting.key.replace('-', "_").to_uppercase()
        );
        assert!(text.contains(&variable), "{variable} in {text}");
        let flag = format!("\n--{}", setting.key);
        assert!(
            text.contains(&flag) && text.contains(setting.help),
            "{flag} in {text}"
        );
    }
}

#[test]
fn every_setting_of_the_client_stands_in_its_man_page() {
    use lastbeat::config::{BEAT_SETTINGS, SETTINGS};
    let text = plain(&pages()[1].1);

    for setting in SETTINGS.iter().chain(&BEAT_SETTINGS) {
        let flag = format!("\n--{}", setting.name);
        assert!(
            text.contains(&flag) && text.contains(setting.help),
            "{flag} in {text}"
        );
        if let Some(variable) = setting.variable {
            assert!(
                text.contains(&format!("\n{variable}\n")),
                "{variable} in {text}"
            );
        }
    }
}

/// The heading and summary of every command of a program, of those below a command, too.
fn headings(program: &clap::Command, above: &str) -> Vec<String> {
    let mut found = Vec::new();
    for command in program.get_subcommands() {
        let name = format!("{above}{}", command.get_name());
        let quote = if above.is_empty() { "" } else { "\"" };
        let about = command.get_about().unwrap();
        found.push(format!(".SS {quote}{name}{quote}\n{about}"));
        found.extend(headings(command, &format!("{name} ")));
    }
    found
}

#[test]
fn every_command_of_both_programs_stands_in_its_man_page() {
    for ((_, page), program) in pages().iter().zip(super::super::completions::programs()) {
        let text = plain(page);
        let headings = headings(&program, "");
        assert!(!headings.is_empty());
        for heading in headings {
            assert!(text.contains(&heading), "{heading} in {text}");
        }
    }
}

#[test]
fn files_signals_and_exit_codes_are_those_of_the_document() {
    let [(_, daemon), (_, client)] = pages();
    let (daemon, client) = (plain(&daemon), plain(&client));

    for entry in [
        "\nmonitoring.db.lock\nkeeps a second daemon away from the file",
        "\n/etc/lastbeat/lastbeatd.toml\n",
        "\nSIGTERM, SIGINT\n",
        "\n4\nthe database is in use by another daemon\n",
    ] {
        assert!(daemon.contains(entry), "{entry} in {daemon}");
    }
    assert!(
        client.contains("\n70\na fault of ours; the terminal is restored\n"),
        "{client}"
    );
}

#[test]
#[ignore = "needs mandoc"]
fn mandoc_has_nothing_to_say_about_the_man_pages() {
    lint("mandoc", &["-T", "lint", "-W", "warning"]);
}

#[test]
#[ignore = "needs man-db"]
fn man_has_nothing_to_say_about_the_man_pages() {
    lint(
        "man",
        &[
            "--warnings",
            "--local-file",
            "--troff-device=utf8",
            "--ditroff",
        ],
    );
}

/// Runs a program on each page; it must say nothing but the page.
fn lint(program: &str, arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    for (name, page) in pages() {
        let path = folder.path().join(name);
        std::fs::write(&path, page).unwrap();

        let output = Program::new(program)
            .args(arguments)
            .arg(&path)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .unwrap();

        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "", "{name}");
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
}
