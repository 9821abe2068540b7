//! Imports point one way: every `use crate::…` is compared with the ranks of
//! `docs/architecture.md`, and what a layer must not contain is looked for.

use std::path::{Path, PathBuf};

/// Modules by rank; a module imports lower ranks only, and none of its own.
const RANKS: [&[&str]; 9] = [
    &["config", "clock", "token"],
    &["instance"],
    &["state"],
    &["store"],
    &["registry"],
    &["sweep", "flush", "found", "http/"],
    &["http"],
    &["lib"],
    &["cli", "main"],
];

/// What may stand in these files only.
const CONFINED: [(&str, &[&str]); 8] = [
    ("rusqlite", &["store"]),
    ("hyper::", &["http"]),
    ("rustls::", &["http", "cli"]),
    ("StatusCode::", &["http"]),
    ("SystemTime::now", &["clock"]),
    ("Instant::now", &["clock"]),
    ("env::var", &["cli"]),
    ("ExitCode", &["main"]),
];

/// What the pure layers never contain.
const IMPURE: [&str; 6] = [
    "tokio::",
    "std::fs",
    "tracing",
    "Mutex",
    "async ",
    "std::net::Tcp",
];

fn sources() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(&root).unwrap().with_extension("");
                found.push((name.to_str().unwrap().to_owned(), path));
            }
        }
    }
    assert!(20 < found.len());
    found
}

/// The rank of a module path such as `state/judge` or `http/guard`.
fn rank(module: &str) -> usize {
    let top = module.split('/').next().unwrap();
    let key = if top == "http" && module != "http" {
        "http/"
    } else {
        top
    };
    RANKS
        .iter()
        .position(|names| names.contains(&key))
        .unwrap_or_else(|| panic!("{module} has no rank; add it to the table and to the docs"))
}

/// The code of a file without its tests and comments.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
    let is_code = |line: &str| !line.trim_start().starts_with("//");
    code.lines()
        .enumerate()
        .filter(|(_, line)| is_code(line))
        .map(|(index, line)| (index + 1, line.to_owned()))
        .collect()
}

#[test]
fn imports_point_down() {
    let mut wrong = Vec::new();
    for (module, path) in sources() {
        if module.ends_with("tests") {
            continue;
        }
        for (line, text) in code(&path) {
            for (start, _) in text.match_indices("crate::") {
                let is_word = |c: char| c.is_alphanumeric() || c == '_';
                let (before, from) = text.split_at(start);
                if before.ends_with(is_word) {
                    continue; // The end of another crate's name.
                }
                let part = from.trim_start_matches("crate::");
                let target: String = part.chars().take_while(|c| is_word(*c)).collect();
                let target = if target.chars().next().is_some_and(char::is_lowercase) {
                    target
                } else {
                    "lib".to_owned() // An item of the crate's root.
                };
                let same = module.split('/').next() == Some(target.as_str());
                if !same && rank(&module) <= rank(&target) {
                    wrong.push(format!("{module}:{line} imports {target}"));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn what_is_confined_stays_where_it_is() {
    let mut wrong = Vec::new();
    for (module, path) in sources() {
        if module.ends_with("tests") {
            continue;
        }
        let top = module.split('/').next().unwrap();
        for (line, text) in code(&path) {
            for (word, homes) in CONFINED {
                if text.contains(word) && !homes.contains(&top) {
                    wrong.push(format!("{module}:{line} has {word}"));
                }
            }
            let is_pure = matches!(top, "instance" | "state");
            if is_pure && let Some(word) = IMPURE.iter().find(|word| text.contains(**word)) {
                wrong.push(format!("{module}:{line} is pure and has {word}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
