//! Text made harmless, cut and wrapped.

use super::*;
use proptest::prelude::*;

fn shown(text: &str) -> String {
    SafeText::new(text, Charset::Utf8).as_str().to_owned()
}

#[test]
fn what_could_hide_or_run_is_written_out() {
    let cases = [
        ("title\u{1b}]0;owned\u{7}", "title\\x1b]0;owned\\x07"),
        ("two\nlines\tand\rover", "two\\nlines\\tand\\rover"),
        ("c1\u{9b}31m", "c1\\x9b31m"),
        ("del\u{7f}", "del\\x7f"),
        ("rtl\u{202e}gnp", "rtl<U+202E>gnp"),
        ("zero\u{200b}width", "zero<U+200B>width"),
        ("tag\u{e0041}", "tag<U+E0041>"),
        ("nbsp\u{a0}x", "nbsp<U+00A0>x"),
        ("filler\u{3164}", "filler<U+3164>"),
        ("cell\u{2800}", "cell<U+2800>"),
        ("emoji\u{fe0f}", "emoji<U+FE0F>"),
        ("\u{301}alone", "<U+0301>alone"),
        ("wide\u{e01}\u{e33}\u{e33}", "wide\u{e01}<U+0E33><U+0E33>"),
        ("\u{15}\u{e33}", "\\x15<U+0E33>"),
        ("\u{200d}\u{e33}", "<U+200D><U+0E33>"),
        ("a\u{301}🇩🇪🇫🇷", "a\u{301}🇩🇪🇫🇷"),
        ("\u{1100}\u{1100}", "\u{1100}<U+1100>"),
        ("kühlraum 日本", "kühlraum 日本"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}

#[test]
fn a_tower_of_marks_is_counted_instead_of_drawn() {
    let tower = format!("a{}b", "\u{301}".repeat(300));

    assert_eq!(
        shown(&tower),
        format!("a{}<+296 marks>b", "\u{301}".repeat(4))
    );
}

#[test]
fn a_tower_of_letters_without_width_is_counted_too() {
    let tower = format!("\u{1100}\u{1161}{}", "\u{11a8}".repeat(40));

    assert_eq!(
        shown(&tower),
        format!("\u{1100}\u{1161}{}<+37 marks>", "\u{11a8}".repeat(3))
    );
    assert_eq!(
        shown("\u{1112}\u{1161}\u{11ab}"),
        "\u{1112}\u{1161}\u{11ab}"
    );
}

#[test]
fn an_ascii_terminal_gets_ascii() {
    let text = SafeText::new("kühl", Charset::Ascii);

    assert_eq!(text.as_str(), "k<U+00FC>hl");
}

#[test]
fn a_cut_text_says_that_it_was_cut() {
    let name = SafeText::new("payment-gateway", Charset::Utf8);
    let wide = SafeText::new("日本語", Charset::Utf8);

    assert_eq!(name.cut(15, Charset::Utf8).as_str(), "payment-gateway");
    assert_eq!(name.cut(8, Charset::Utf8).as_str(), "payment…");
    assert_eq!(name.cut(8, Charset::Ascii).as_str(), "payment>");
    assert_eq!(wide.cut(4, Charset::Utf8).as_str(), "日…");
    assert_eq!(name.cut(0, Charset::Utf8).as_str(), "");
}

#[test]
fn what_was_written_out_is_never_cut_apart() {
    let cyrillic = SafeText::new("\u{43f}\u{43b}a", Charset::Ascii);
    let tower = SafeText::new(&format!("a{}", "\u{301}".repeat(9)), Charset::Utf8);

    assert_eq!(cyrillic.as_str(), "<U+043F><U+043B>a");
    assert_eq!(cyrillic.cut(16, Charset::Ascii).as_str(), "<U+043F>>");
    assert_eq!(cyrillic.cut(8, Charset::Ascii).as_str(), ">");
    assert_eq!(
        cyrillic.cut_middle(12, Charset::Ascii).as_str(),
        ">a",
        "an end of five columns has no room for the second letter"
    );
    assert_eq!(
        cyrillic
            .wrap(10)
            .iter()
            .map(SafeText::as_str)
            .collect::<Vec<_>>(),
        ["<U+043F>", "<U+043B>a"]
    );
    assert_eq!(
        tower.cut(5, Charset::Utf8).as_str(),
        "a\u{301}\u{301}\u{301}\u{301}…"
    );
    let half = SafeText::new("x\u{1b}<U+12", Charset::Utf8);
    assert_eq!(half.cut(4, Charset::Utf8).as_str(), "x…");
    assert_eq!(half.cut(8, Charset::Utf8).as_str(), "x\\x1b<U…");
}

#[test]
fn an_address_is_cut_in_the_middle() {
    let address = SafeText::new("2001:db8:1111:2222:3333:4444:5555:6666", Charset::Utf8);

    assert_eq!(
        address.cut_middle(15, Charset::Utf8).as_str(),
        "2001:db…55:6666"
    );
}

#[test]
fn lines_break_at_blanks_and_long_words_anywhere() {
    let text = SafeText::new("one two threefourfive six", Charset::Utf8);

    let lines: Vec<String> = text.wrap(8).iter().map(ToString::to_string).collect();

    assert_eq!(lines, ["one two", "threefou", "rfive", "six"]);
}

#[test]
fn a_wide_letter_has_a_line_of_its_own_in_one_column() {
    let text = SafeText::new("日本ab", Charset::Utf8);

    let lines: Vec<String> = text.wrap(1).iter().map(ToString::to_string).collect();

    assert_eq!(lines, ["日", "本", "a", "b"]);
}

#[test]
fn a_letter_wider_than_two_columns_is_written_out() {
    let safe = SafeText::new("a\u{17d8}b日", Charset::Utf8);

    assert_eq!(safe.as_str(), "a<U+17D8>b日");
}

#[test]
fn json_keeps_its_meaning_and_loses_its_teeth() {
    let json = serde_json::to_string("a\u{9b}b\u{202e}c\u{e0041}").unwrap();

    let safe = safe_json(&json);

    assert_eq!(safe, "\"a\\u009bb\\u202ec\\udb40\\udc41\"");
    assert_eq!(
        serde_json::from_str::<String>(&safe).unwrap(),
        "a\u{9b}b\u{202e}c\u{e0041}"
    );
}

proptest! {
    #[test]
    fn nothing_hidden_is_left_and_a_cut_fits(text in "\\PC{0,30}|(?s).{0,30}", columns in 0_usize..40) {
        for charset in [Charset::Utf8, Charset::Ascii] {
            let safe = SafeText::new(&text, charset);
            prop_assert!(!safe.as_str().chars().any(is_hidden));
            prop_assert!(charset == Charset::Utf8 || safe.as_str().is_ascii());
            prop_assert!(safe.cut(columns, charset).width() <= columns);
            prop_assert!(safe.cut_middle(columns, charset).width() <= columns);
            let limit = columns.max(2);
            prop_assert!(safe.wrap(limit).iter().all(|line| columns_of(line.as_str()) <= limit));
        }
    }
}
