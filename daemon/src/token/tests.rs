//! Tokens and their file.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::thread;

use super::*;

const MADE: Timestamp = Timestamp::from_micros(1_772_373_485_812_334);

fn note_of(path: &Path, text: &str) -> Option<String> {
    let tokens = Tokens::read(path).unwrap();
    tokens.find(text).map(|token| token.note.clone())
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_token_is_known_by_its_text_until_it_is_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokens");

    let (first, text) = add(&path, Scope::Register, "the boiler room", MADE).unwrap();
    let (_, other) = add(&path, Scope::Read, "", MADE).unwrap();

    assert_eq!(note_of(&path, &text).unwrap(), "the boiler room");
    assert_eq!(note_of(&path, &other).unwrap(), "");
    let read = Tokens::read(&path).unwrap();
    assert_eq!(read.by_id(&first.id), Some(&first));

    assert!(revoke(&path, &first.id).unwrap().is_same(&first));
    assert_eq!(note_of(&path, &text), None);
    assert_eq!(note_of(&path, &other).unwrap(), "");
}

#[test]
fn the_file_holds_no_token_and_only_its_owner_may_open_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokens");

    let (token, text) = add(&path, Scope::Admin, "", MADE).unwrap();

    let secret = text.rsplit('_').next().unwrap();
    let file = fs::read_to_string(&path).unwrap();
    assert!(file.contains(&token.id) && !file.contains(secret), "{file}");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_others_may_open_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokens");
    add(&path, Scope::Admin, "", MADE).unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601, 0o666] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();

        let error = Tokens::read(&path).unwrap_err().to_string();

        assert!(error.contains(&format!("mode {mode:o}")), "{error}");
        assert!(error.contains("chmod 600"), "{error}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    assert!(Tokens::read(&path).is_ok());
}

#[test]
fn a_daemon_takes_no_file_of_another_user() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokens");
    add(&path, Scope::Admin, "", MADE).unwrap();
    let ours = fs::metadata(&path).unwrap().uid();

    let error = Tokens::read_of(&path, ours + 1).unwrap_err().to_string();

    assert!(
        error.contains(&format!("it belongs to user {ours}, ")),
        "{error}"
    );
    assert!(error.contains(&format!("chown {} ", ours + 1)), "{error}");
    assert!(Tokens::read_own(&path).is_ok());
    assert!(Tokens::read(&path).is_ok(), "an operator may look");
}

#[test]
fn nothing_but_the_whole_text_is_a_token() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokens");
    let (token, text) = add(&path, Scope::Admin, "", MADE).unwrap();
    let tokens = Tokens::read(&path).unwrap();
    let line = fs::read_to_string(&path).unwrap();
    let hash = line.lines().nth(1).unwrap().split(' ').nth(2).unwrap();

    let upper = text.to_uppercase();
    let last = if text.ends_with('0') { "1" } else { "0" };
    let other_end = format!("{}{last}", text.strip_suffix(|_| true).unwrap());
    for wrong in [
        "",
        "lastbeat",
        "lastbeat__",
        &token.id,
        hash,
        &format!("lastbeat_{}_{hash}", token.id),
        &format!("lastbeat_{}_", token.id),
        &format!(" {text}"),
        &format!("{text} "),
        &upper,
        &other_end,
    ] {
        assert_eq!(tokens.find(wrong), None, "{wrong:?}");
    }
    assert!(tokens.find(&text).is_some());
}

#[test]
fn a_line_that_is_wrong_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokens");
    let hash = "0".repeat(64);
    let made = MADE.to_string();
    for (line, detail) in [
        ("x", "line 3 does not begin with an id"),
        ("0123456g read", "line 3 does not begin with an id"),
        ("01234567 all", "line 3 has no scope"),
        ("01234567 public", "line 3 has no scope"),
        ("01234567 read 00", "line 3 has no SHA-256"),
        (
            &format!("01234567 read {}", hash.to_uppercase()),
            "line 3 has no time",
        ),
        (
            &format!("01234567 read {}", "A".repeat(64)),
            "line 3 has no SHA-256",
        ),
        (
            &format!("01234567 read {hash} yesterday"),
            "line 3 has no time",
        ),
        (
            &format!("01234567 read {hash} {made} \u{1b}[2J"),
            "line 3 has a character in its note that does not show itself",
        ),
        (
            &format!("01234567 read {hash} {made} boiler\u{202e}room"),
            "line 3 has a character in its note that does not show itself",
        ),
        (
            &format!("01234567 read {hash} {made} {}", "x".repeat(129)),
            "line 3 has a note of more",
        ),
        (
            &format!("01234567 read {hash} {made}\n01234567 admin {hash} {made}"),
            "line 4 has the id of another line",
        ),
    ] {
        write(&path, &format!("# tokens\n\n{line}\n"));

        let error = Tokens::read(&path).unwrap_err().to_string();

        assert!(error.contains(detail), "{line:?}: {error}");
    }
    write(&path, &format!("01234567 read {hash} {made}\r\n"));
    assert!(
        Tokens::read(&path).is_ok(),
        "an editor's line ends are fine"
    );
}

