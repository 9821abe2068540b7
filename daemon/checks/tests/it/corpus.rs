//! The corpus, and ten thousand inputs made from it, for every check.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use lastbeat_checks::CHECKS;

use crate::mutation::Mutation;

/// Generated inputs for each check.
const INPUTS: usize = 10_000;
/// Longest generated input, in bytes: as the fuzzer has it.
const MAX_BYTES: usize = 2_048;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name)
}

/// The files of a check's corpus, in the order of their names.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder(name))
        .unwrap_or_else(|error| panic!("corpus of {name}: {error}"))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let named = |path: PathBuf| (path.display().to_string(), std::fs::read(&path).unwrap());
    files.into_iter().map(named).collect()
}

/// Runs the check named so over its corpus and over inputs made from it.
fn run(wanted: &str) {
    let (_, check) = CHECKS
        .into_iter()
        .find(|(name, _)| *name == wanted)
        .unwrap();
    let files = corpus(wanted);
    assert!(2 < files.len(), "{wanted} has no corpus");
    for (file, bytes) in &files {
        tell(check, bytes, file);
    }
    let seeds: Vec<Vec<u8>> = files.into_iter().map(|(_, bytes)| bytes).collect();
    let mut mutation = Mutation::new(1);
    for number in 0..INPUTS {
        let mut bytes = mutation.of(&seeds);
        bytes.truncate(MAX_BYTES);
        tell(check, &bytes, &format!("generated input {number}"));
    }
}

/// Runs a check; when it panics, the input is printed so that it can be put into the corpus.
fn tell(check: fn(&[u8]), bytes: &[u8], what: &str) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(bytes))) {
        let input = bytes.escape_ascii();
        println!("{what}: b\"{input}\"");
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn an_address_has_one_spelling() {
    run("address");
}

#[test]
fn an_answer_is_read_and_printed_plainly() {
    run("answer");
}

#[test]
fn a_document_is_written_again_as_it_was_read() {
    run("document");
}

#[test]
fn the_guard_lets_nobody_pass_against_the_rule() {
    run("guard");
}

#[test]
fn every_row_of_the_original_is_accounted_for() {
    run("import");
}

#[test]
fn a_name_obeys_every_rule_and_is_reachable() {
    run("name");
}

#[test]
fn a_path_is_decoded_once() {
    run("path");
}

#[test]
fn a_query_is_read_from_its_own_text() {
    run("query");
}

#[test]
fn a_registration_means_the_same_written_again() {
    run("register");
}

#[test]
fn a_url_is_read_from_its_own_text() {
    run("settings");
}

#[test]
fn text_for_a_terminal_is_harmless_and_fits() {
    run("text");
}

#[test]
fn a_time_and_its_text_are_the_same() {
    run("time");
}

#[test]
fn every_check_has_a_test_a_target_and_a_corpus() {
    let here = include_str!("corpus.rs");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let manifest = read("fuzz/Cargo.toml");
    let targets = std::fs::read_dir(root.join("fuzz/fuzz_targets")).unwrap();

    assert_eq!(targets.count(), CHECKS.len());
    for (name, _) in CHECKS {
        assert!(
            here.contains(&format!("run(\"{name}\")")),
            "{name} has no test"
        );
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let target = read(&format!("fuzz/fuzz_targets/{name}.rs"));
        assert!(target.contains(&format!("lastbeat_checks::{name}::check(bytes)")));
        assert!(2 < corpus(name).len(), "{name} has no corpus");
    }
}
