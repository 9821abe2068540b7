//! `cargo xtask package`: man pages, completions, settings file and licenses under
//! `target/packaging`, and of them and the programs the Debian package; `--check` lives through
//! its life, from installation to purge, on a copy of this machine.

mod changelog;
mod check;
mod completions;
mod document;
mod licenses;
mod man;
mod page;
mod place;
mod settings;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::USAGE;
use crate::runner::call;
use crate::test::root;
use crate::tools::CARGO_DEB;

/// Which build of the programs is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Profile {
    Debug,
    Release,
}

impl Profile {
    /// Its name for cargo-deb.
    fn name(self) -> &'static str {
        match self {
            Self::Debug => "dev",
            Self::Release => "release",
        }
    }
}

/// The version of the package itself, behind the version of what is in it.
const REVISION: &str = "1";

/// Makes the package of the release build and says where it is; `--debug` packs the debug build,
/// `--check` also tries it.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let (mut profile, mut checks) = (Profile::Release, false);
    for argument in arguments {
        match argument.as_str() {
            "--debug" => profile = Profile::Debug,
            "--check" => checks = true,
            _ => {
                eprintln!("xtask package: the options are --debug and --check");
                return Ok(ExitCode::from(USAGE));
            }
        }
    }
    let root = root()?;
    let mut build = vec!["build", "-p", "lastbeatd", "-p", "lastbeat"];
    if profile == Profile::Release {
        build.push("--release");
    }
    let status = call(&build).status()?;
    ensure!(status.success(), "the build ended with {status}");
    let package = make(&root, profile, &version(), &[])?;
    println!("{}", package.display());
    if checks {
        check(&root, profile, &package)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The package of the release build that is there already, made and tried: a step of
/// `cargo xtask test`.
pub(crate) fn step(root: &Path) -> Result<()> {
    let package = make(root, Profile::Release, &version(), &[])?;
    check(root, Profile::Release, &package)
}

fn check(root: &Path, profile: Profile, package: &Path) -> Result<()> {
    // The same programs under a higher version: what an upgrade does is dpkg's and the scripts'.
    let higher = format!("{}.1-{REVISION}", env!("CARGO_PKG_VERSION"));
    let next = make(root, profile, &higher, &["--fast"])?;
    check::run(root, package, &next)
}

fn version() -> String {
    format!("{}-{REVISION}", env!("CARGO_PKG_VERSION"))
}

/// Generates what is not in the tree and packs it with the programs that are built, with further
/// options for cargo-deb.
fn make(root: &Path, profile: Profile, version: &str, options: &[&str]) -> Result<PathBuf> {
    generate(root, version)?;
    let package = root
        .join("target/debian")
        .join(format!("lastbeat_{version}.deb"));
    let mut deb = Command::new(CARGO_DEB.find(root)?);
    deb.args(["--no-build", "--quiet", "--package", "lastbeatd"])
        .args(["--profile", profile.name(), "--deb-version", version])
        .args(options)
        .arg("--output")
        .arg(&package)
        .current_dir(root);
    let status = deb.status().context("cannot start cargo-deb")?;
    ensure!(status.success(), "cargo-deb ended with {status}");
    Ok(package)
}

/// Writes everything that the package holds beside the programs and `packaging/`.
fn generate(root: &Path, version: &str) -> Result<()> {
    let folder = root.join("target/packaging");
    fs::create_dir_all(&folder)?;
    let read = |path: &str| {
        fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"))
    };
    let operations = read("docs/operations.md")?;
    let day = committed(root, "%cs")?;
    let source = page::Source {
        operations: &operations,
        day: &day,
    };
    let changelog = changelog::debian(&read("CHANGELOG.md")?, version, &committed(root, "%cD")?)?;
    let files: [(&str, Vec<u8>); 5] = [
        ("lastbeatd.8", man::daemon(&source)?),
        ("lastbeat.1", man::client(&source)?),
        ("lastbeatd.toml", settings::file().into_bytes()),
        ("changelog", changelog.into_bytes()),
        ("third-party-licenses.txt", licenses::text()?.into_bytes()),
    ];
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).with_context(|| format!("cannot write {name}"))?;
    }
    completions::write(&folder)
}

/// When the last change was made, as git writes it: the same tree gives the same package.
fn committed(root: &Path, format: &str) -> Result<String> {
    let output = Command::new("git")
        .args([
            "-c",
            "safe.directory=*",
            "log",
            "-1",
            &format!("--format={format}"),
        ])
        .current_dir(root)
        .output()
        .context("cannot start git; it says when the last change was made")?;
    ensure!(
        output.status.success(),
        "git log ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
