//! Which value wins, and what a bad one is told.

use std::io::Write as _;

use super::*;

const NO_FLAGS: &dyn Fn(&str) -> Option<String> = &|_| None;

fn variables(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
    move |name| {
        pairs
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    }
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn the_defaults_are_those_of_the_table() {
    let settings = load(NO_FLAGS, &variables(&[]), None).unwrap();

    assert_eq!(settings.url.to_string(), "http://127.0.0.1:5001");
    assert_eq!(settings.interval, Span::from_secs(2));
    assert_eq!(settings.sort.text(), "status");
    assert_eq!(settings.charset, Charset::Ascii);
    assert!(settings.is_colored);
}

#[test]
fn a_flag_beats_a_variable_and_a_variable_the_file() {
    let file = file("url = \"http://file:1\"\ninterval = \"9s\"\ntheme = \"mono\"\n");
    let flags = |name: &str| (name == "theme").then(|| "auto".to_owned());

    let settings = load(
        &flags,
        &variables(&[("LASTBEAT_URL", "http://variable:2")]),
        Some(file.path()),
    );
    let settings = settings.unwrap();

    assert_eq!(settings.url.to_string(), "http://variable:2");
    assert_eq!(settings.interval, Span::from_secs(9));
    assert_eq!(settings.theme, Theme::Auto);
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let file = file("url = \"http://x:1\"\n\nintervall = \"9s\"\n");

    let error = load(NO_FLAGS, &variables(&[]), Some(file.path()))
        .unwrap_err()
        .to_string();

    assert!(
        error.contains("line 3: no setting is called \"intervall\""),
        "{error}"
    );
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_line() {
    for (text, line) in [
        ("url = \n", "line 1"),
        ("ascii = true\nsort = 3\n", "line 2"),
    ] {
        let file = file(text);
        let error = load(NO_FLAGS, &variables(&[]), Some(file.path()))
            .unwrap_err()
            .to_string();
        assert!(error.contains(line), "{error}");
    }
}

#[test]
fn a_named_file_must_exist() {
    let error = load(
        NO_FLAGS,
        &variables(&[]),
        Some(Path::new("/nowhere/x.toml")),
    )
    .unwrap_err();

    assert!(
        error.to_string().starts_with("cannot read /nowhere/x.toml"),
        "{error}"
    );
}

#[test]
fn a_value_outside_its_limits_is_refused_with_the_limits() {
    let flags = |name: &str| (name == "interval").then(|| "10ms".to_owned());

    let error = load(&flags, &variables(&[]), None).unwrap_err();

    assert_eq!(
        error.to_string(),
        "cannot use --interval \"10ms\": is outside 250ms to 1h"
    );
}

#[test]
fn shapes_follow_the_locale_and_the_terminal() {
    let utf8 = |pairs| load(NO_FLAGS, &variables(pairs), None).unwrap().charset;

    assert_eq!(utf8(&[("LANG", "C.UTF-8")]), Charset::Utf8);
    assert_eq!(
        utf8(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]),
        Charset::Ascii
    );
    assert_eq!(
        utf8(&[("LANG", "en_US.utf8"), ("TERM", "linux")]),
        Charset::Ascii
    );
    assert_eq!(
        utf8(&[("LANG", "en_US.utf8"), ("TERM", "dumb")]),
        Charset::Ascii
    );
}

#[test]
fn no_color_is_obeyed() {
    let settings = load(NO_FLAGS, &variables(&[("NO_COLOR", "1")]), None).unwrap();

    assert!(!settings.is_colored);
}

#[test]
fn colors_are_for_terminals_that_have_them() {
    let is_colored = |terminal: &'static str| {
        let variable = move |name: &str| (name == "TERM").then(|| terminal.to_owned());
        load(NO_FLAGS, &variable, None).unwrap().is_colored
    };

    for terminal in ["xterm-256color", "xterm-16color", "screen", "linux", ""] {
        assert!(is_colored(terminal), "{terminal}");
    }
    for terminal in ["dumb", "vt100", "vt220", "xterm-mono", "screen-m"] {
        assert!(!is_colored(terminal), "{terminal}");
    }
}

#[test]
fn every_theme_is_found_by_its_word_and_comes_round() {
    for theme in Theme::ALL {
        let flags = |name: &str| (name == "theme").then(|| theme.word().to_owned());
        assert_eq!(load(&flags, &variables(&[]), None).unwrap().theme, theme);
    }
    let round = Theme::ALL.iter().fold(Theme::Auto, |theme, _| theme.next());
    assert_eq!(round, Theme::Auto);
}

#[test]
fn a_check_needs_no_other_flag() {
    let flags = |name: &str| (name == "format").then(|| "nagios".to_owned());

    let settings = load(&flags, &variables(&[]), None).unwrap();

    assert_eq!(settings.output, Output::Once);
}

#[test]
fn the_file_lies_where_xdg_says() {
    let path = |pairs| default_path(&variables(pairs));

    assert_eq!(
        path(&[("XDG_CONFIG_HOME", "/c"), ("HOME", "/h")]).unwrap(),
        Path::new("/c/lastbeat/config.toml")
    );
    assert_eq!(
        path(&[("HOME", "/h")]).unwrap(),
        Path::new("/h/.config/lastbeat/config.toml")
    );
    assert_eq!(path(&[]), None);
}

#[test]
fn a_word_that_does_not_exist_is_refused_with_those_that_do() {
    let said = |name: &'static str| {
        let flags = move |flag: &str| (flag == name).then(|| "pink".to_owned());
        load(&flags, &variables(&[]), None).unwrap_err().to_string()
    };

    assert_eq!(
        said("theme"),
        "cannot use --theme \"pink\": write auto, mono, contrast or cb"
    );
    assert_eq!(
        said("format"),
        "cannot use --format \"pink\": write table, json, tsv or nagios"
    );
    assert_eq!(
        said("mouse"),
        "cannot use --mouse \"pink\": write true or false"
    );
}

#[test]
fn the_table_of_variables_is_that_of_the_settings() {
    let ours: Vec<&str> = SETTINGS.iter().filter_map(|s| s.variable).collect();

    assert_eq!(ours, variable::CLIENT);
}
