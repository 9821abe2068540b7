//! The words of a filter on screens: which keys there are and which states `status:` may ask for.
//! What matches is left to the client.

use crate::variable::distance;

/// What may stand behind `status:`.
pub const STATUS_WORDS: [&str; 4] = ["up", "late", "down", "gone"];
/// Words before a colon that mean something, and how many slips still look like them.
const KEYS: [(&str, usize); 2] = [("status", 2), ("tag", 1)];
/// What is tried for want of a key: plain text finds it.
const NO_KEYS: [&str; 5] = ["name", "instance", "address", "addr", "ip"];

/// What is wrong with the words of a filter, the first of them that is; a slip must not look like
/// a filter that finds nothing.
pub fn fault(text: &str) -> Option<String> {
    let words = text.split_whitespace();
    words
        .map(|word| word.strip_prefix('!').unwrap_or(word))
        .find_map(fault_of_word)
}

fn fault_of_word(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    let (key, value) = lower.split_once(':')?;
    if key == "status" {
        let known = STATUS_WORDS.join(", ");
        return (!STATUS_WORDS.contains(&value))
            .then(|| format!("{word} is none of status: {known}"));
    }
    // A host and its port, not a key and its value.
    let is_port = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    if is_port {
        return None;
    }
    let known = "the keys are status: and tag:";
    if NO_KEYS.contains(&key) {
        return Some(format!(
            "{key}: is no key; names and addresses are found by plain text; {known}"
        ));
    }
    let is_near = |(right, most): &(&str, usize)| {
        key != *right && (distance(right, key) <= *most || is_swapped(right, key))
    };
    KEYS.iter().find(|key| is_near(key)).map(|(right, _)| {
        format!("{key}: is no key; did you mean {right}:? {known}, all else is plain text")
    })
}

/// Whether two neighbors changed places.
fn is_swapped(right: &str, written: &str) -> bool {
    let pairs = right.bytes().zip(written.bytes());
    let different: Vec<(usize, (u8, u8))> =
        pairs.enumerate().filter(|(_, (a, b))| a != b).collect();
    match different.as_slice() {
        [(at, (a, b)), (next, (c, d))] => {
            right.len() == written.len() && at + 1 == *next && (a, b) == (d, c)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_state_is_told_with_those_that_there_are() {
        for text in [
            "status:foo",
            "web !status:foo",
            "status:up status:foo tag:x",
        ] {
            let fault = fault(text).unwrap();

            assert_eq!(fault, "status:foo is none of status: up, late, down, gone");
        }
        assert!(fault("status:").is_some());
    }

    #[test]
    fn a_misspelt_key_is_told_with_the_one_that_was_meant() {
        for (text, right) in [
            ("statsu:down", "status"),
            ("stauts:down", "status"),
            ("web !Staus:down", "status"),
            ("state:down", "status"),
            ("stat:down", "status"),
            ("tags:eu", "tag"),
            ("tga:eu", "tag"),
            ("atg:eu", "tag"),
            ("ta:eu", "tag"),
        ] {
            let fault = fault(text).unwrap();

            let said = format!(
                ": is no key; did you mean {right}:? the keys are status: and tag:, all else is \
                 plain text"
            );
            assert!(fault.ends_with(&said), "{text}: {fault}");
        }
    }

    #[test]
    fn a_key_that_people_try_is_told_with_what_does_it() {
        for text in ["name:auth", "!address:10.", "IP:10.0.0.1"] {
            let fault = fault(text).unwrap();

            let said = ": is no key; names and addresses are found by plain text; the keys are \
                        status: and tag:";
            assert!(fault.ends_with(said), "{text}: {fault}");
        }
    }

    #[test]
    fn what_is_searched_as_text_is_no_slip() {
        for text in [
            "",
            "status:up !Status:GONE",
            "10.0.0.1:80",
            "fe80::1",
            "a::1",
            "::1",
            "[::1]:25",
            "tap:8080",
            "statsd:8125",
            "ns:auth",
            "app:web",
            "team:stats:eu",
            "tag:",
            "status",
            "tags",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
    }
}
