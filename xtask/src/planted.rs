//! `cargo xtask planted [NAME…]`: mistakes made on purpose, each of which a named test must find.
//!
//! A test that cannot fail shows nothing. Each patch under `xtask/faults` breaks one promise in a
//! copy of the tree; the tests that it names are run there and must fail, as they must pass on the
//! copy before it is broken. The product itself has no switch for faults.

mod fault;
mod tree;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use self::fault::{Apply, Fault, Test};
use self::tree::{Tree, Verdict};
use crate::USAGE;
use crate::test::root;

/// What became of one fault.
struct Outcome {
    name: String,
    /// In one sentence.
    text: String,
    is_caught: bool,
    took: Duration,
}

/// Plants all faults, or those named, one at a time.
///
/// # Errors
/// When a fault is not found by a test that should, or the tests fail without any.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let root = root()?;
    let mut faults = Fault::all(&root)?;
    for name in arguments {
        if faults.iter().all(|fault| fault.name != *name) {
            let names: Vec<&str> = faults.iter().map(|fault| fault.name.as_str()).collect();
            eprintln!(
                "xtask planted: no fault {name}; there are {}",
                names.join(", ")
            );
            return Ok(ExitCode::from(USAGE));
        }
    }
    faults.retain(|fault| arguments.is_empty() || arguments.contains(&fault.name));
    let began = Instant::now();
    let tree = Tree::copy(&root)?;
    stands(&tree, &faults)?;
    let mut outcomes = Vec::new();
    for fault in &faults {
        let outcome = plant(&tree, fault)?;
        println!("   {}", outcome.text);
        outcomes.push(outcome);
    }
    print_table(&faults, &outcomes, began.elapsed());
    let missed = outcomes.iter().filter(|outcome| !outcome.is_caught).count();
    ensure!(
        missed == 0,
        "{missed} of {} faults were not caught",
        faults.len()
    );
    Ok(ExitCode::SUCCESS)
}

/// Without any fault every test passes; else a failure would show nothing.
fn stands(tree: &Tree, faults: &[Fault]) -> Result<()> {
    println!("== the tree as it stands");
    let tests: BTreeSet<&Test> = faults.iter().flat_map(|fault| &fault.tests).collect();
    let builds = tree.builds(tests.iter().copied())?;
    ensure!(builds, "the tree as it stands does not build");
    for test in tests {
        let (verdict, took) = timed(|| tree.run(test))?;
        println!("   {:>6.1} s  {}", took.as_secs_f64(), test.path());
        ensure!(
            verdict == Verdict::Passed,
            "{} {verdict} without any fault",
            test.path()
        );
    }
    Ok(())
}

/// Plants one fault, runs its tests and takes it back.
fn plant(tree: &Tree, fault: &Fault) -> Result<Outcome> {
    println!("== {}: {}", fault.name, fault.sentence);
    let (found, took) = timed(|| {
        if let Err(error) = fault.apply(tree.root(), Apply::Plant) {
            return Ok(Err(format!("{error:#}")));
        }
        let found = find(tree, fault);
        fault.apply(tree.root(), Apply::TakeBack)?;
        found
    })?;
    let is_caught = found.is_ok();
    let text = match found {
        Ok(text) => format!("caught by {text}"),
        Err(text) => format!("NOT CAUGHT: {text}"),
    };
    Ok(Outcome {
        name: fault.name.clone(),
        text,
        is_caught,
        took,
    })
}

/// Who found it; else why nobody did.
fn find(tree: &Tree, fault: &Fault) -> Result<Result<String, String>> {
    if !tree.builds(&fault.tests)? {
        return Ok(Err("it does not compile".to_owned()));
    }
    let mut found = Vec::new();
    for test in &fault.tests {
        match tree.run(test)? {
            Verdict::Failed => found.push(test.path()),
            verdict => return Ok(Err(format!("{} {verdict}", test.path()))),
        }
    }
    Ok(Ok(found.join(", ")))
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let began = Instant::now();
    let value = work()?;
    Ok((value, began.elapsed()))
}

fn print_table(faults: &[Fault], outcomes: &[Outcome], whole: Duration) {
    println!("\n== Planted faults");
    for (fault, outcome) in faults.iter().zip(outcomes) {
        println!(
            "{:>6.1} s  {}: {}\n          {}",
            outcome.took.as_secs_f64(),
            outcome.name,
            fault.sentence,
            outcome.text
        );
    }
    let caught = outcomes.iter().filter(|outcome| outcome.is_caught).count();
    println!(
        "{:>6.1} s  in all: {caught} of {} caught",
        whole.as_secs_f64(),
        outcomes.len()
    );
}
