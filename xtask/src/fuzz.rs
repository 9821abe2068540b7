//! `cargo xtask fuzz [SECONDS | --runs COUNT] [TARGET…]`: the checks of `daemon/checks/` under libFuzzer.
//!
//! The fuzzer's own finds stay under `target/fuzz`; an input that breaks a check is to be put into
//! `daemon/checks/corpus/<target>`, where the ordinary tests try it from then on.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::USAGE;
use crate::runner::call;
use crate::test::root;

/// Seconds of each target where nothing is said.
const SECONDS: u64 = 30;
/// Longest input of each target, in bytes: a little more than what is accepted, as longer ones find
/// nothing that these do not, and cost time. Targets that are not named take [`MAX_BYTES`].
const SHORTER: [(&str, usize); 10] = [
    ("address", 300),
    ("guard", 400),
    ("import", 256),
    ("name", 160),
    ("path", 256),
    ("query", 256),
    ("register", 512),
    ("settings", 256),
    ("text", 64),
    ("time", 64),
];
/// Longest input of the other targets: their smallest whole ones have more than a thousand bytes.
const MAX_BYTES: usize = 2_048;
/// The crate of the targets, below the root.
const FUZZER: &str = "daemon/fuzz";
/// Where the fuzzer is built and what it finds is kept, below the root.
const HOME: &str = "target/fuzz";
/// Where the tool is installed, below the root.
const TOOLS: &str = "target/tools";

/// How long each target runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    Seconds(u64),
    Runs(u64),
}

impl Limit {
    /// As libFuzzer takes it.
    fn option(self) -> String {
        match self {
            Self::Seconds(seconds) => format!("-max_total_time={seconds}"),
            Self::Runs(runs) => format!("-runs={runs}"),
        }
    }
}

/// What became of one target.
struct Ran {
    executions: u64,
    took: Duration,
}

/// Runs the fuzzer on all targets, or on those named.
///
/// # Errors
/// When the fuzzer cannot be built, or a check is broken by an input.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let Some((limit, names)) = parse(arguments) else {
        eprintln!(
            "xtask fuzz: give seconds or `--runs COUNT`, and targets where not all are meant"
        );
        return Ok(ExitCode::from(USAGE));
    };
    let root = root()?;
    let all = targets(&root)?;
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        eprintln!(
            "xtask fuzz: no target {unknown}; there are {}",
            all.join(", ")
        );
        return Ok(ExitCode::from(USAGE));
    }
    install(&root)?;
    build(&root)?;
    let chosen = if names.is_empty() { &all } else { &names };
    let mut lines = Vec::new();
    for target in chosen {
        let ran = fuzz(&root, target, limit)?;
        let a_second = u128::from(ran.executions) * 1_000 / ran.took.as_millis().max(1);
        let line = format!(
            "{target:<10} {:>12} executions in {:>7.1} s, {a_second:>8} a second",
            ran.executions,
            ran.took.as_secs_f64(),
        );
        println!("{line}");
        lines.push(line);
    }
    println!("\n== Summary\n{}", lines.join("\n"));
    Ok(ExitCode::SUCCESS)
}

fn parse(arguments: &[String]) -> Option<(Limit, Vec<String>)> {
    let number = |text: &String| text.parse::<u64>().ok().filter(|number| 0 < *number);
    let (limit, names) = match arguments {
        [option, count, names @ ..] if option == "--runs" => (Limit::Runs(number(count)?), names),
        [first, names @ ..] if number(first).is_some() => (Limit::Seconds(number(first)?), names),
        names => (Limit::Seconds(SECONDS), names),
    };
    let are_names = names.iter().all(|name| !name.starts_with('-'));
    are_names.then(|| (limit, names.to_vec()))
}

/// The fuzz targets, by name.
fn targets(root: &Path) -> Result<Vec<String>> {
    let folder = root.join(FUZZER).join("fuzz_targets");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).context("cannot list daemon/fuzz/fuzz_targets")? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        names.push(stem.context("a target has no name in UTF-8")?.to_owned());
    }
    names.sort();
    Ok(names)
}

/// Installs cargo-fuzz where it is not there yet.
fn install(root: &Path) -> Result<()> {
    if root.join(TOOLS).join("bin/cargo-fuzz").is_file() {
        return Ok(());
    }
    println!("== install cargo-fuzz into {TOOLS}");
    let status = call(&["install", "cargo-fuzz", "--locked", "--root", TOOLS]).status()?;
    ensure!(
        status.success(),
        "cargo install cargo-fuzz ended with {status}"
    );
    Ok(())
}

