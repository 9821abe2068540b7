//! A man page as it grows: what a command line says of itself, then sections of terms and texts.
//! What stands in them is left to `man`.

use anyhow::{Context, Result};
use clap::{Arg, Command};
use clap_mangen::Man;
use roff::{Inline, Roff, bold, italic, roman};

/// What is true of both pages.
pub(crate) struct Source<'a> {
    /// The text of `docs/operations.md`.
    pub(crate) operations: &'a str,
    /// The day of the last change, `2026-11-25`.
    pub(crate) day: &'a str,
}

/// A term and what is said of it, in Markdown.
pub(crate) type Entry = (String, String);

/// A page that grows.
pub(crate) struct Page {
    /// So far.
    pub(crate) bytes: Vec<u8>,
}

impl Page {
    /// Everything that the command line itself says.
    pub(crate) fn new(mut command: Command, section: &str, source: &Source<'_>) -> Result<Self> {
        command.build();
        let man = Man::new(command.clone())
            .title(command.get_name().to_uppercase())
            .section(section)
            .date(source.day)
            .source(format!("lastbeat {}", env!("CARGO_PKG_VERSION")))
            .manual("lastbeat");
        let mut page = Self { bytes: Vec::new() };
        man.render_title(&mut page.bytes)?;
        man.render_name_section(&mut page.bytes)?;
        man.render_synopsis_section(&mut page.bytes)?;
        man.render_description_section(&mut page.bytes)?;
        if let Some(after) = command.get_after_help() {
            let mut roff = Roff::new();
            for line in after.to_string().lines() {
                roff.control("PP", []).text([roman(line)]);
            }
            page.write(&roff)?;
        }
        let mut roff = Roff::new();
        roff.control("SH", ["OPTIONS"]);
        for argument in command.get_arguments() {
            describe(&mut roff, argument)?;
        }
        page.write(&roff)?;
        page.commands(&command)?;
        Ok(page)
    }

    /// Each command with what it takes beside the options of the page.
    fn commands(&mut self, program: &Command) -> Result<()> {
        let mut roff = Roff::new();
        roff.control("SH", ["COMMANDS"]);
        for command in program.get_subcommands() {
            describe_command(&mut roff, program, command, "")?;
        }
        self.write(&roff)
    }

    /// A section of terms, each with what is said of it.
    pub(crate) fn list(&mut self, title: &str, entries: &[Entry]) -> Result<()> {
        let mut roff = Roff::new();
        roff.control("SH", [title]);
        for (term, text) in entries {
            roff.control("TP", []).text(inline(term)).text(inline(text));
        }
        self.write(&roff)
    }

    pub(crate) fn examples(&mut self, examples: &[(&str, &str)]) -> Result<()> {
        let mut roff = Roff::new();
        roff.control("SH", ["EXAMPLES"]);
        for (sentence, line) in examples {
            roff.control("TP", []).text([roman(*sentence)]);
            roff.text([bold(*line)]);
        }
        self.write(&roff)
    }

    pub(crate) fn see_also(&mut self, name: &str, section: &str) -> Result<()> {
        let mut roff = Roff::new();
        roff.control("SH", ["SEE ALSO"]);
        roff.text([bold(name), roman(format!("({section})"))]);
        self.write(&roff)
    }

    fn write(&mut self, roff: &Roff) -> Result<()> {
        Ok(roff.to_writer(&mut self.bytes)?)
    }
}

