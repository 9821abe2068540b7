//! What was promised, what was seen, and whether the two agree.

use std::fmt::Display;

/// How many cases of a broken bound are printed.
const SHOWN: usize = 8;

#[derive(Default)]
pub(super) struct Verdict {
    lines: Vec<Line>,
}

struct Line {
    what: String,
    seen: String,
    bound: String,
    holds: bool,
    cases: Vec<String>,
}

impl Verdict {
    /// Nothing of this kind may have happened.
    pub(super) fn none(&mut self, what: &str, cases: &[String]) {
        self.lines.push(Line {
            what: what.to_owned(),
            seen: cases.len().to_string(),
            bound: "0".to_owned(),
            holds: cases.is_empty(),
            cases: cases.iter().take(SHOWN).cloned().collect(),
        });
    }

    pub(super) fn at_most<T: PartialOrd + Display + Copy>(
        &mut self,
        what: &str,
        seen: T,
        bound: T,
    ) {
        self.lines.push(Line {
            what: what.to_owned(),
            holds: seen <= bound,
            seen: seen.to_string(),
            bound: format!("<= {bound}"),
            cases: Vec::new(),
        });
    }

    /// So much must have happened, or the run has shown nothing.
    pub(super) fn at_least<T: PartialOrd + Display + Copy>(
        &mut self,
        what: &str,
        seen: T,
        bound: T,
    ) {
        self.lines.push(Line {
            what: what.to_owned(),
            holds: bound <= seen,
            seen: seen.to_string(),
            bound: format!(">= {bound}"),
            cases: Vec::new(),
        });
    }

    /// A figure without a bound.
    pub(super) fn note(&mut self, what: &str, seen: impl Display) {
        self.lines.push(Line {
            what: what.to_owned(),
            seen: seen.to_string(),
            bound: String::new(),
            holds: true,
            cases: Vec::new(),
        });
    }

    pub(super) fn holds(&self) -> bool {
        self.lines.iter().all(|line| line.holds)
    }

    pub(super) fn print(&self) {
        for line in &self.lines {
            let word = match (line.holds, line.bound.is_empty()) {
                (_, true) => "      ",
                (true, false) => "ok    ",
                (false, false) => "BROKEN",
            };
            println!("{word} {:<58}{:>12}  {}", line.what, line.seen, line.bound);
            for case in &line.cases {
                println!("         {case}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_bound_breaks_the_verdict() {
        for break_one in [
            |verdict: &mut Verdict| verdict.none("lost", &["a".to_owned()]),
            |verdict: &mut Verdict| verdict.at_most("size", 2, 1),
            |verdict: &mut Verdict| verdict.at_least("size", 0.5, 1.0),
            |verdict: &mut Verdict| verdict.at_most("slope", f64::NAN, 1.0),
        ] {
            let mut verdict = Verdict::default();
            verdict.none("lost", &[]);
            verdict.at_most("size", 1, 1);
            verdict.at_least("size", 1, 1);
            verdict.note("size", 7);
            assert!(verdict.holds());

            break_one(&mut verdict);

            assert!(!verdict.holds());
        }
    }
}
