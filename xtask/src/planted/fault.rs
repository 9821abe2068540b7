//! One planted fault: a patch under `xtask/faults`, what it breaks and who must find it.
//!
//! The lines before the diff are its header: a sentence that says what is broken, then one line
//! `test: <file>::<function>` for each test of `daemon/tests/it` that must fail, or
//! `test: lib <module>::<function>` for one of the daemon's own, `test: tui …` for one of
//! `tui/tests/it` and `test: checks …` for one of `daemon/checks/tests/it`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Where the patches are, below the root.
const FOLDER: &str = "xtask/faults";

/// A patch with its header read.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Name of the file, without its ending.
    pub(crate) name: String,
    path: PathBuf,
    /// What is broken, as a sentence.
    pub(crate) sentence: String,
    /// Who must find it; at least one.
    pub(crate) tests: Vec<Test>,
}

/// A test by its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Test {
    /// In the binary of the integration tests.
    Integration(String),
    /// In the daemon's library.
    Library(String),
    /// In the binary of the terminal client's integration tests.
    Terminal(String),
    /// In the binary of the checks of what is read from outside.
    Checks(String),
}

/// What is done with a patch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Apply {
    /// Nothing is changed; it is only looked whether it would apply. The cheap check is a test.
    #[cfg(test)]
    Check,
    /// The tree is broken.
    Plant,
    /// The tree is whole again.
    TakeBack,
}

impl Fault {
    /// All patches, by name.
    ///
    /// # Errors
    /// When the folder or a header cannot be read.
    pub(crate) fn all(root: &Path) -> Result<Vec<Self>> {
        let mut faults = Vec::new();
        for entry in std::fs::read_dir(root.join(FOLDER)).context("cannot list xtask/faults")? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "patch") {
                faults.push(Self::read(path)?);
            }
        }
        faults.sort_by(|one, other| one.name.cmp(&other.name));
        ensure!(!faults.is_empty(), "{FOLDER} has no patches");
        Ok(faults)
    }

    fn read(path: PathBuf) -> Result<Self> {
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .context("a patch has no name in UTF-8")?
            .to_owned();
        let text = std::fs::read_to_string(&path)?;
        let (sentence, tests) = header(&text).with_context(|| format!("header of {name}"))?;
        Ok(Self {
            name,
            path,
            sentence,
            tests,
        })
    }

    /// Does something with the patch in the tree at `root`.
    ///
    /// # Errors
    /// When git cannot be started, or the patch does not apply.
    pub(crate) fn apply(&self, root: &Path, how: Apply) -> Result<()> {
        let mut git = Command::new("git");
        git.args(["-c", "safe.directory=*", "apply", "--whitespace=nowarn"]);
        match how {
            #[cfg(test)]
            Apply::Check => git.arg("--check"),
            Apply::Plant => &mut git,
            Apply::TakeBack => git.arg("--reverse"),
        };
        let output = git
            .arg(&self.path)
            .current_dir(root)
            // The copy lies in a folder of the repository, where git would look for the paths of
            // the patch below the repository's root and silently leave out what is elsewhere.
            .env("GIT_CEILING_DIRECTORIES", root.parent().unwrap_or(root))
            .output()
            .context("cannot start git, which applies patches")?;
        ensure!(
            output.status.success(),
            "{} does not apply: {}",
            self.name,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(())
    }
}

impl Test {
    fn parse(text: &str) -> Result<Self> {
        let (kind, path): (fn(String) -> Self, &str) = match text.split_once(' ') {
            Some(("lib", path)) => (Self::Library, path),
            Some(("tui", path)) => (Self::Terminal, path),
            Some(("checks", path)) => (Self::Checks, path),
            _ => (Self::Integration, text),
        };
        let is_path = path.contains("::") && !path.contains(char::is_whitespace);
        ensure!(is_path, "`{text}` is no path of a test");
        Ok(kind(path.to_owned()))
    }

    /// The path within its binary.
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Integration(path)
            | Self::Library(path)
            | Self::Terminal(path)
            | Self::Checks(path) => path,
        }
    }

    /// The package that it belongs to.
    pub(crate) const fn package(&self) -> &'static str {
        match self {
            Self::Integration(_) | Self::Library(_) => "lastbeatd",
            Self::Terminal(_) => "lastbeat",
            Self::Checks(_) => "lastbeat-checks",
        }
    }

    /// What cargo calls its binary.
    pub(crate) const fn target(&self) -> &'static [&'static str] {
        match self {
            Self::Integration(_) | Self::Terminal(_) | Self::Checks(_) => &["--test", "it"],
            Self::Library(_) => &["--lib"],
        }
    }
}

