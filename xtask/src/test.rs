//! `cargo xtask test`: everything that must pass before a change is merged, in the order in
//! which a mistake is found soonest.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::runner::{Runner, call, system_tests_in_sources, tracked};
use crate::steps::Steps;
use crate::{USAGE, debian, package, snapshots, soak, tui_bars};

/// Runs the whole test; `--skip-system` leaves out what needs Debian packages.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let skip_system = match arguments {
        [] => false,
        [only] if only == "--skip-system" => true,
        _ => {
            eprintln!("xtask test: the only option is --skip-system");
            return Ok(ExitCode::from(USAGE));
        }
    };
    let mut steps = Steps::default();
    if !skip_system && let Some(code) = ensure_packages(&mut steps)? {
        return Ok(code);
    }
    let result = all(&mut steps, &root()?, skip_system);
    steps.print_summary();
    result.map(|()| ExitCode::SUCCESS)
}

/// The root of the workspace, which becomes the working directory.
pub(crate) fn root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask lies in no folder")?
        .to_owned();
    std::env::set_current_dir(&root)?;
    Ok(root)
}

/// Installs what is missing as root; else says what to install and gives the exit code.
fn ensure_packages(steps: &mut Steps) -> Result<Option<ExitCode>> {
    let missing = debian::missing();
    if missing.is_empty() {
        return Ok(None);
    }
    if rustix::process::geteuid().is_root() {
        let title = format!("install {}", missing.join(" "));
        steps.check(&title, || debian::install(&missing))?;
        return Ok(None);
    }
    eprintln!(
        "xtask test: the system tests need packages that are not here; install them with\n\
         {}\nor run `cargo xtask test --skip-system`",
        debian::install_line(&missing)
    );
    Ok(Some(ExitCode::from(USAGE)))
}

fn all(steps: &mut Steps, root: &Path, skip_system: bool) -> Result<()> {
    let runner = Runner::find();
    snapshots::begin(root)?;
    steps.run("format", &mut call(&["fmt", "--all", "--check"]))?;
    steps.run(
        "lints",
        &mut call(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    steps.run("binaries", &mut call(&["build", "--workspace"]))?;
    steps.run(
        "tests",
        runner
            .tests()
            .env(snapshots::VARIABLE, snapshots::list(root)),
    )?;
    steps.run("doc tests", &mut call(&["test", "--workspace", "--doc"]))?;
    if skip_system {
        steps.leave_out(
            "system tests (browser, terminal, sshd, proxy), dead snapshots, the bars of the terminal client, the soak and the package of the release build",
        );
    } else {
        let said = steps.run_and_read(
            "system tests",
            runner
                .system_tests()
                .env(snapshots::VARIABLE, snapshots::list(root)),
        )?;
        steps.check("every system test ran", || {
            every_system_test_ran(root, runner.passed(&said))
        })?;
        steps.check("no dead snapshots", || snapshots::check(root))?;
        let release = ["build", "--release", "-p", "lastbeatd", "-p", "lastbeat"];
        steps.run("release binaries", &mut call(&release))?;
        steps.check("bars of the terminal client", || tui_bars::step(root))?;
        steps.check("soak", || soak::step(root))?;
        package_step(steps, root)?;
    }
    steps.run(
        "docs",
        call(&[
            "doc",
            "--workspace",
            "--no-deps",
            "--document-private-items",
        ])
        // Private items are documented, so links to them lead somewhere.
        .env(
            "RUSTDOCFLAGS",
            "-D warnings -A rustdoc::private_intra_doc_links",
        ),
    )?;
    steps.check("packages hold the templates", || templates_are_packed(root))
}

/// The Debian package, which only root can install.
fn package_step(steps: &mut Steps, root: &Path) -> Result<()> {
    if rustix::process::geteuid().is_root() {
        steps.check("package", || package::step(root))
    } else {
        steps.leave_out("the life of the Debian package, which needs root");
        Ok(())
    }
}

fn every_system_test_ran(root: &Path, passed: usize) -> Result<()> {
    let written = system_tests_in_sources(root)?;
    println!("   {passed} passed, {written} stand in the sources");
    ensure!(
        passed == written,
        "{passed} system tests passed, but {written} have `#[ignore = \"needs …\"]`"
    );
    Ok(())
}

/// What is not in the package does not exist for users: the daemon's package must hold every
/// template and every migration, which are compiled in.
fn templates_are_packed(root: &Path) -> Result<()> {
    for package in ["lastbeat-proto", "lastbeatd", "lastbeat"] {
        let output =
            call(&["package", "--list", "--allow-dirty", "--package", package]).output()?;
        ensure!(
            output.status.success(),
            "cargo package --list of {package} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        println!("   {package}: {} files", listed.lines().count());
        if package == "lastbeatd" {
            let absent = absent_from(
                &listed,
                &tracked(root, &["templates", "daemon/migrations"])?,
            );
            ensure!(absent.is_empty(), "{package} lacks {}", absent.join(", "));
        }
    }
    Ok(())
}

fn absent_from(listed: &str, needed: &[String]) -> Vec<String> {
    needed
        .iter()
        .map(|path| path.strip_prefix("daemon/").unwrap_or(path))
        .filter(|path| !listed.lines().any(|line| line == *path))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_that_is_not_packed_is_named() {
        let needed = [
            "templates/a.html".to_owned(),
            "daemon/migrations/1.sql".to_owned(),
        ];

        assert_eq!(
            absent_from("Cargo.toml\ntemplates/a.html\n", &needed),
            ["migrations/1.sql"]
        );
    }
}
