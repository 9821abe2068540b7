//! The words of a filter on screens: which states `status:` may ask for. What matches is left to
//! the client.

/// What may stand behind `status:`.
pub const STATUS_WORDS: [&str; 4] = ["up", "late", "down", "gone"];

/// What is wrong with the words of a filter, the first of them that is; a slip must not look like
/// a filter that finds nothing.
pub fn fault(text: &str) -> Option<String> {
    let words = text.split_whitespace();
    words
        .map(|word| word.strip_prefix('!').unwrap_or(word))
        .find_map(|word| {
            let lower = word.to_lowercase();
            let status = lower.strip_prefix("status:")?;
            let known = STATUS_WORDS.join(", ");
            (!STATUS_WORDS.contains(&status)).then(|| format!("{word} is none of status: {known}"))
        })
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
    fn what_is_searched_as_text_is_no_slip() {
        for text in [
            "",
            "status:up !Status:GONE",
            "10.0.0.1:80",
            "state:x",
            "tag:",
            "status",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
    }
}
