//! What keeps the program from starting: one clear sentence, an exit code of its own, and
//! nothing damaged.

use std::net::TcpListener;

use crate::program::{Program, command, end};

#[test]
fn a_port_that_is_taken_ends_with_6() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();

    let (code, said) = end(command(dir.path(), &["--listen", &address]));

    assert_eq!(code, 6, "{said}");
    assert!(
        said.contains(&format!("lastbeatd: cannot listen on {address}: ")),
        "{said}"
    );
    assert!(said.contains("choose another with --listen"), "{said}");
}

#[test]
fn a_database_that_cannot_be_one_ends_with_3() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("folder")).unwrap();
    std::fs::write(dir.path().join("file"), "text").unwrap();
    for (db, why) in [
        ("folder", "it is a directory"),
        ("missing/monitoring.db", "its directory does not exist"),
        ("file/monitoring.db", "cannot open the database"),
    ] {
        let (code, said) = end(command(
            dir.path(),
            &["--listen", "127.0.0.1:0", "--db", db],
        ));
        assert_eq!(code, 3, "{db}: {said}");
        assert!(said.contains(why) && said.contains("--db"), "{db}: {said}");
    }
    assert_eq!(
        std::fs::read_to_string(dir.path().join("file")).unwrap(),
        "text"
    );
}

#[test]
fn a_second_daemon_on_the_file_ends_with_4_and_the_first_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let first = Program::start(dir.path(), &[]);
    first.register(r#"{"name":"a","ip":"10.0.0.1"}"#);

    let (code, said) = end(command(dir.path(), &["--listen", "127.0.0.1:0"]));

    assert_eq!(code, 4, "{said}");
    assert!(said.contains("another lastbeatd uses it"), "{said}");
    first.register(r#"{"name":"b","ip":"10.0.0.1"}"#);
    assert_eq!(first.rows().len(), 2);
}

#[test]
fn a_database_of_a_newer_version_ends_with_5_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Program::start(dir.path(), &[]).stop(), Some(0));
    let db = dir.path().join("monitoring.db");
    let connection = rusqlite::Connection::open(&db).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    drop(connection);
    let before = std::fs::read(&db).unwrap();

    let (code, said) = end(command(dir.path(), &["--listen", "127.0.0.1:0"]));

    assert_eq!(code, 5, "{said}");
    assert!(said.contains("a newer lastbeatd made it"), "{said}");
    assert_eq!(std::fs::read(&db).unwrap(), before);
}

#[test]
fn a_command_line_that_cannot_be_used_ends_with_2() {
    let dir = tempfile::tempdir().unwrap();
    for (arguments, why) in [
        (["--ttl", "60"], "it is not a length of time"),
        (["--listen", "0.0.0.0:0"], "--insecure-no-auth"),
        (["--colour", "blue"], "unexpected argument"),
        (["--config", "nope.toml"], "cannot read the settings"),
    ] {
        let (code, said) = end(command(dir.path(), &arguments));
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn help_and_version_are_no_errors() {
    let dir = tempfile::tempdir().unwrap();
    for argument in ["--help", "--version"] {
        let (code, said) = end(command(dir.path(), &[argument]));
        assert_eq!((code, said.as_str()), (0, ""), "{argument}");
    }
}

#[test]
fn ping_tells_by_its_exit_code_whether_a_daemon_serves() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &[]);
    let address = program.addr.to_string();

    let (code, said) = end(command(dir.path(), &["ping", "--listen", &address]));
    assert_eq!((code, said.as_str()), (0, ""));
    let (code, said) = end(command(dir.path(), &["--listen", &address, "ping"]));
    assert_eq!(
        (code, said.as_str()),
        (0, ""),
        "flags before the subcommand count too"
    );
    assert_eq!(program.stop(), Some(0));
    let (code, said) = end(command(dir.path(), &["ping", "--listen", &address]));
    assert_eq!(code, 1);
    assert!(said.contains("no daemon serves at"), "{said}");
}
