//! The wire of lastbeat: every name, address, time, row, request and answer that crosses it.
//!
//! Pure: no I/O, no clock, no async. The daemon and the terminal client both speak these types,
//! so a question and its answer can never be spelled in two ways.
//! What a value means to liveness is left to the daemon.

pub mod address;
pub mod answer;
pub mod endpoint;
pub mod explain;
pub mod filter;
pub mod name;
pub mod path;
pub mod problem;
pub mod query;
pub mod register;
pub mod span;
pub mod status;
pub mod time;
pub mod variable;

pub use address::{Address, Endpoint as NetworkEndpoint};
pub use name::{InstanceId, ServiceName};
pub use span::Span;
pub use status::{EventKind, Status};
pub use time::Timestamp;
