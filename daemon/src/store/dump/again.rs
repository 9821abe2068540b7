//! A document read and written again, without a database between: what the checks of
//! `lastbeat-checks` compare. Nothing of the program calls this.

use serde::Serialize;

use super::line::{EventLine, InstanceLine, RefusedLine, StretchLine, TimeWord};
use super::{FORMAT, VERSION, reader};

#[derive(Serialize)]
struct Written {
    format: &'static str,
    version: u32,
    exported_at: TimeWord,
    last_id: i64,
    stretches: Vec<StretchLine>,
    instances: Vec<InstanceLine>,
    events: Vec<EventLine>,
    refused_rows: Vec<RefusedLine>,
}

/// The document as this program would write what it read of it; its time of export is 1970.
///
/// # Errors
/// The sentence that an import of it would end with.
#[doc(hidden)]
pub fn rewritten(document: &[u8]) -> Result<String, String> {
    let import = reader::parse(document)?;
    let batch = import.batch;
    let written = Written {
        format: FORMAT,
        version: VERSION,
        exported_at: TimeWord(lastbeat_proto::Timestamp::from_micros(0)),
        last_id: import.sequence,
        stretches: batch.stretches.into_iter().map(StretchLine).collect(),
        instances: batch.rows.into_iter().map(InstanceLine).collect(),
        events: batch.events.into_iter().map(EventLine).collect(),
        refused_rows: import.refused.into_iter().map(RefusedLine).collect(),
    };
    serde_json::to_string(&written).map_err(|error| error.to_string())
}
