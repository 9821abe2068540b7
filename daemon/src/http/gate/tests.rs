//! Who is let in by what.

use hyper::header::COOKIE;
use lastbeat_proto::Timestamp;

use super::*;
use crate::http::stream::Scheme;
use crate::token;

/// A gate with one token of each scope, and their texts.
struct Door {
    gate: Gate,
    read: String,
    register: String,
    admin: String,
    path: std::path::PathBuf,
    _dir: tempfile::TempDir,
}

impl Door {
    fn new(anonymous_read: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens");
        let now = Timestamp::from_micros(0);
        let add = |scope| token::add(&path, scope, "", now).unwrap().1;
        let (read, register, admin) = (add(Scope::Read), add(Scope::Register), add(Scope::Admin));
        let tokens = Tokens::read(&path).unwrap();
        Self {
            gate: Gate::new(Some(tokens), anonymous_read).unwrap(),
            read,
            register,
            admin,
            path,
            _dir: dir,
        }
    }

    fn ask(&self, authorization: &[&str]) -> Caller {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        self.gate.caller(&headers, Mono::default())
    }

    fn bearer(&self, text: &str) -> Caller {
        self.ask(&[&format!("Bearer {text}")])
    }
}

#[test]
fn each_scope_includes_the_ones_before_it() {
    let door = Door::new(false);
    let scopes = [Scope::Public, Scope::Read, Scope::Register, Scope::Admin];
    for (text, most) in [(&door.read, 1), (&door.register, 2), (&door.admin, 3)] {
        let caller = door.bearer(text);

        for (rank, needs) in scopes.into_iter().enumerate() {
            assert_eq!(caller.may(needs), rank <= most, "{most} {needs:?}");
        }
    }
}

#[test]
fn who_shows_nothing_may_look_only_where_that_is_said() {
    let (closed, open_to_look) = (Door::new(false), Door::new(true));

    assert_eq!(closed.ask(&[]).must(Scope::Read), Err(GateError::NoToken));
    assert_eq!(closed.ask(&[]).must(Scope::Public), Ok(()));
    assert_eq!(open_to_look.ask(&[]).must(Scope::Read), Ok(()));
    assert_eq!(
        open_to_look.ask(&[]).must(Scope::Register),
        Err(GateError::NoToken)
    );
}

#[test]
fn without_tokens_nobody_is_asked_whatever_is_shown() {
    let gate = Gate::new(None, false).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, "Basic dXNlcjpwYXNz".parse().unwrap());

    assert!(gate.caller(&headers, Mono::default()).may(Scope::Admin));
}

#[test]
fn a_header_that_holds_no_live_token_is_refused_also_where_anyone_may_look() {
    let door = Door::new(true);
    let admin = &door.admin;
    let (none, unknown) = (GateError::NoBearer, GateError::UnknownToken);
    for (shown, error) in [
        (&["Bearer"][..], &none),
        (&["Bearer "], &unknown),
        (&["Basic dXNlcjpwYXNz"], &none),
        (&[admin], &none),
        (&[&format!("Bearer{admin}")], &none),
        (&[&format!("Token {admin}")], &none),
        (&[&format!("Bearer {}", admin.to_uppercase())], &unknown),
        (&[&format!("Bearer {admin}x")], &unknown),
        (&[&format!("Bearer {admin}, Bearer {admin}")], &unknown),
        (&[&format!("Bearer {admin}"), "Basic dXNlcjpwYXNz"], &none),
        (&["", &format!("Bearer {admin}")], &none),
    ] {
        let caller = door.ask(shown);

        assert_eq!(caller.must(Scope::Read).as_ref(), Err(error), "{shown:?}");
        assert_eq!(caller.must(Scope::Public), Ok(()), "{shown:?}");
        assert!(!caller.has_token());
    }
    for shown in ["bearer ", "BEARER ", "Bearer  "] {
        assert!(door.ask(&[&format!("{shown}{admin}")]).may(Scope::Admin));
    }
}

#[test]
fn a_session_ends_with_its_token() {
    let door = Door::new(false);
    let token = door.gate.token(&door.register).unwrap();
    let set = door
        .gate
        .sessions
        .begin(&token, Scheme::Http, Mono::default())
        .unwrap();
    let pair = set.to_str().unwrap().split(';').next().unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(COOKIE, pair.parse().unwrap());
    let caller = || door.gate.caller(&headers, Mono::default());

    assert_eq!(caller().shown, Shown::Session(token.id.clone()));
    assert_eq!(
        caller().must(Scope::Admin).unwrap_err().to_string(),
        "the token allows to register and deregister instances (scope register), this needs one \
         that allows to do everything (scope admin)"
    );

    token::revoke(&door.path, &token.id).unwrap();
    door.gate.replace(Tokens::read(&door.path).unwrap());

    assert_eq!(caller().must(Scope::Read), Err(GateError::NoToken));
    assert_eq!(
        door.bearer(&door.register).must(Scope::Read),
        Err(GateError::UnknownToken)
    );
    assert!(door.bearer(&door.admin).may(Scope::Admin));
}

#[test]
fn what_is_wrong_with_a_token_is_told_apart() {
    let door = Door::new(false);
    let id = door.read.split('_').nth(1).unwrap().to_owned();
    let forged = door.read.replace(|c: char| c.is_ascii_digit(), "0");
    token::revoke(&door.path, &id).unwrap();
    door.gate.replace(Tokens::read(&door.path).unwrap());
    let shown = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, value.parse().unwrap());
        door.gate.wrong_in(&headers)
    };

    assert_eq!(shown(&format!("Bearer {}", door.read)), Wrong::Revoked);
    assert_eq!(shown(&format!("Bearer {forged}")), Wrong::Unknown);
    assert_eq!(shown("Basic dXNlcjpzZWNyZXQ="), Wrong::NoBearer);
}
