//! What the documents promise, checked: complete tables, short pages, links that lead somewhere.

use std::path::{Path, PathBuf};

use lastbeat_proto::endpoint::ENDPOINTS;
use lastbeat_proto::problem::SLUGS;

use crate::runner::tracked;

/// Longest README, in lines.
const MAX_README_LINES: usize = 200;
/// Longest decision, in lines.
const MAX_DECISION_LINES: usize = 60;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn documents() -> Vec<String> {
    tracked(&root(), &["*.md"]).unwrap()
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();

    assert!(lines <= MAX_README_LINES, "README.md has {lines} lines");
}

#[test]
fn every_decision_is_short() {
    let decisions = tracked(&root(), &["docs/decisions/*.md"]).unwrap();

    assert!(!decisions.is_empty());
    for path in decisions {
        let lines = read(&path).lines().count();
        assert!(lines <= MAX_DECISION_LINES, "{path} has {lines} lines");
    }
}

#[test]
fn every_endpoint_stands_in_the_readme_and_in_the_api_document() {
    for path in ["README.md", "docs/api.md"] {
        let text = read(path);
        for endpoint in ENDPOINTS {
            let call = format!("`{} {}`", endpoint.method.word(), endpoint.path);
            assert!(text.contains(&call), "{path} lacks {call}");
        }
    }
}

#[test]
fn the_api_document_names_the_scope_of_every_endpoint() {
    let text = read("docs/api.md");

    for endpoint in ENDPOINTS {
        let (method, path) = (endpoint.method.word(), endpoint.path);
        let row = format!("| `{method} {path}` | {} |", endpoint.scope.word());
        assert!(text.contains(&row), "docs/api.md lacks {row}");
    }
}

#[test]
fn every_problem_stands_in_the_api_document_with_its_status_and_title() {
    let text = read("docs/api.md");

    for (_, slug, status, title) in SLUGS {
        let row = format!("| `{slug}` | {status} | {title} |");
        assert!(text.contains(&row), "docs/api.md lacks {row}");
    }
}

#[test]
fn the_readme_shows_the_terminal_as_it_was_captured() {
    let capture = read("docs/img/terminal.txt");

    assert!(
        read("README.md").contains(capture.trim_end()),
        "README.md shows another terminal than docs/img/terminal.txt"
    );
}

#[test]
fn the_keys_of_the_terminal_client_stand_where_people_look() {
    let table = lastbeat::keymap::markdown_table();

    for document in ["README.md", "docs/terminal.md"] {
        assert!(read(document).contains(&table), "{document} lacks\n{table}");
    }
}

#[test]
fn every_theme_stands_in_the_document_of_the_terminal_client() {
    for theme in lastbeat::config::Theme::ALL {
        let row = format!("| `{}` | ", theme.word());
        assert!(read("docs/terminal.md").contains(&row), "{row}");
    }
}

#[test]
fn every_setting_of_the_daemon_stands_in_the_operations_document() {
    let text = read("docs/operations.md");

    for setting in &lastbeatd::config::SETTINGS {
        let name = setting.key.replace('-', "_");
        let value = setting.value.map(|value| format!(" {value}"));
        let default = setting.default.map(|default| format!("`{default}`"));
        let key = match setting.key {
            "config" => String::new(),
            _ => format!("`{name}`"),
        };
        let row = format!(
            "| `--{}{}` | `LASTBEAT_{}` | {key} | {} | {} |",
            setting.key,
            value.unwrap_or_default(),
            name.to_uppercase(),
            default.unwrap_or_default(),
            setting.help
        );
        assert!(text.contains(&row), "docs/operations.md lacks\n{row}");
    }
}

#[test]
fn every_metric_stands_in_the_operations_document() {
    let text = read("docs/operations.md");
    let rows = lastbeatd::http::METRICS.iter().map(|metric| {
        let (name, labels) = (metric.name, metric.labels);
        let (kind, help) = (metric.kind.word(), metric.help);
        format!("| `{name}{labels}` | {kind} | {help} |\n")
    });
    let table: String = rows.collect();

    assert!(text.contains(&table), "docs/operations.md lacks\n{table}");
    assert_eq!(
        text.matches("| `lastbeat_").count(),
        lastbeatd::http::METRICS.len(),
        "docs/operations.md has a metric too many"
    );
}

#[test]
fn every_setting_of_the_client_stands_in_the_operations_document() {
    use lastbeat::config::{Kind, SETTINGS};
    let text = read("docs/operations.md");

    for setting in &SETTINGS {
        let value = match setting.kind {
            Kind::Text(value) | Kind::Signed(value) => format!(" {value}"),
            Kind::Word(words) => format!(" {}", words.join("\\|")),
            Kind::Switch => String::new(),
        };
        let quoted = |text: Option<&str>| text.map_or(String::new(), |text| format!("`{text}`"));
        let row = format!(
            "| `--{}{value}` | {} | {} | {} |",
            setting.name,
            quoted(setting.variable),
            quoted(setting.default),
            setting.help
        );
        assert!(text.contains(&row), "docs/operations.md lacks\n{row}");
    }
}

#[test]
fn every_link_between_documents_leads_to_a_file() {
    for path in documents() {
        let text = read(&path);
        let folder = root().join(&path).parent().unwrap().to_owned();
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            assert!(folder.join(target).exists(), "{path} links to {target}");
        }
    }
}

#[test]
fn every_rust_file_opens_with_what_it_is() {
    for path in tracked(&root(), &["*.rs"]).unwrap() {
        // The tests of the file beside it, moved out for their length.
        if path.ends_with("/tests.rs") {
            continue;
        }
        assert!(
            read(&path).starts_with("//!"),
            "{path} does not open with //!"
        );
    }
}

#[test]
fn no_file_speaks_of_the_machine_it_was_written_on() {
    // In pieces, so that this file does not contain them.
    let foreign = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/fa", "rm/"),
        concat!(".lib", "rary"),
        concat!("BEGIN PRI", "VATE KEY"),
    ];
    for path in tracked(&root(), &[]).unwrap() {
        // What is not text cannot be read as such.
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else {
            continue;
        };
        for word in foreign {
            assert!(!text.contains(word), "{path} contains {word}");
        }
    }
}

#[test]
fn the_tree_has_neither_http2_nor_a_foreign_tls() {
    let lock = read("Cargo.lock");

    for name in [
        "h2",
        "openssl",
        "openssl-sys",
        "native-tls",
        "aws-lc-rs",
        "aws-lc-sys",
    ] {
        let line = format!("name = \"{name}\"");
        assert!(!lock.lines().any(|found| found == line), "{name}");
    }
}
