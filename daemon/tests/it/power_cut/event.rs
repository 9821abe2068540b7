//! What happened to the files of one directory, and which answers were sent, in one order.
//!
//! A write is possible on the disk from the beginning of its call and covered by a sync that
//! begins after its end; a sync counts from its end; an answer from the beginning of its call.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::trace::{Call, Moment, calls};

/// Endings of files that are of no matter after a power cut: `SQLite` makes the shared index of
/// the log anew, and a lock ends with its owner.
const VOLATILE: [&str; 2] = ["-shm", "db.lock"];

/// Whether a file of this name is the log of a database.
pub(super) fn is_log(name: &str) -> bool {
    name.ends_with("-wal")
}

/// Whether a file of this name is a database itself, and not one beside it.
pub(super) fn is_database(name: &str) -> bool {
    !name.contains('-')
}

/// A file, whatever its name is.
pub(super) type FileNumber = usize;

/// A change of what is in a file.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Write { offset: usize, bytes: Arc<[u8]> },
    Size(usize),
}

/// A change of the directory.
#[derive(Debug, Clone)]
pub(super) enum Naming {
    Create(String, FileNumber),
    Rename(String, String),
    Remove(String),
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Change {
        file: FileNumber,
        change: Change,
        ended: usize,
    },
    Naming {
        naming: Naming,
        ended: usize,
    },
    Sync {
        file: FileNumber,
        begun: usize,
    },
    SyncNames {
        begun: usize,
    },
    /// A success: for this version of a name, or for a deregistration.
    Answer {
        name: String,
        version: Option<u64>,
    },
}

/// What a descriptor leads to.
#[derive(Debug, Clone, Copy)]
enum Target {
    File(FileNumber),
    Directory,
    /// See [`VOLATILE`].
    Volatile,
}

