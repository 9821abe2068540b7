//! The licenses of everything that is compiled into the programs: most ask to be shipped with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::runner::call;

/// How the file of a license begins.
const NAMES: [&str; 6] = [
    "LICENSE",
    "LICENCE",
    "COPYING",
    "COPYRIGHT",
    "NOTICE",
    "UNLICENSE",
];
/// Where [`SUPPLIED`] stands.
const TABLE: &str = "xtask/src/package/licenses.rs";
/// Compiled into the daemon by `libsqlite3-sys`, whose own license is another.
const SQLITE: &str = "SQLite is compiled in. Its authors dedicated it to the public domain.\n";

/// What is shipped for a crate that has no license beside its `Cargo.toml`.
struct Supplied {
    /// The crate.
    name: &'static str,
    /// What its `Cargo.toml` must still say.
    license: &'static str,
    /// What to know of it.
    note: &'static str,
    /// A text elsewhere in its folder.
    file: &'static str,
}

/// All of these crates.
const SUPPLIED: [Supplied; 1] = [Supplied {
    name: "font-awesome-as-a-crate",
    license: "CC-BY-4.0 AND MIT",
    note: "The icons are Font Awesome Free 6.2.0 by @fontawesome, https://fontawesome.com, used\n\
           unchanged under CC-BY-4.0: https://creativecommons.org/licenses/by/4.0/legalcode\n\
           Their text follows; of fonts nothing is compiled in.\n\
           The code around the icons is of the authors of docs.rs,\n\
           https://github.com/rust-lang/docs.rs, under the MIT License, whose text is\n\
           the same but for its copyright line.",
    file: "fontawesome-free-6.2.0-desktop/LICENSE.txt",
}];

/// One text with all of them.
///
/// # Errors
/// When cargo cannot say what is compiled in, a license cannot be read, or a crate has none.
pub(crate) fn text() -> Result<String> {
    let linked = linked()?;
    // Of other platforms' crates nothing need be on this machine.
    let metadata = said(
        call(&["metadata", "--format-version", "1", "--locked"]).args([
            "--filter-platform",
            said(Command::new("rustc").args(["--print", "host-tuple"]))?.trim(),
        ]),
    )?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata has no packages")?;
    let mut text = format!("What is compiled into lastbeatd and lastbeat.\n\n{SQLITE}\n");
    // Many crates bear the same text, so each stands there once.
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages {
        let word = |key: &str| package[key].as_str().unwrap_or_default();
        let name = format!("{} v{}", word("name"), word("version"));
        if !linked.contains(&name) || package["source"].is_null() {
            continue;
        }
        text = text + &name + ": " + word("license") + "\n";
        let folder = Path::new(word("manifest_path"))
            .parent()
            .context("a crate lies in no folder")?;
        for license in texts_of(word("name"), word("license"), folder)? {
            texts.entry(license).or_default().push(name.clone());
        }
    }
    ensure!(!texts.is_empty(), "nothing is compiled in, says cargo tree");
    for (license, names) in texts {
        let line = "=".repeat(78);
        text = text + "\n" + &line + "\n" + &names.join(", ") + "\n\n" + &license + "\n";
    }
    Ok(text)
}

/// `name v1.2.3` of every crate in the two programs.
fn linked() -> Result<BTreeSet<String>> {
    let tree = said(&mut call(&[
        "tree",
        "--locked",
        "-p",
        "lastbeatd",
        "-p",
        "lastbeat",
        "-e",
        "normal",
        "--prefix",
        "none",
    ]))?;
    Ok(tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some(format!("{} {}", words.next()?, words.next()?))
        })
        .collect())
}

/// What is shipped for a crate: the texts beside its `Cargo.toml`, else the supplied one.
fn texts_of(name: &str, license: &str, folder: &Path) -> Result<Vec<String>> {
    let found = license_files(folder)?;
    let supplied = SUPPLIED.iter().find(|supplied| supplied.name == name);
    let Some(supplied) = supplied else {
        ensure!(
            !found.is_empty(),
            "{name} ({license}) ships no text of its license; add it to SUPPLIED in {TABLE}"
        );
        return Ok(found);
    };
    ensure!(
        found.is_empty(),
        "{name} ships the text of its license now; take it out of SUPPLIED in {TABLE}"
    );
    ensure!(
        supplied.license == license,
        "{name} is licensed {license} now and not {}; look at SUPPLIED in {TABLE}",
        supplied.license
    );
    let text = read(&folder.join(supplied.file))?;
    Ok(vec![format!("{}\n\n{text}", supplied.note)])
}

/// The texts of the licenses in a crate's folder, by the order of their names.
fn license_files(folder: &Path) -> Result<Vec<String>> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .with_context(|| format!("cannot look into {}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.retain(|path| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_uppercase();
        path.is_file() && NAMES.iter().any(|begin| name.starts_with(begin))
    });
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<String> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.trim_end().replace("\r\n", "\n"))
}

fn said(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    ensure!(
        output.status.success(),
        "{} ended with {}: {}",
        command.get_program().display(),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).context("cargo does not speak UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_in_the_programs_is_named_with_its_license() {
        let text = text().unwrap();

        for name in [
            "hyper v",
            "ratatui v",
            "libsqlite3-sys v",
            "font-awesome-as-a-crate v",
        ] {
            assert!(text.lines().any(|line| line.starts_with(name)), "{name}");
        }
        assert!(text.contains("Permission is hereby granted"));
        assert!(text.contains("Copyright 2022 Fonticons, Inc."), "supplied");
        // Used by tests alone, and our own.
        for name in ["proptest v", "lastbeatd v"] {
            assert!(!text.lines().any(|line| line.starts_with(name)), "{name}");
        }
    }

    #[test]
    fn a_crate_without_a_text_is_an_error_unless_one_is_supplied() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        let told = |name, license| {
            let error = texts_of(name, license, folder).unwrap_err();
            format!("{error:#}")
        };
        let Supplied {
            name,
            license,
            note,
            file,
        } = &SUPPLIED[0];

        let none = told("hyper", "MIT");
        assert!(none.contains("hyper (MIT) ships no text"), "{none}");
        let changed = told(name, "Apache-2.0");
        assert!(changed.contains("Apache-2.0 now"), "{changed}");
        let moved = told(name, license);
        assert!(moved.contains("cannot read"), "{moved}");

        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "Copyright somebody\r\n").unwrap();
        let supplied = texts_of(name, license, folder).unwrap();
        assert_eq!(supplied, [format!("{note}\n\nCopyright somebody")]);

        fs::write(folder.join("LICENSE-MIT"), "Copyright us\n").unwrap();
        let own = texts_of("hyper", "MIT", folder).unwrap();
        assert_eq!(own, ["Copyright us"]);
        let needless = told(name, license);
        assert!(needless.contains("ships the text"), "{needless}");
    }
}
