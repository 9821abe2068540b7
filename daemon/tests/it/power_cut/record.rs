//! A recording: the real daemon under strace, with clients that change things all the time; it is
//! stopped, killed and started again in between.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Command, Stdio};

use super::event::{Event, Naming, Reader, is_database};
use crate::ledger::{Client, Ledger, Load};
use crate::program::{Program, command, until};

/// So many at once that several share a commit.
const CLIENTS: usize = 10;
/// Names of a client.
const NAMES: usize = 120;
/// Wide rows, so that there are several checkpoints (`SQLite` makes one every 1,000 pages).
const PAD_BYTES: usize = 1_000;
/// How each run of the daemon ends, and after how many successes.
const RUNS: [(usize, Ending); 3] = [
    (700, Ending::Stop),
    (1_000, Ending::Kill),
    (300, Ending::Stop),
];
/// Checkpoints that a recording is to have: one at each clean stop, and some under load.
const CHECKPOINTS: usize = 5;

/// More than the lines about the ends of all threads.
const TAIL_BYTES: u64 = 16_384;

/// Whatever changes a file or sends an answer. Calls that the daemon does not make today are here
/// so that the reader fails when it begins to.
const CALLS: &str = "trace=openat,creat,close,dup,dup2,dup3,write,pwrite64,pwritev,pwritev2,\
    writev,sendto,sendmsg,ftruncate,truncate,fallocate,fsync,fdatasync,sync_file_range,rename,\
    renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,mkdir,mkdirat";

#[derive(Debug, Clone, Copy)]
enum Ending {
    Stop,
    Kill,
}

/// Everything that happened, and what was acknowledged when.
#[derive(Debug)]
pub(super) struct Recording {
    /// In order, each with its time.
    pub(super) events: Vec<(usize, Event)>,
    /// Names of the files, by number, as they were created.
    pub(super) created: Vec<String>,
    pub(super) ledger: Ledger,
    /// How long it is.
    pub(super) length: usize,
}

/// Records in `dir`, which is empty.
pub(super) fn record(dir: &Path, seed: u64) -> Recording {
    let data = dir.join("data");
    std::fs::create_dir(&data).unwrap();
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|number| Client::new(number, seed, NAMES, PAD_BYTES))
        .collect();
    let mut reader = Reader::new(&data);
    for (number, (successes, ending)) in RUNS.into_iter().enumerate() {
        let trace = dir.join(format!("trace-{number}"));
        clients = run(&data, &trace, clients, successes, ending);
        reader.read(&std::fs::read_to_string(&trace).unwrap());
    }
    let mut ledger = Ledger::of(&clients);
    let mut answers = 0;
    for (at, event) in &reader.events {
        if let Event::Answer { name, version } = event {
            ledger.stamp(name, *version, *at);
            answers += 1;
        }
    }
    for (name, history) in &ledger.names {
        let is_seen = |steps| steps <= history.answered_before(usize::MAX);
        assert!(is_seen(history.acknowledged), "the trace lacks {name}");
    }
    let recording = Recording {
        length: reader.before,
        events: reader.events,
        created: reader.created,
        ledger,
    };
    println!(
        "recorded: {} events, {answers} answers, {} names, {} checkpoints, files {:?}",
        recording.events.len(),
        recording.ledger.names.len(),
        recording.checkpoints(),
        recording.created
    );
    assert!(CHECKPOINTS <= recording.checkpoints());
    recording
}

/// One run of the daemon, to its end.
fn run(
    data: &Path,
    trace: &Path,
    clients: Vec<Client>,
    successes: usize,
    ending: Ending,
) -> Vec<Client> {
    let daemon = command(data, &["--listen", "127.0.0.1:0", "--log-level", "warn"]);
    let mut strace = Command::new("strace");
    strace
        // The daemon is the child and strace its companion, so signals reach the daemon.
        .args([
            "-D",
            "-f",
            "--seccomp-bpf",
            "-xx",
            "-s",
            "1000000",
            "-e",
            CALLS,
        ])
        .arg("-o")
        .arg(trace)
        .arg(daemon.get_program())
        .args(daemon.get_args())
        .current_dir(data)
        .stdin(Stdio::null());
    let program = Program::spawn(strace);
    let load = Load::begin(clients, program.addr);
    until("enough was answered", || successes <= load.answered());
    match ending {
        Ending::Stop => {
            program.terminate();
            assert_eq!(program.wait(), Some(0));
        }
        Ending::Kill => program.kill(),
    }
    let clients = load.end();
    until("strace has written everything", || is_complete(trace));
    clients
}

/// Whether a trace tells the end of its first thread. Those of the others may still come, and
/// nothing else.
fn is_complete(trace: &Path) -> bool {
    let mut file = File::open(trace).unwrap();
    let mut head = [0; 16];
    file.read_exact(&mut head).unwrap();
    let thread = String::from_utf8_lossy(&head);
    let thread = thread.split(' ').next().unwrap();
    let length = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))
        .unwrap();
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).unwrap();
    let tail = String::from_utf8_lossy(&tail);
    let is_end = |line: &str| {
        let (of, event) = line.split_once(' ').unwrap_or_default();
        of == thread && event.trim_start().starts_with("+++ ")
    };
    tail.ends_with('\n') && tail.lines().any(is_end)
}

impl Recording {
    /// How often pages were moved from the log into the file: syncs of a database that has its
    /// name, after it was written to.
    fn checkpoints(&self) -> usize {
        let is_database = |file: usize| is_database(&self.created[file]);
        let (mut has_name, mut is_written, mut count) = (false, false, 0);
        for (_, event) in &self.events {
            match event {
                Event::Naming {
                    naming: Naming::Rename(..),
                    ..
                } => has_name = true,
                Event::Change { file, .. } if is_database(*file) => is_written = true,
                Event::Sync { file, .. } if is_database(*file) && has_name && is_written => {
                    is_written = false;
                    count += 1;
                }
                _ => {}
            }
        }
        count
    }
}
