//! The commands of `lastbeatd` that look at a database file, run to their end.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::program::{Program, command};

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs `lastbeatd` with these arguments.
pub(crate) fn run(dir: &Path, arguments: &[&str]) -> Ran {
    end(command(dir, arguments))
}

/// Runs a prepared command.
pub(crate) fn end(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// It must have succeeded; what it said.
    pub(crate) fn fine(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    /// It must have ended with `code` and one sentence that has all of `words`.
    pub(crate) fn refused(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        assert!(self.err.starts_with("lastbeatd: cannot "), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "{word}: {self:?}");
        }
    }
}

/// Every file of a directory with its bytes.
pub(crate) fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// A registry with an UP, a DOWN and a GONE instance, `monitoring.db`, and the daemon that made it.
pub(crate) fn registry(dir: &Path) -> Program {
    // A flush that never comes: the file stays as it is while nobody registers.
    let program = Program::start(
        dir,
        &["--ttl", "2s", "--remove-after", "1h", "--flush", "1h"],
    );
    program.register(r#"{"name":"alive","ip":"10.0.0.1","ttl_s":3600,"tags":["a \"b\""]}"#);
    program.register(r#"{"name":"left","ip":"10.0.0.3"}"#);
    assert_eq!(program.ask("DELETE", "/services/left", "").0, 200);
    program.register(r#"{"name":"dead","ip":"10.0.0.2","metadata":{"zone":"kühl"}}"#);
    crate::program::until("dead is DOWN, and stored so", || {
        let connection = rusqlite::Connection::open(dir.join("monitoring.db")).unwrap();
        let down = "select count(*) from instances where life = 'down'";
        let found = connection.query_row(down, [], |row| row.get::<_, i64>(0));
        connection.close().unwrap();
        matches!(found, Ok(1))
    });
    program
}

/// Verifies `monitoring.db` without a change to it or to what lies beside it.
pub(crate) fn verify(dir: &Path) -> Ran {
    let before = contents(dir);
    let ran = run(dir, &["verify", "monitoring.db"]);
    let after = contents(dir);
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in before {
        // Readers note their place there, while a program has the database open.
        if !name.ends_with("-shm") {
            assert!(bytes == after[&name], "{name} was changed: {ran:?}");
        }
    }
    ran
}

/// Each of `lines` is how a line of `said` begins.
pub(crate) fn has(said: &str, lines: &[&str]) {
    for line in lines {
        assert!(said.lines().any(|l| l.starts_with(line)), "{line}: {said}");
    }
}
