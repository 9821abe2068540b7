//! `cargo xtask deny`: what may be compiled in, by `.config/deny.toml`; where a copy of an advisory
//! database lies on this machine, its warnings, too.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::USAGE;
use crate::runner::call;
use crate::test::root;
use crate::tools::CARGO_DENY;

/// What is allowed.
const CONFIG: &str = ".config/deny.toml";
/// What cargo-deny calls its copy of the database of its default address.
const DATABASE: &str = "advisory-db-3157b0e258782691";
/// Neither HTTP/2 nor a C library for TLS is anywhere in the tree.
const ABSENT: [&str; 4] = ["h2", "native-tls", "openssl", "openssl-sys"];

/// Looks at licenses, bans and sources; with a folder also at the advisories in it, offline.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let advisories = match arguments {
        [] => None,
        [folder] if !folder.starts_with('-') => Some(folder),
        _ => {
            eprintln!("xtask deny: give the folder of an advisory database, or nothing");
            return Ok(ExitCode::from(USAGE));
        }
    };
    // Read before the working directory changes.
    let advisories = advisories
        .map(|folder| {
            std::fs::canonicalize(folder).with_context(|| format!("cannot find {folder}"))
        })
        .transpose()?;
    let root = root()?;
    let program = CARGO_DENY.find(&root)?;
    let mut check = Command::new(&program);
    check
        .args(["--locked", "--all-features", "--config", CONFIG, "check"])
        .args(["--hide-inclusion-graph", "bans", "licenses", "sources"]);
    succeeds(&mut check)?;
    if let Some(folder) = advisories {
        look_at_advisories(&root, &program, &folder)?;
    }
    for name in ABSENT {
        absent(name)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn succeeds(check: &mut Command) -> Result<()> {
    let status = check.status().context("cannot start cargo-deny")?;
    ensure!(status.success(), "cargo-deny ended with {status}");
    Ok(())
}

/// cargo-deny looks for the database under a name of its own in a folder that it is told.
fn look_at_advisories(root: &Path, program: &Path, folder: &Path) -> Result<()> {
    let databases = root.join("target/advisories");
    std::fs::create_dir_all(&databases)?;
    let link = databases.join(DATABASE);
    if link.is_symlink() {
        std::fs::remove_file(&link)?;
    }
    std::os::unix::fs::symlink(folder, &link)?;
    let config =
        std::fs::read_to_string(CONFIG).with_context(|| format!("cannot read {CONFIG}"))?;
    let config = config.replace(
        "[advisories]\n",
        &format!("[advisories]\ndb-path = \"{}\"\n", databases.display()),
    );
    let path = databases.join("deny.toml");
    std::fs::write(&path, config)?;
    let mut check = Command::new(program);
    check
        .args(["--locked", "--offline", "--all-features", "--config"])
        .arg(&path)
        .args(["check", "advisories"]);
    succeeds(&mut check)
}

/// cargo's own tree, of every target and feature, has no such crate.
fn absent(name: &str) -> Result<()> {
    let output = call(&[
        "tree",
        "--locked",
        "--workspace",
        "--all-features",
        "--target",
        "all",
        "--invert",
        name,
    ])
    .output()
    .context("cannot start cargo")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        !output.status.success() && said.contains("did not match any packages"),
        "{name} is in the tree:\n{}{said}",
        String::from_utf8_lossy(&output.stdout)
    );
    println!("   no {name} in the tree");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::tracked;

    fn workspace() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .unwrap()
            .to_owned()
    }

    /// The value of a key under a heading of a manifest.
    fn value<'a>(manifest: &'a str, heading: &str, key: &str) -> Option<&'a str> {
        let mut lines = manifest.lines().skip_while(|line| *line != heading).skip(1);
        lines
            .by_ref()
            .take_while(|line| !line.starts_with('['))
            .filter_map(|line| line.split_once(" = "))
            .find(|(found, _)| *found == key)
            .map(|(_, value)| value)
    }

    #[test]
    fn every_crate_of_the_workspace_forbids_unsafe_code() {
        let root = workspace();
        let forbid = Some("\"forbid\"");
        let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
        let all = value(&read("Cargo.toml"), "[workspace.lints.rust]", "unsafe_code") == forbid;
        let manifests = tracked(&root, &["*/Cargo.toml"]).unwrap();

        assert!(4 <= manifests.len(), "{manifests:?}");
        for path in manifests {
            // What the fuzzer's macro makes of a target cannot be written without.
            if path == "daemon/fuzz/Cargo.toml" {
                continue;
            }
            let manifest = read(&path);
            let follows = value(&manifest, "[lints]", "workspace") == Some("true");
            let has_own = value(&manifest, "[lints.rust]", "unsafe_code") == forbid;
            assert!(
                has_own || (follows && all),
                "{path} does not forbid unsafe code"
            );
        }
    }

    #[test]
    fn what_must_be_absent_is_banned_and_is_not_in_the_lock_file() {
        let root = workspace();
        let config = std::fs::read_to_string(root.join(CONFIG)).unwrap();
        let lock = std::fs::read_to_string(root.join("Cargo.lock")).unwrap();

        for name in ABSENT {
            assert!(
                config.contains(&format!("{{ crate = \"{name}\" }}")),
                "{name}"
            );
            assert!(!lock.contains(&format!("\nname = \"{name}\"\n")), "{name}");
        }
        for (name, owner) in [
            ("rusqlite", "lastbeatd"),
            ("askama", "lastbeatd"),
            ("ratatui", "lastbeat"),
        ] {
            let rule = format!("{{ crate = \"{name}\", wrappers = [\"{owner}\"] }}");
            assert!(config.contains(&rule), "{rule}");
        }
    }
}
