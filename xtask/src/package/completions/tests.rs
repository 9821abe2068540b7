use std::process::Command as Program;

use super::*;

/// Both programs' files in a folder of the test's own.
fn written() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path()).unwrap();
    folder
}

/// Runs a shell in the folder, which must say nothing of a fault; what it printed.
fn shell(folder: &tempfile::TempDir, program: &str, arguments: &[&str]) -> String {
    let output = Program::new(program)
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    assert!(output.status.success(), "{arguments:?}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Every name that may be typed: commands and long flags, of commands too.
fn names(command: &Command) -> Vec<String> {
    let flags = command
        .get_arguments()
        .filter_map(|argument| argument.get_long());
    let mut names: Vec<String> = flags.map(str::to_owned).collect();
    for command in command.get_subcommands() {
        names.push(command.get_name().to_owned());
        names.extend(self::names(command));
    }
    names
}

#[test]
fn every_command_and_flag_stands_in_every_completion() {
    let folder = written();

    for program in programs() {
        for shell in SHELLS {
            let file = file(shell, program.get_name());
            let text = std::fs::read_to_string(folder.path().join(&file)).unwrap();
            let words: Vec<&str> = text
                .split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_')
                .map(|word| word.trim_start_matches('-'))
                .collect();
            for name in names(&program) {
                assert!(words.contains(&name.as_str()), "{file} lacks {name}");
            }
        }
    }
}

#[test]
fn bash_completes_a_command_and_a_flag() {
    let folder = written();
    let complete = |file: &str, words: &str| {
        let line = format!(
            "source {file}.bash; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _{file} {file} \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; \
             echo \"${{COMPREPLY[*]}}\""
        );
        shell(&folder, "bash", &["--norc", "-c", &line])
    };

    assert_eq!(complete("lastbeatd", "lastbeatd ba"), "backup\n");
    assert_eq!(complete("lastbeatd", "lastbeatd backup --d"), "--db\n");
    assert_eq!(complete("lastbeat", "lastbeat beat shop --ev"), "--every\n");
}

#[test]
#[ignore = "needs zsh"]
fn zsh_reads_its_completions() {
    let folder = written();

    for file in ["_lastbeatd", "_lastbeat"] {
        shell(&folder, "zsh", &["--no-exec", file]);
    }
}

#[test]
#[ignore = "needs fish"]
fn fish_completes_a_command_and_a_flag() {
    let folder = written();
    let complete = |file: &str, words: &str| {
        let line = format!("source {file}.fish; complete --do-complete '{words}'");
        shell(&folder, "fish", &["--no-config", "--command", &line])
    };

    let found = complete("lastbeatd", "lastbeatd ba");
    assert!(found.starts_with("backup\t"), "{found}");
    let found = complete("lastbeat", "lastbeat beat --ev");
    assert!(found.starts_with("--every\t"), "{found}");
}
