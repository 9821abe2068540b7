//! How often a trial is repeated: a small figure in every run, a large one by `cargo xtask`.

/// Name of the variable in which `cargo xtask <trial> COUNT` hands over its count.
const VARIABLE: &str = "LASTBEAT_FIGURE";

/// `every_run`, or what the long run of `trial` asks for. The name is the one in the table of
/// `xtask/src/trial.rs`, where a test compares the figures.
#[expect(
    clippy::disallowed_methods,
    reason = "a long run says its figure in a variable"
)]
pub(crate) fn figure(trial: &str, every_run: usize) -> usize {
    let figure = match std::env::var(VARIABLE) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{VARIABLE}={text} of {trial}: it is a number")),
        Err(_unset) => every_run,
    };
    println!("{trial}: {figure}");
    figure
}
