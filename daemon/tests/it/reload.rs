//! Files are read again on SIGHUP, and the signal ends nothing.

use rustix::process::Signal;

use crate::program::{Program, until};

#[test]
fn sighup_ends_neither_the_daemon_nor_its_answers() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &[]);
    program.register(r#"{"name": "a", "ip": "192.0.2.10"}"#);

    for _ in 0..2 {
        program.signal(Signal::HUP);
        until("it says that it was told", || {
            let is_told = |line: &String| line.contains("told to read files again (SIGHUP)");
            program.lines().iter().any(is_told)
        });
        assert_eq!(program.rows().len(), 1);
    }

    assert_eq!(program.stop(), Some(0));
}