/// The sentence and the tests of the lines before the diff.
fn header(text: &str) -> Result<(String, Vec<Test>)> {
    let mut lines = text
        .lines()
        .take_while(|line| !line.starts_with("diff ") && !line.starts_with("--- "))
        .map(|line| line.trim_start_matches('#').trim())
        .filter(|line| !line.is_empty());
    let sentence = lines.next().context("it says nothing")?.to_owned();
    ensure!(
        sentence.ends_with('.') && sentence.contains(' '),
        "`{sentence}` is no sentence"
    );
    let mut tests = Vec::new();
    for line in lines {
        let Some(named) = line.strip_prefix("test: ") else {
            bail!("`{line}` is no line `test: …`");
        };
        tests.push(Test::parse(named)?);
    }
    ensure!(!tests.is_empty(), "no test is named that must find it");
    Ok((sentence, tests))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::root;

    /// The source that a module of the daemon stands in, tests at the end of a file included.
    fn source(folder: &Path, modules: &[&str]) -> String {
        let file = |modules: &[&str]| folder.join(modules.join("/")).with_extension("rs");
        let whole = file(modules);
        let path = match modules {
            [above @ .., "tests"] if !whole.is_file() => file(above),
            _ => whole,
        };
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    #[test]
    fn every_fault_applies_and_names_tests_that_exist() {
        let root = root().unwrap();
        for fault in Fault::all(&root).unwrap() {
            fault.apply(&root, Apply::Check).unwrap();
            for test in &fault.tests {
                let folder = match test {
                    Test::Integration(_) => "daemon/tests/it",
                    Test::Library(_) => "daemon/src",
                    Test::Terminal(_) => "tui/tests/it",
                    Test::Checks(_) => "daemon/checks/tests/it",
                };
                let parts: Vec<&str> = test.path().split("::").collect();
                let (function, modules) = parts.split_last().unwrap();
                let source = source(&root.join(folder), modules);
                assert!(
                    source.contains(&format!("fn {function}(")),
                    "{}: {test:?} does not exist",
                    fault.name
                );
            }
        }
    }

    #[test]
    fn a_header_without_a_sentence_or_a_test_is_refused() {
        let whole = "# Nobody is DOWN.\n# test: model::a\ntest: lib state::tests::b\ntest: tui c::d\n\
             test: checks e::f\ndiff --git a b";

        let (sentence, tests) = header(whole).unwrap();

        assert_eq!(sentence, "Nobody is DOWN.");
        assert_eq!(
            tests,
            [
                Test::Integration("model::a".to_owned()),
                Test::Library("state::tests::b".to_owned()),
                Test::Terminal("c::d".to_owned()),
                Test::Checks("e::f".to_owned())
            ]
        );
        for text in [
            "diff --git a b",
            "Nobody is DOWN.\ndiff --git a b",
            "nobody\ntest: model::a\ndiff --git a b",
            "Nobody is DOWN.\ntest: model\ndiff --git a b",
            "Nobody is DOWN.\nModel finds it.\ntest: model::a\ndiff --git a b",
        ] {
            header(text).unwrap_err();
        }
    }

    #[test]
    fn a_patch_of_another_text_does_not_apply() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("rule"), "silence > allowance\n").unwrap();
        let path = dir.path().join("edge.patch");
        let changing = |from: &str| {
            format!(
                "The edge is off.\ntest: a::b\n\ndiff --git a/rule b/rule\n--- a/rule\n+++ b/rule\n\
                 @@ -1 +1 @@\n-{from}\n+silence >= allowance\n"
            )
        };

        std::fs::write(&path, changing("silence > allowance")).unwrap();
        let fault = Fault::read(path.clone()).unwrap();
        fault.apply(dir.path(), Apply::Check).unwrap();
        fault.apply(dir.path(), Apply::Plant).unwrap();
        fault.apply(dir.path(), Apply::Plant).unwrap_err();
        fault.apply(dir.path(), Apply::TakeBack).unwrap();

        std::fs::write(&path, changing("silence > ttl")).unwrap();
        let fault = Fault::read(path).unwrap();
        let error = fault.apply(dir.path(), Apply::Check).unwrap_err();
        assert!(error.to_string().contains("edge does not apply"), "{error}");
    }
}
