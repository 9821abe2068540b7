//! What a disk may hold when the power fails: a model of files and one directory.
//!
//! Whatever was synced is there. Of each write that was not, nothing, all, or any of its sectors
//! is there, whatever came before or after it; a size that was not synced is the old or the new
//! one. Of the directory's changes that were not synced any number is there, in their order: that
//! is less than ext4 and XFS give, which make a file's name durable with the file.

use std::collections::BTreeMap;

use super::event::{Change, Event, FileNumber, Naming, is_log};
use crate::dice::Dice;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// What the disk does when it is told to sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syncs {
    Honored,
    /// As `synchronous = normal` between two checkpoints: nobody syncs the log.
    OfAllButTheLog,
    Ignored,
}

#[derive(Debug, Clone, Default)]
struct File {
    is_log: bool,
    durable: Vec<u8>,
    /// Not synced yet, each with the time when its call ended.
    waiting: Vec<(Change, usize)>,
}

/// The files and their names, at one point of a recording.
#[derive(Debug)]
pub(super) struct Disk {
    syncs: Syncs,
    files: Vec<File>,
    names: BTreeMap<String, FileNumber>,
    waiting: Vec<(Naming, usize)>,
}

/// The files of a disk after a power cut.
pub(super) type Image = BTreeMap<String, Vec<u8>>;

impl Disk {
    pub(super) fn new(created: &[String], syncs: Syncs) -> Self {
        let file = |name: &String| File {
            is_log: is_log(name),
            ..File::default()
        };
        Self {
            syncs,
            files: created.iter().map(file).collect(),
            names: BTreeMap::new(),
            waiting: Vec::new(),
        }
    }

    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Change {
                file,
                change,
                ended,
            } => self.files[*file].waiting.push((change.clone(), *ended)),
            Event::Naming { naming, ended } => self.waiting.push((naming.clone(), *ended)),
            Event::Sync { file, begun } => {
                let file = &mut self.files[*file];
                let is_done = match self.syncs {
                    Syncs::Honored => true,
                    Syncs::OfAllButTheLog => !file.is_log,
                    Syncs::Ignored => false,
                };
                if is_done {
                    file.sync(*begun);
                }
            }
            Event::SyncNames { begun } => {
                if self.syncs != Syncs::Ignored {
                    let covered = self.waiting.iter().take_while(|(_, ended)| ended < begun);
                    let covered = covered.count();
                    for (naming, _) in self.waiting.drain(..covered) {
                        rename(&mut self.names, naming);
                    }
                }
            }
            Event::Answer { .. } => {}
        }
    }

    /// One of the many things that may be there now.
    pub(super) fn cut(&self, dice: &mut Dice) -> Image {
        let mut names = self.names.clone();
        let kept = dice.below(self.waiting.len() + 1);
        for (naming, _) in self.waiting.iter().take(kept) {
            rename(&mut names, naming.clone());
        }
        // Some disks have written nearly everything, some nearly nothing.
        let percent = [0, 10, 50, 90, 99, 100][dice.below(6)];
        names
            .into_iter()
            .map(|(name, file)| (name, self.files[file].cut(percent, dice)))
            .collect()
    }
}

impl File {
    fn sync(&mut self, begun: usize) {
        let mut left = Vec::new();
        for (change, ended) in self.waiting.drain(..) {
            if ended < begun {
                change.apply(&mut self.durable);
            } else {
                left.push((change, ended));
            }
        }
        self.waiting = left;
    }

    fn cut(&self, percent: usize, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for (change, _) in &self.waiting {
            if dice.percent(percent) {
                change.apply(&mut bytes);
            } else if dice.percent(50) {
                change.tear(&mut bytes, dice);
            }
        }
        bytes
    }
}

impl Change {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Size(size) => file.resize(*size, 0),
            Self::Write { offset, bytes } => put(file, *offset, bytes),
        }
    }

    /// Any of its sectors, or nothing but the size that it leads to.
    fn tear(&self, file: &mut Vec<u8>, dice: &mut Dice) {
        let Self::Write { offset, bytes } = self else {
            return;
        };
        let end = offset + bytes.len();
        if file.len() < end && dice.percent(50) {
            file.resize(end, 0);
        }
        let mut from = *offset;
        while from < end {
            let to = end.min((from / SECTOR + 1) * SECTOR);
            if dice.percent(50) {
                put(file, from, &bytes[from - offset..to - offset]);
            }
            from = to;
        }
    }
}

fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[offset..end].copy_from_slice(bytes);
}

fn rename(names: &mut BTreeMap<String, FileNumber>, naming: Naming) {
    match naming {
        Naming::Create(name, file) => {
            names.insert(name, file);
        }
        Naming::Rename(from, to) => {
            if let Some(file) = names.remove(&from) {
                names.insert(to, file);
            }
        }
        Naming::Remove(name) => {
            names.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(offset: usize, byte: u8, length: usize, ended: usize) -> Event {
        let change = Change::Write {
            offset,
            bytes: vec![byte; length].into(),
        };
        Event::Change {
            file: 0,
            change,
            ended,
        }
    }

    fn disk(syncs: Syncs, events: &[Event]) -> Disk {
        let mut disk = Disk::new(&["a-wal".to_owned()], syncs);
        disk.names.insert("a-wal".to_owned(), 0);
        for event in events {
            disk.apply(event);
        }
        disk
    }

    /// What the file may be, over many cuts.
    fn cuts(disk: &Disk) -> std::collections::BTreeSet<Vec<u8>> {
        let mut dice = Dice::new(1);
        (0..500)
            .map(|_| disk.cut(&mut dice).remove("a-wal").unwrap())
            .collect()
    }

    #[test]
    fn a_synced_write_is_there_and_one_that_ended_after_the_sync_began_may_not_be() {
        let events = [
            write(0, 1, 512, 2),
            write(512, 2, 512, 5),
            Event::Sync { file: 0, begun: 4 },
        ];

        let honored = cuts(&disk(Syncs::Honored, &events));
        assert!(honored.iter().all(|file| file.starts_with(&[1; 512])));
        assert!(honored.contains(&vec![1; 512]));
        assert!(honored.contains(&[[1; 512], [2; 512]].concat()));
        for syncs in [Syncs::OfAllButTheLog, Syncs::Ignored] {
            assert!(cuts(&disk(syncs, &events)).contains(&vec![]), "{syncs:?}");
        }
    }

    #[test]
    fn a_write_is_torn_where_the_sectors_of_the_file_begin() {
        let torn = cuts(&disk(Syncs::Honored, &[write(500, 7, 24, 2)]));

        let mut first = vec![0; 512];
        first[500..].fill(7);
        assert!(torn.contains(&first));
        let mut last = vec![0; 524];
        last[512..].fill(7);
        assert!(torn.contains(&last));
        assert!(torn.contains(&vec![0; 524]), "the size alone");
    }

    #[test]
    fn names_that_are_not_synced_are_there_in_their_order() {
        let naming = |naming| Event::Naming { naming, ended: 2 };
        let name = |name: &str| name.to_owned();
        let disk = disk(
            Syncs::Honored,
            &[
                naming(Naming::Rename(name("a-wal"), name("b"))),
                naming(Naming::Remove(name("b"))),
            ],
        );
        let mut dice = Dice::new(1);

        let found: std::collections::BTreeSet<Vec<String>> = (0..100)
            .map(|_| disk.cut(&mut dice).into_keys().collect())
            .collect();

        let expected = [vec![], vec![name("a-wal")], vec![name("b")]];
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
    }
}