/// Reads one trace after the other, of one run of the daemon after the other.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    directory: &'a Path,
    pub(super) events: Vec<(usize, Event)>,
    /// Names of the files, by number, as they were created.
    pub(super) created: Vec<String>,
    names: BTreeMap<String, FileNumber>,
    targets: HashMap<i64, Target>,
    /// How many moments the traces before this one had.
    pub(super) before: usize,
    /// When the run that is read was over.
    over: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(directory: &'a Path) -> Self {
        Self {
            directory,
            events: Vec::new(),
            created: Vec::new(),
            names: BTreeMap::new(),
            targets: HashMap::new(),
            before: 0,
            over: 0,
        }
    }

    /// Takes in the trace of one more run.
    pub(super) fn read(&mut self, trace: &str) {
        self.targets.clear();
        let (calls, moments) = calls(trace);
        self.over = self.before + moments.len();
        for (at, moment) in moments.iter().enumerate() {
            let event = match moment {
                Moment::Begin(call) => self.begin(&calls[*call]),
                Moment::End(call) => self.end(&calls[*call]),
            };
            self.events
                .extend(event.map(|event| (self.before + at, event)));
        }
        self.before = self.over;
    }

    fn begin(&mut self, call: &Call<'_>) -> Option<Event> {
        match call.name {
            "close" => {
                self.targets.remove(&call.descriptor());
                None
            }
            "pwrite64" => {
                let Target::File(file) = self.target(call) else {
                    return None;
                };
                let bytes = call.bytes();
                let is_whole =
                    call.ended.is_none() || call.result.cast_unsigned() == bytes.len() as u64;
                assert!(
                    is_whole,
                    "a write of {} bytes wrote {}",
                    bytes.len(),
                    call.result
                );
                let offset = usize::try_from(call.number(3)).unwrap();
                let change = Change::Write {
                    offset,
                    bytes: bytes.into(),
                };
                Some(self.change(file, change, call))
            }
            "ftruncate" => {
                let Target::File(file) = self.target(call) else {
                    return None;
                };
                let size = usize::try_from(call.number(1)).unwrap();
                Some(self.change(file, Change::Size(size), call))
            }
            "rename" if call.result == 0 => {
                let (from, to) = (self.inside(&call.text(0))?, self.inside(&call.text(1))?);
                let file = self.names.remove(&from).expect("a known file");
                self.names.insert(to.clone(), file);
                Some(self.naming(Naming::Rename(from, to), call))
            }
            "unlink" if call.result == 0 => {
                let name = self.inside(&call.text(0))?;
                self.names.remove(&name)?;
                Some(self.naming(Naming::Remove(name), call))
            }
            "write" | "writev" | "sendto" | "sendmsg" => self.said(call),
            _ => None,
        }
    }

    fn end(&mut self, call: &Call<'_>) -> Option<Event> {
        match call.name {
            "openat" if 0 <= call.result => self.opened(call),
            "fsync" | "fdatasync" => {
                assert_eq!(call.result, 0, "a sync went wrong");
                let begun = self.before + call.begun;
                match self.target(call) {
                    Target::File(file) => Some(Event::Sync { file, begun }),
                    Target::Directory => Some(Event::SyncNames { begun }),
                    Target::Volatile => None,
                }
            }
            "openat" | "pwrite64" | "ftruncate" | "rename" | "unlink" | "close" | "write"
            | "writev" | "sendto" | "sendmsg" => None,
            other => panic!("{other} is new here; say what it does to a disk"),
        }
    }

    fn opened(&mut self, call: &Call<'_>) -> Option<Event> {
        let path = call.text(0);
        if Path::new(&path) == self.directory {
            self.targets.insert(call.result, Target::Directory);
            return None;
        }
        let name = self.inside(&path)?;
        if VOLATILE.iter().any(|ending| name.ends_with(ending)) {
            self.targets.insert(call.result, Target::Volatile);
            return None;
        }
        let flags = call.argument(2);
        assert!(!flags.contains("O_TRUNC"), "{name} was emptied");
        if let Some(file) = self.names.get(&name) {
            self.targets.insert(call.result, Target::File(*file));
            return None;
        }
        assert!(flags.contains("O_CREAT"), "{name} came from nowhere");
        let file = self.created.len();
        self.created.push(name.clone());
        self.names.insert(name.clone(), file);
        self.targets.insert(call.result, Target::File(file));
        Some(self.naming(Naming::Create(name, file), call))
    }

    /// The name of a path in the directory.
    fn inside(&self, path: &str) -> Option<String> {
        let name = Path::new(path).strip_prefix(self.directory).ok()?;
        Some(name.to_str().unwrap().to_owned())
    }

    fn target(&self, call: &Call<'_>) -> Target {
        let target = self.targets.get(&call.descriptor());
        *target.unwrap_or_else(|| panic!("{} of a file that nobody opened", call.name))
    }

    fn change(&self, file: FileNumber, change: Change, call: &Call<'_>) -> Event {
        Event::Change {
            file,
            change,
            ended: self.ended(call),
        }
    }

    fn naming(&self, naming: Naming, call: &Call<'_>) -> Event {
        Event::Naming {
            naming,
            ended: self.ended(call),
        }
    }

    /// A call that a kill cut off is over with its run: whatever it wrote, the next run writes over
    /// it, and not the other way round.
    fn ended(&self, call: &Call<'_>) -> usize {
        call.ended.map_or(self.over, |ended| self.before + ended)
    }

    fn said(&self, call: &Call<'_>) -> Option<Event> {
        // `HTTP/1.`
        const ANSWER: &str = r"\x48\x54\x54\x50\x2f\x31\x2e";
        if !call.begins_with(ANSWER) {
            assert!(
                !matches!(self.targets.get(&call.descriptor()), Some(Target::File(_))),
                "a file is written to without an offset"
            );
            return None;
        }
        let text = String::from_utf8(call.bytes()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        if head.split(' ').nth(1) != Some("200") {
            return None;
        }
        let body: Value = serde_json::from_str(body).ok()?;
        let row = &body["service"];
        if row.is_object() {
            let version = row["metadata"]["v"].as_str().unwrap().parse().unwrap();
            let name = row["name"].as_str().unwrap().to_owned();
            return Some(Event::Answer {
                name,
                version: Some(version),
            });
        }
        let (name, _) = body["message"].as_str()?.split_once(' ')?;
        Some(Event::Answer {
            name: name.to_owned(),
            version: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use crate::power_cut::disk::{Disk, Syncs};

    const OPEN: &str = "1 openat(AT_FDCWD, \"\\x2f\\x64\", O_RDONLY) = 3\n\
        1 openat(AT_FDCWD, \"\\x2f\\x64\\x2f\\x61\", O_RDWR|O_CREAT, 0644) = 4\n\
        1 fsync(3) = 0\n";

    #[test]
    fn a_write_that_a_kill_cut_off_does_not_come_back_over_that_of_the_next_run() {
        let mut reader = Reader::new(Path::new("/d"));
        reader.read(&format!(
            "{OPEN}1 pwrite64(4, \"\\x6f\", 1, 0 <unfinished ...>) = ?\n1 +++ killed by SIGKILL +++\n"
        ));
        reader.read(&format!(
            "{OPEN}1 pwrite64(4, \"\\x6e\", 1, 0) = 1\n1 fsync(4) = 0\n"
        ));
        let mut disk = Disk::new(&reader.created, Syncs::Honored);
        for (_, event) in &reader.events {
            disk.apply(event);
        }
        let mut dice = Dice::new(1);

        for _ in 0..100 {
            assert_eq!(disk.cut(&mut dice)["a"], b"n");
        }
    }

    #[test]
    fn an_answer_is_a_success_with_the_name_and_the_version_in_it() {
        let hex = |text: &str| {
            let digits = text.bytes().map(|byte| format!("\\x{byte:02x}"));
            digits.collect::<Vec<_>>().concat()
        };
        let answer = |status: u16, body: &str| {
            let text = hex(&format!("HTTP/1.0 {status} X\r\n\r\n{body}"));
            format!("1 writev(9, [{{iov_base=\"{text}\", iov_len=1}}], 1) = 1\n")
        };
        let row = r#"{"service":{"name":"a","metadata":{"v":"7"}}}"#;
        let mut reader = Reader::new(Path::new("/d"));

        reader.read(&(answer(200, row) + &answer(503, row)));
        reader.read(&answer(200, r#"{"message":"b deregistered","removed":[]}"#));

        let answers: Vec<String> = reader.events.iter().map(|e| format!("{e:?}")).collect();
        assert_eq!(
            answers,
            [
                r#"(0, Answer { name: "a", version: Some(7) })"#,
                r#"(4, Answer { name: "b", version: None })"#
            ]
        );
    }
}
