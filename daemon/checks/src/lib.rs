//! What must hold for everything that lastbeat reads from outside: one `check(bytes)` for each
//! parser, which panics when a property is broken.
//!
//! The same functions run as ordinary tests (over `corpus/` and generated inputs, here in
//! `tests/it`) and under a fuzzer (`daemon/fuzz/fuzz_targets`, by `cargo xtask fuzz`).
//! Rules are written down here a second time and in another way, so that a mistake in the product
//! is not repeated by its check.

pub mod address;
pub mod answer;
pub mod document;
pub mod guard;
pub mod import;
pub mod name;
pub mod path;
pub mod query;
pub mod register;
pub mod settings;
pub mod text;
pub mod time;

mod hidden;
mod sentence;

/// A check with the name of its fuzz target and of its folder under `corpus`.
pub type Check = (&'static str, fn(&[u8]));

/// All of them, by name.
pub const CHECKS: [Check; 12] = [
    ("address", address::check),
    ("answer", answer::check),
    ("document", document::check),
    ("guard", guard::check),
    ("import", import::check),
    ("name", name::check),
    ("path", path::check),
    ("query", query::check),
    ("register", register::check),
    ("settings", settings::check),
    ("text", text::check),
    ("time", time::check),
];