/// Builds all targets; on a stable compiler, which is told not to mind.
fn build(root: &Path) -> Result<()> {
    println!("== build");
    let status = Command::new(root.join(TOOLS).join("bin/cargo-fuzz"))
        // Comparisons are not traced: in searches of Unicode's tables that costs more than it finds.
        .args([
            "build",
            "--fuzz-dir",
            FUZZER,
            "--sanitizer",
            "none",
            "--no-trace-compares",
        ])
        .args(["--target-dir", &format!("{HOME}/build")])
        .env("RUSTC_BOOTSTRAP", "1")
        .current_dir(root)
        .status()
        .context("cannot start cargo-fuzz")?;
    ensure!(status.success(), "cargo-fuzz build ended with {status}");
    Ok(())
}

fn binary(root: &Path, target: &str) -> Result<PathBuf> {
    let build = root.join(HOME).join("build");
    let triples = std::fs::read_dir(&build).context("cannot list what was built")?;
    for triple in triples {
        let path = triple?.path().join("release").join(target);
        if path.is_file() {
            return Ok(path);
        }
    }
    bail!("cargo-fuzz built no {target} below {}", build.display())
}

fn fuzz(root: &Path, target: &str, limit: Limit) -> Result<Ran> {
    println!("== {target}");
    let finds = root.join(HOME).join("finds").join(target);
    let broken = root.join(HOME).join("broken");
    std::fs::create_dir_all(&finds)?;
    std::fs::create_dir_all(&broken)?;
    let shorter = SHORTER.iter().find(|(name, _)| *name == target);
    let max_bytes = shorter.map_or(MAX_BYTES, |(_, bytes)| *bytes);
    let began = Instant::now();
    let output = Command::new(binary(root, target)?)
        .arg(&finds)
        .arg(root.join("daemon/checks/corpus").join(target))
        .arg(limit.option())
        .arg(format!("-max_len={max_bytes}"))
        .arg(format!("-artifact_prefix={}/{target}-", broken.display()))
        .args(["-print_final_stats=1", "-timeout=10", "-rss_limit_mb=2048"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .context("cannot start the fuzzer")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let last: Vec<&str> = said.lines().rev().take(40).collect();
        for line in last.iter().rev() {
            eprintln!("{line}");
        }
        bail!(
            "{target} ended with {}; put the input of {} into daemon/checks/corpus/{target}",
            output.status,
            broken.display()
        );
    }
    let executions = executions(&said).context("the fuzzer does not say how often it ran")?;
    Ok(Ran {
        executions,
        took: began.elapsed(),
    })
}

/// The number of executions in what libFuzzer says at its end.
fn executions(said: &str) -> Option<u64> {
    let line = |line: &str| {
        line.strip_prefix("stat::number_of_executed_units:")
            .map(str::to_owned)
    };
    said.lines().find_map(line)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Option<(Limit, Vec<String>)> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        parse(&words)
    }

    #[test]
    fn seconds_or_runs_come_before_the_targets() {
        let names = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();

        assert_eq!(parsed(&[]), Some((Limit::Seconds(30), vec![])));
        assert_eq!(
            parsed(&["5", "name"]),
            Some((Limit::Seconds(5), names(&["name"])))
        );
        assert_eq!(parsed(&["--runs", "7"]), Some((Limit::Runs(7), vec![])));
        assert_eq!(
            parsed(&["name", "path"]),
            Some((Limit::Seconds(30), names(&["name", "path"])))
        );
        assert_eq!(parsed(&["--runs"]), None);
        assert_eq!(parsed(&["--runs", "0"]), None);
        assert_eq!(parsed(&["5", "--runs"]), None);
    }

    #[test]
    fn the_executions_are_those_of_the_last_lines() {
        let said =
            "#2 INITED\nstat::number_of_executed_units: 1234\nstat::average_exec_per_sec: 5\n";

        assert_eq!(executions(said), Some(1_234));
        assert_eq!(executions("#2 INITED"), None);
    }

    #[test]
    fn the_targets_are_the_files_of_the_folder() {
        let targets = targets(&root().unwrap()).unwrap();

        assert!(targets.contains(&"answer".to_owned()), "{targets:?}");
        for (name, bytes) in SHORTER {
            assert!(targets.contains(&name.to_owned()), "{name}");
            assert!(bytes < MAX_BYTES, "{name}");
        }
    }
}
