//! Imports point one way, and what is pure, or allowed in one place only, stays so.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules by rank: a file may import only from ranks above its own in this list. Children belong
/// to their parent's rank, but those under `view` stand before it.
const RANKS: [&[&str]; 10] = [
    &["clock", "text", "keymap"],
    &["config"],
    &["model"],
    &["update"],
    &["theme", "canvas", "client"],
    &["poll", "once", "beat", "view/"],
    &["view"],
    &["terminal"],
    &["run"],
    &["cli"],
];

/// Words that may stand only in files of these modules.
const ONLY_IN: [(&str, &[&str]); 10] = [
    (
        "ratatui::",
        &["theme", "canvas", "view", "view/", "terminal"],
    ),
    ("crossterm::", &["terminal"]),
    ("hyper::", &["client"]),
    ("rustls::", &["client"]),
    ("anyhow", &[]),
    ("clap::", &["cli"]),
    ("env::var", &["config"]),
    ("clock_gettime", &["clock"]),
    ("ExitCode", &[]),
    ("std::io::stderr", &["beat"]),
];

/// What pure modules must not contain.
const IMPURE: [&str; 8] = [
    "async ",
    "tokio",
    "std::io",
    "std::fs",
    "std::net::Tcp",
    "Mutex",
    "Mono::now",
    "std::env",
];
const PURE: [&str; 2] = ["model", "update"];

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// The module of a file as the list of ranks names it; none for the crate's roots and fixtures.
fn module_of(path: &Path) -> Option<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let inside = path.strip_prefix(source).unwrap().with_extension("");
    let mut parts = inside.iter().map(|part| part.to_str().unwrap());
    let first = parts.next()?;
    match (first, parts.next()) {
        ("main" | "lib" | "fixture", _) | ("view", Some("tests")) => None,
        ("view", Some(_)) => Some("view/".to_owned()),
        (module, _) => Some(module.to_owned()),
    }
}

fn rank_of(module: &str) -> usize {
    let rank = RANKS.iter().position(|modules| modules.contains(&module));
    rank.unwrap_or_else(|| panic!("{module} has no rank; give it one in RANKS"))
}

/// The text without its tests.
fn product(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

#[test]
fn imports_point_one_way() {
    for (path, text) in sources() {
        let Some(module) = module_of(&path) else {
            continue;
        };
        if path.to_string_lossy().contains("tests") {
            continue;
        }
        for (number, line) in product(&text).lines().enumerate() {
            for rest in line.split("crate::").skip(1) {
                let imported: String = rest
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let is_same = imported == module;
                assert!(
                    is_same || rank_of(&imported) < rank_of(&module),
                    "{}:{}: {module} imports {imported}",
                    path.display(),
                    number + 1
                );
            }
            let sideways = module == "view/" && line.contains("super::super");
            assert!(
                !sideways,
                "{}:{}: a region imports its screen",
                path.display(),
                number + 1
            );
        }
    }
}

#[test]
fn what_belongs_in_one_place_is_there_only() {
    for (path, text) in sources() {
        let Some(module) = module_of(&path) else {
            continue;
        };
        if path.to_string_lossy().contains("tests") {
            continue;
        }
        for (word, allowed) in ONLY_IN {
            let is_allowed = allowed.contains(&module.as_str());
            assert!(
                is_allowed || !product(&text).contains(word),
                "{} contains {word}",
                path.display()
            );
        }
    }
}

#[test]
fn model_and_update_are_pure() {
    for (path, text) in sources() {
        let is_pure = module_of(&path).is_some_and(|module| PURE.contains(&module.as_str()));
        if !is_pure || path.to_string_lossy().contains("tests") {
            continue;
        }
        for word in IMPURE {
            assert!(
                !product(&text).contains(word),
                "{} contains {word}",
                path.display()
            );
        }
    }
}

#[test]
fn every_file_says_what_it_is_and_is_short() {
    for (path, text) in sources() {
        assert!(
            text.starts_with("//!"),
            "{} does not open with //!",
            path.display()
        );
        let lines = product(&text).lines().count();
        let limit = if path.to_string_lossy().contains("tests") {
            400
        } else {
            300
        };
        assert!(
            lines <= limit,
            "{} has {lines} lines; the limit is {limit}",
            path.display()
        );
    }
}
