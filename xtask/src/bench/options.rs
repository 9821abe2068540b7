//! What is asked of the bench on its command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

/// How much is measured.
#[derive(Debug)]
pub(super) struct Scale {
    /// Slices of each side.
    pub(super) rounds: usize,
    /// How long one is.
    pub(super) slice: Duration,
    /// How often 100,000 instances go DOWN, of each kind.
    pub(super) storms: usize,
    /// How long heartbeats are written to the disk: several checkpoints.
    pub(super) disk: Duration,
    /// How long many instances beat.
    pub(super) steady: Duration,
}

/// For a verdict.
pub(super) const FULL: Scale = Scale {
    rounds: 5,
    slice: Duration::from_secs(3),
    storms: 3,
    disk: Duration::from_secs(120),
    steady: Duration::from_secs(600),
};

/// For a look.
const QUICK: Scale = Scale {
    rounds: 3,
    slice: Duration::from_millis(700),
    storms: 1,
    disk: Duration::from_secs(20),
    steady: Duration::from_secs(60),
};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Everything that has a bar.
    Bars,
    /// How cost grows with the number of instances.
    Growth,
    /// 100,000 instances that beat for minutes.
    Steady,
}

/// What was asked for.
pub(super) struct Options<'a> {
    pub(super) what: What,
    pub(super) scale: Scale,
    /// The parts whose titles have this word are measured.
    pub(super) only: &'a str,
    /// Where the programs are that are measured, if not those that are built.
    pub(super) programs: Option<PathBuf>,
}

impl<'a> Options<'a> {
    /// Reads the words behind the command; none when they cannot be understood.
    ///
    /// # Errors
    /// When there is no working directory.
    pub(super) fn read(arguments: &'a [String]) -> Result<Option<Self>> {
        let mut words = arguments.iter().map(String::as_str);
        let mut options = Self {
            what: What::Bars,
            scale: FULL,
            only: "",
            programs: None,
        };
        while let Some(word) = words.next() {
            match word {
                "--quick" => options.scale = QUICK,
                "--growth" => options.what = What::Growth,
                "--steady" => options.what = What::Steady,
                "--only" | "--programs" => match (word, words.next()) {
                    (_, None) => return Ok(None),
                    ("--only", Some(word)) => options.only = word,
                    (_, Some(folder)) => options.programs = Some(std::path::absolute(folder)?),
                },
                _ => return Ok(None),
            }
        }
        Ok(Some(options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_in_any_order_and_others_are_refused() {
        let read = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let options = Options::read(&words).unwrap()?;
            Some((
                options.scale.rounds,
                options.only.to_owned(),
                options.programs,
            ))
        };

        assert_eq!(read(&[]), Some((5, String::new(), None)));
        let growth = ["--growth".to_owned()];
        let growth = Options::read(&growth).unwrap().unwrap();
        assert_eq!(growth.what, What::Growth);
        let programs = Some(PathBuf::from("/a"));
        assert_eq!(
            read(&["--programs", "/a", "--quick", "--only", "disk"]),
            Some((3, "disk".to_owned(), programs))
        );
        for wrong in [&["--only"][..], &["--programs"], &["--fast"], &["disk"]] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
