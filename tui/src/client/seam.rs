//! How an answer is read, without a connection, for the checks of `lastbeat-checks` alone: nothing
//! of the program calls this, and its form may change at any time.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::ClientError;
use super::answer::Answer;

/// The typed body of an answer with this status.
///
/// # Errors
/// [`ClientError`], as the question would end with.
#[doc(hidden)]
pub fn read<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, ClientError> {
    let body = Bytes::copy_from_slice(body);
    let answer = Answer {
        status,
        body,
        ..Answer::default()
    };
    answer.read()
}
