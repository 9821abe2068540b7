//! The whole registry as one JSON document, and a registry from such a document.
//!
//! The document has one record a line, in a fixed order, so that two of them can be compared line
//! by line and an error has a place. What a record looks like is in [`mod@line`].

mod line;
mod word;

mod again;
mod reader;
mod writer;

#[doc(hidden)]
pub use self::again::rewritten;
pub use self::reader::{Taken, import};
pub use self::writer::{Exported, export, export_to};

/// What says that a document is one of these.
const FORMAT: &str = "lastbeat registry";
/// The version of the format that this program writes and reads.
const VERSION: u32 = 1;
