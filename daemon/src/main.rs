//! `lastbeatd`: exit codes and nothing else.

use std::process::ExitCode;

use lastbeatd::DaemonError;
use lastbeatd::cli::{self, CliError};
use lastbeatd::store::{FileError, StoreError};

fn main() -> ExitCode {
    let Err(error) = cli::run(std::env::args_os()) else {
        return ExitCode::SUCCESS;
    };
    if let CliError::Usage(shown) = &error {
        cli::tell(shown);
    } else {
        cli::tell(&format!("lastbeatd: {error}\n"));
    }
    ExitCode::from(exit_code(&error))
}

/// The codes of `docs/operations.md`.
const fn exit_code(error: &CliError) -> u8 {
    match error {
        CliError::Usage(_)
        | CliError::Config(_)
        | CliError::Token(_)
        | CliError::Daemon(DaemonError::Token(_) | DaemonError::Tls(_) | DaemonError::Theme(_)) => {
            2
        }
        CliError::Listen { .. } => 6,
        CliError::Daemon(DaemonError::Store(store)) | CliError::File(FileError::Store(store)) => {
            match store {
                StoreError::InUse { .. } => 4,
                StoreError::Newer { .. } => 5,
                StoreError::Unusable { .. } => 3,
                StoreError::Start { .. }
                | StoreError::Trouble { .. }
                | StoreError::Defect { .. } => 1,
            }
        }
        CliError::File(file) => match file {
            FileError::Target { .. } => 2,
            FileError::Unreadable { .. } | FileError::NotOurs { .. } => 3,
            FileError::Newer { .. } => 5,
            FileError::Damaged { .. }
            | FileError::Unwritable { .. }
            | FileError::Document { .. }
            | FileError::Store(_) => 1,
        },
        CliError::Daemon(_)
        | CliError::Runtime { .. }
        | CliError::NotServing { .. }
        | CliError::Unsound { .. } => 1,
    }
}
