//! The README's curl and Python lines, run as they stand there against the real program.

use std::process::Command;

use crate::program::Program;

/// The fenced blocks of a language in the README, for another port.
fn blocks(language: &str, port: u16) -> Vec<String> {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let text = std::fs::read_to_string(readme).unwrap();
    let fence = format!("```{language}\n");
    let blocks = text
        .split(&fence)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| block.replace("localhost:5001", &format!("localhost:{port}")))
        .collect()
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs curl"]
fn every_curl_line_of_the_readme_works() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &[]);
    let mut lines = 0;
    for block in blocks("sh", program.addr.port()) {
        let block = block.replace("\\\n", " ");
        for line in block.lines().filter(|line| line.starts_with("curl ")) {
            let line = line.replacen("curl ", "curl --silent --show-error --fail ", 1);
            let answer = output(Command::new("sh").args(["-c", &line]));
            assert!(answer.starts_with('{'), "{line}: {answer}");
            lines += 1;
        }
    }
    assert!(4 <= lines, "the README has the original's four curl lines");
    assert!(program.row("auth-service").is_some());
}

#[test]
#[ignore = "needs python3-requests"]
fn every_python_block_of_the_readme_works() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &[]);

    let said: Vec<String> = blocks("python", program.addr.port())
        .iter()
        .map(|block| output(Command::new("/usr/bin/python3").args(["-c", block])))
        .collect();

    assert!(said[0].contains("payment-service"), "{said:?}");
    assert_eq!(said[1].trim(), "Service: payment-service, Status: UP");
}