/// A command and those below it, each under its whole name; `above` is what stands before it.
fn describe_command(
    roff: &mut Roff,
    program: &Command,
    command: &Command,
    above: &str,
) -> Result<()> {
    // Every program has this one.
    if command.get_name() == "help" {
        return Ok(());
    }
    let name = format!("{above}{}", command.get_name());
    roff.control("SS", [name.as_str()]);
    let about = command.get_about().context("a command has no summary")?;
    roff.text([roman(format!("{about}."))]);
    let (own, of_the_page): (Vec<&Arg>, Vec<&Arg>) = command
        .get_arguments()
        .filter(|argument| is_setting(argument))
        .partition(|argument| is_own(program, argument));
    let all = program
        .get_arguments()
        .filter(|argument| is_setting(argument));
    if of_the_page.len() == all.count() {
        roff.control("PP", [])
            .text([roman("Takes all options above.")]);
    } else if !of_the_page.is_empty() {
        let mut text = vec![roman("Takes, as above:")];
        for argument in of_the_page {
            text.push(roman(" "));
            text.extend(term(argument));
        }
        roff.control("PP", []).text(text);
    }
    for argument in own {
        describe(roff, argument)?;
    }
    for below in command.get_subcommands() {
        describe_command(roff, program, below, &format!("{name} "))?;
    }
    Ok(())
}

/// An argument with its help and the words that it may be.
fn describe(roff: &mut Roff, argument: &Arg) -> Result<()> {
    let help = argument.get_help().context("an argument has no help")?;
    let words: Vec<String> = argument
        .get_possible_values()
        .iter()
        .map(|word| word.get_name().to_owned())
        .collect();
    roff.control("TP", []).text(term(argument));
    let takes = argument.get_action().takes_values();
    if takes && !words.is_empty() {
        roff.text([roman(format!("{help} [one of: {}]", words.join(", ")))]);
    } else {
        roff.text([roman(help.to_string())]);
    }
    Ok(())
}

/// Whether it is more than `--help` and `--version`, which every command has.
fn is_setting(argument: &Arg) -> bool {
    argument.get_id() != "help" && argument.get_id() != "version"
}

/// Whether a command has this argument for itself.
fn is_own(program: &Command, argument: &Arg) -> bool {
    !program
        .get_arguments()
        .any(|known| known.get_id() == argument.get_id())
}

/// `--db <FILE>` or `TO`, set in type.
fn term(argument: &Arg) -> Vec<Inline> {
    let value = argument
        .get_value_names()
        .filter(|_| argument.get_action().takes_values())
        .map(|names| {
            names
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        });
    match (argument.get_long(), value) {
        (Some(long), Some(value)) => {
            vec![
                bold(format!("--{long}")),
                roman(" "),
                italic(format!("<{value}>")),
            ]
        }
        (Some(long), None) => vec![bold(format!("--{long}"))],
        (None, value) => vec![italic(value.unwrap_or_default())],
    }
}

/// Markdown of one line: what stands between backticks is bold, a link is its text.
fn inline(markdown: &str) -> Vec<Inline> {
    let mut text = markdown.to_owned();
    while let Some((before, after)) = text.split_once("](") {
        let (Some((start, shown)), Some((_, rest))) =
            (before.rsplit_once('['), after.split_once(')'))
        else {
            break;
        };
        text = format!("{start}{shown}{rest}");
    }
    text.split('`')
        .enumerate()
        .filter(|(_, part)| !part.is_empty())
        .map(|(index, part)| {
            if index % 2 == 1 {
                bold(part)
            } else {
                roman(part)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_type() {
        let set = inline("see `a|b` and [c](d.md#e).");

        assert_eq!(set, [roman("see "), bold("a|b"), roman(" and c.")]);
    }

    #[test]
    fn a_command_below_a_command_bears_its_whole_name() {
        let add = Command::new("add")
            .about("Make one")
            .arg(Arg::new("NAME").help("Its name"));
        let token = Command::new("token").about("Tokens").subcommand(add);
        let program = Command::new("p").about("It").subcommand(token);
        let source = Source {
            operations: "",
            day: "2026-11-25",
        };

        let page = Page::new(program, "8", &source).unwrap().bytes;

        let text = String::from_utf8(page).unwrap();
        assert!(text.contains(".SS \"token add\"\nMake one.\n"), "{text}");
        assert!(text.contains("Its name"), "{text}");
    }
}
