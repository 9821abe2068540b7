//! Steps that run one after another: each is announced, timed and remembered for the summary.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// What ran, and what was left out and why.
#[derive(Default)]
pub(crate) struct Steps {
    ran: Vec<(String, Duration, bool)>,
    left_out: Vec<String>,
}

impl Steps {
    /// Runs a program to its end.
    ///
    /// # Errors
    /// When it cannot be started or ends with anything but 0.
    pub(crate) fn run(&mut self, title: &str, command: &mut Command) -> Result<()> {
        self.step(title, || {
            println!("   {}", shown(command));
            let status = command
                .status()
                .with_context(|| format!("cannot start {}", shown(command)))?;
            ensure!(status.success(), "{} ended with {status}", shown(command));
            Ok(())
        })
    }

    /// The same, and gives back what it said on both streams, which pass through as they come.
    pub(crate) fn run_and_read(&mut self, title: &str, command: &mut Command) -> Result<String> {
        self.step(title, || {
            println!("   {}", shown(command));
            let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
            let mut child = command
                .stdout(writer.try_clone().context("cannot share a pipe")?)
                .stderr(writer)
                .stdin(Stdio::null())
                .spawn()
                .with_context(|| format!("cannot start {}", shown(command)))?;
            // The command keeps its ends of the pipe open until they are replaced.
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let mut said = String::new();
            for line in BufReader::new(reader).split(b'\n') {
                let line = String::from_utf8_lossy(&line?).into_owned();
                println!("{line}");
                said.push_str(&line);
                said.push('\n');
            }
            let status = child.wait()?;
            ensure!(status.success(), "{} ended with {status}", shown(command));
            Ok(said)
        })
    }

    /// A check of our own.
    pub(crate) fn check(&mut self, title: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
        self.step(title, check)
    }

    /// Remembers what did not run.
    pub(crate) fn leave_out(&mut self, what: &str) {
        self.left_out.push(what.to_owned());
    }

    fn step<T>(&mut self, title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("== {title}");
        std::io::stdout().flush()?;
        let began = Instant::now();
        let result = work();
        self.ran
            .push((title.to_owned(), began.elapsed(), result.is_ok()));
        match result {
            Ok(value) => Ok(value),
            Err(error) => bail!("step `{title}`: {error:#}"),
        }
    }

    /// One line a step, the sum, and what was left out.
    pub(crate) fn print_summary(&self) {
        println!("\n== Summary");
        for (title, took, passed) in &self.ran {
            let word = if *passed { "ok    " } else { "FAILED" };
            println!("{word} {:>7.1} s  {title}", took.as_secs_f64());
        }
        let sum: Duration = self.ran.iter().map(|(_, took, _)| *took).sum();
        println!("       {:>7.1} s  in all", sum.as_secs_f64());
        for what in &self.left_out {
            println!("left out: {what}");
        }
    }
}

/// A command as one would type it.
fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(
        command
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned()),
    );
    if let Some(first) = words.first_mut()
        && let Some((_, name)) = first.rsplit_once('/')
    {
        *first = name.to_owned();
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_fails_is_named_and_stands_in_the_summary() {
        let mut steps = Steps::default();

        let error = steps.run("truth", &mut Command::new("false")).unwrap_err();

        assert!(error.to_string().contains("step `truth`"), "{error}");
        assert_eq!(steps.ran.len(), 1);
        assert!(!steps.ran[0].2);
    }

    #[test]
    fn what_a_program_says_on_both_streams_is_read() {
        let mut steps = Steps::default();

        let said = steps
            .run_and_read(
                "both",
                Command::new("sh").args(["-c", "echo out; echo err >&2"]),
            )
            .unwrap();

        assert!(said.contains("out\n") && said.contains("err\n"), "{said}");
    }
}