#[test]
fn what_cannot_be_done_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokens");
    let nowhere = dir.path().join("no").join("tokens");

    let absent = Tokens::read(&path).unwrap_err().to_string();
    assert!(absent.contains("lastbeatd token add"), "{absent}");
    let error = add(&nowhere, Scope::Read, "", MADE)
        .unwrap_err()
        .to_string();
    assert!(error.contains("its directory must exist"), "{error}");
    let error = add(&path, Scope::Read, "a\nb", MADE)
        .unwrap_err()
        .to_string();
    assert!(error.contains("does not show itself"), "{error}");
    let error = revoke(&path, "01234567").unwrap_err().to_string();
    assert!(error.contains("cannot read the tokens"), "{error}");
    assert!(!path.exists(), "to revoke makes no file");
    add(&path, Scope::Read, "", MADE).unwrap();
    let error = revoke(&path, "01234567").unwrap_err().to_string();
    assert!(error.contains("cannot revoke 01234567"), "{error}");
}

#[test]
fn changes_at_the_same_time_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokens");

    let texts: Vec<String> = thread::scope(|scope| {
        let one = || add(&path, Scope::Read, "", MADE).unwrap().1;
        let all: Vec<_> = (0..16).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });

    let tokens = Tokens::read(&path).unwrap();
    assert_eq!(tokens.all().len(), 16);
    assert!(texts.iter().all(|text| tokens.find(text).is_some()));
}

#[test]
fn a_change_is_seen_by_its_stamp() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokens");
    let (token, _) = add(&path, Scope::Read, "", MADE).unwrap();
    let before = Stamp::of(&path).unwrap();

    assert_eq!(Stamp::of(&path).unwrap(), before);
    revoke(&path, &token.id).unwrap();

    assert_ne!(Stamp::of(&path).unwrap(), before);
}

#[test]
fn a_link_to_the_file_stays_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let (path, link) = (dir.path().join("tokens"), dir.path().join("link"));
    add(&path, Scope::Read, "", MADE).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();

    add(&link, Scope::Read, "", MADE).unwrap();

    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(Tokens::read(&path).unwrap().all().len(), 2);
}

#[test]
fn a_file_longer_than_the_limit_is_refused_and_never_cut() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokens");
    let (token, _) = add(&path, Scope::Admin, "", MADE).unwrap();
    let mut text = fs::read_to_string(&path).unwrap();
    let most = usize::try_from(MAX_FILE_BYTES).unwrap();
    while text.len() < most {
        let line = "#".repeat((most - text.len() - 1).min(100));
        text = text + &line + "\n";
    }
    write(&path, &text);
    assert!(Tokens::read(&path).unwrap().by_id(&token.id).is_some());

    text.push('\n');
    write(&path, &text);

    let error = Tokens::read(&path).unwrap_err().to_string();
    assert!(error.contains("more than 16777216 bytes"), "{error}");
    assert!(add(&path, Scope::Read, "", MADE).is_err());
    assert!(revoke(&path, &token.id).is_err());
    assert_eq!(fs::metadata(&path).unwrap().len(), text.len() as u64);
}

#[test]
fn a_token_that_would_make_the_file_too_long_is_not_added() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokens");
    add(&path, Scope::Read, "", MADE).unwrap();
    let mut text = fs::read_to_string(&path).unwrap();
    let (_, first) = text.lines().nth(1).unwrap().split_once(' ').unwrap();
    let first = first.to_owned();
    let most = usize::try_from(MAX_FILE_BYTES).unwrap();
    for id in 0_u32.. {
        let line = format!("{id:08x} {first}\n");
        if most < text.len() + line.len() {
            break;
        }
        text += &line;
    }
    write(&path, &text);

    let error = add(&path, Scope::Read, "", MADE).unwrap_err().to_string();

    assert!(error.contains("more than 16777216 bytes"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn the_tokens_behind_a_revoked_one_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokens");
    let all = [0; 4].map(|_| add(&path, Scope::Read, "", MADE).unwrap().0);
    let mut tokens = Tokens::read(&path).unwrap();

    assert_eq!(tokens.remove(&all[1].id), Some(all[1].clone()));

    assert_eq!(tokens.all(), [&all[0], &all[2], &all[3]].map(Clone::clone));
    for token in tokens.all() {
        assert_eq!(tokens.by_id(&token.id), Some(token));
    }
    assert_eq!(tokens.by_id(&all[1].id), None);
    assert!(!tokens.push(all[3].clone()), "its id is taken");
    assert!(tokens.push(all[1].clone()));
    assert_eq!(tokens.by_id(&all[1].id), Some(&all[1]));
}

#[test]
fn who_may_not_read_the_file_is_told_of_its_owner_and_not_to_make_another() {
    let unreadable = |cause: std::io::ErrorKind| {
        let path = Path::new("/etc/lastbeat/tokens").to_path_buf();
        let cause = cause.into();
        TokenError::Unreadable { path, cause }.to_string()
    };

    let refused = unreadable(std::io::ErrorKind::PermissionDenied);
    let absent = unreadable(std::io::ErrorKind::NotFound);

    assert!(
        refused.ends_with("with: chown lastbeat: /etc/lastbeat/tokens"),
        "{refused}"
    );
    assert!(!refused.contains("token add"), "{refused}");
    assert!(
        absent.ends_with("lastbeatd token add --scope admin --tokens /etc/lastbeat/tokens"),
        "{absent}"
    );
}
