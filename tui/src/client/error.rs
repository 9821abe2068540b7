//! Why a question has no answer, and what that means for the screen.

use lastbeat_proto::Span;
use lastbeat_proto::problem::Problem;

use crate::model::link::{Fault, FaultKind};

/// The daemon knows who asks, and that one may not.
const FORBIDDEN: u16 = 403;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection, or one that broke.
    #[error("{cause}")]
    Unreachable {
        /// The cause in few words.
        cause: String,
    },
    /// No answer in time.
    #[error("no answer within {0}")]
    Timeout(Span),
    /// The daemon, or a proxy before it, wants to know who asks.
    #[error("not allowed (HTTP {status}); {advice}")]
    Unauthorized {
        /// Of the answer.
        status: u16,
        /// What to do.
        advice: String,
    },
    /// No handshake of TLS, or one with somebody who is not trusted.
    #[error("{0}")]
    Untrusted(String),
    /// Something else answers at this address.
    #[error("no lastbeatd answers here: {0}; check --url")]
    NotOurs(String),
    /// The URL has the wrong one of http and https, or a path that the daemon does not have.
    #[error("{0}")]
    OtherUrl(String),
    /// The daemon says no.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
}

impl ClientError {
    /// Whether the daemon answered that we may not.
    pub fn is_unauthorized(&self) -> bool {
        match self {
            Self::Unauthorized { .. } => true,
            Self::Refused(problem) => problem.status == FORBIDDEN,
            Self::Unreachable { .. }
            | Self::Timeout(_)
            | Self::Untrusted(_)
            | Self::NotOurs(_)
            | Self::OtherUrl(_) => false,
        }
    }
}

impl From<ClientError> for Fault {
    fn from(error: ClientError) -> Self {
        let kind = match error {
            ClientError::Unreachable { .. }
            | ClientError::Timeout(_)
            | ClientError::OtherUrl(_) => FaultKind::Unreachable,
            ClientError::Unauthorized { .. } => FaultKind::Unauthorized,
            ClientError::Untrusted(_) => FaultKind::Untrusted,
            ClientError::NotOurs(_) => FaultKind::NotOurs,
            ClientError::Refused(_) => FaultKind::Refused,
        };
        Self {
            kind,
            text: error.to_string(),
        }
    }
}
