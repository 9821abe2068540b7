//! Images of the disk after a cut: built by one thread, looked at by two.

use std::fmt::{self, Display};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, sync_channel};

use lastbeatd::store::inspect;

use super::disk::{Disk, Image, Syncs};
use super::event::{Event, is_log};
use super::record::Recording;
use crate::dice::Dice;
use crate::ledger::{Found, Loss, of_daemon, of_file};
use crate::program::Program;
use crate::sample::now;

/// Threads that look at images.
const LOOKERS: usize = 2;
/// Every so many images the real daemon is started on it, too.
const DAEMON_EVERY: usize = 10;

/// One recording, cut at many points.
pub(super) struct Trial<'a> {
    pub(super) recording: &'a Recording,
    pub(super) dir: &'a Path,
    pub(super) seed: u64,
    pub(super) syncs: Syncs,
}

/// What became of one image.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) number: usize,
    cut: usize,
    losses: Vec<Loss>,
    faults: Vec<String>,
}

struct Job {
    number: usize,
    cut: usize,
    image: Image,
}

impl Trial<'_> {
    /// Builds so many images and looks at each.
    pub(super) fn run(&self, images: usize) -> Vec<Verdict> {
        let verdicts = Mutex::new(Vec::new());
        // A few images wait, so that nobody waits for the builder.
        let (sender, jobs) = sync_channel(2 * LOOKERS);
        let jobs = Mutex::new(jobs);
        std::thread::scope(|scope| {
            for looker in 0..LOOKERS {
                let (jobs, verdicts) = (&jobs, &verdicts);
                scope.spawn(move || {
                    let dir = self.dir.join(format!("image-{looker}"));
                    while let Some(job) = next(jobs) {
                        let verdict = self.look(&job, &dir);
                        verdicts.lock().unwrap().push(verdict);
                    }
                });
            }
            self.build(0..images, |job| sender.send(job).unwrap());
            drop(sender);
        });
        let mut verdicts = verdicts.into_inner().unwrap();
        assert_eq!(verdicts.len(), images);
        verdicts.sort_by_key(|verdict| verdict.number);
        verdicts
    }

    /// Builds one image once more, into `dir`.
    pub(super) fn rebuild(&self, number: usize, dir: &Path) {
        self.build(number..number + 1, |job| {
            write(dir, &job.image);
        });
    }

    /// Walks through the recording once, and builds at each cut what may be there then.
    fn build(&self, images: Range<usize>, mut give: impl FnMut(Job)) {
        let points = Points::of(self.recording);
        let mut cuts: Vec<(usize, usize)> = images
            .map(|number| (points.cut(&mut self.dice(number)), number))
            .collect();
        cuts.sort_unstable();
        let mut disk = Disk::new(&self.recording.created, self.syncs);
        let mut events = self.recording.events.iter().peekable();
        for (cut, number) in cuts {
            while let Some((_, event)) = events.next_if(|(at, _)| *at <= cut) {
                disk.apply(event);
            }
            let mut dice = self.dice(number);
            points.cut(&mut dice);
            give(Job {
                number,
                cut,
                image: disk.cut(&mut dice),
            });
        }
    }

    /// Each image has dice of its own: seed and number are enough to have it again.
    fn dice(&self, number: usize) -> Dice {
        Dice::of(self.seed, number)
    }

    fn look(&self, job: &Job, dir: &Path) -> Verdict {
        let mut verdict = Verdict {
            number: job.number,
            cut: job.cut,
            losses: Vec::new(),
            faults: Vec::new(),
        };
        let folder = write(dir, &job.image);
        if self.syncs == Syncs::Honored
            && let Ok(report) = inspect(&folder.join("monitoring.db"), now())
        {
            verdict.faults = report.faults;
        }
        match of_file(&folder.join("monitoring.db")) {
            Ok(found) => {
                verdict.losses = self.recording.ledger.check_at(&found, job.cut);
                if self.syncs == Syncs::Honored && job.number.is_multiple_of(DAEMON_EVERY) {
                    let folder = write(dir, &job.image);
                    verdict
                        .faults
                        .extend(self.start_on(&folder, job.cut, &found));
                }
            }
            Err(fault) => verdict.faults.push(fault),
        }
        verdict
    }

    /// Starts the real daemon on an image: it must show the same, and set nothing aside.
    fn start_on(&self, folder: &Path, cut: usize, found: &[Found]) -> Vec<String> {
        let program = Program::start(folder, &[]);
        let shown = of_daemon(program.addr);
        let (_, health) = program.ask("GET", "/healthz", "");
        program.kill();
        let losses = self.recording.ledger.check_at(&shown, cut);
        let mut faults: Vec<String> = losses
            .iter()
            .map(|loss| format!("by the daemon: {loss}"))
            .collect();
        let standing = |rows: &[Found]| {
            let standing = rows.iter().filter(|row| row.stands).cloned();
            let mut rows: Vec<Found> = standing.collect();
            rows.sort_by(|a, b| a.name.cmp(&b.name));
            rows
        };
        if standing(&shown) != standing(found) {
            faults.push("the daemon shows other rows than the file has".to_owned());
        }
        if health["status"] != "ok" {
            faults.push(format!("the daemon is not well: {health}"));
        }
        let aside = std::fs::read_dir(folder).unwrap().find(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_str().unwrap().contains(".corrupt-")
        });
        faults.extend(aside.map(|entry| format!("set aside: {entry:?}")));
        faults
    }
}

impl Verdict {
    pub(super) fn has_lost(&self) -> bool {
        !self.losses.is_empty()
    }

    pub(super) fn is_bad(&self) -> bool {
        self.has_lost() || !self.faults.is_empty()
    }
}

impl Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "image {}, cut at {}:", self.number, self.cut)?;
        for fault in self.faults.iter().take(5) {
            writeln!(f, "  damaged: {fault}")?;
        }
        for loss in self.losses.iter().take(5) {
            writeln!(f, "  lost: {loss}")?;
        }
        write!(f, "  {} losses", self.losses.len())
    }
}

/// Where a recording is cut: anywhere, right after an answer, and around the rare things (names,
/// sizes, syncs of the file itself), of which few cuts would come by chance.
struct Points {
    length: usize,
    answers: Vec<usize>,
    rare: Vec<usize>,
}

impl Points {
    fn of(recording: &Recording) -> Self {
        let times = |is: &dyn Fn(&Event) -> bool| -> Vec<usize> {
            let events = recording.events.iter().filter(|(_, event)| is(event));
            events.map(|(at, _)| *at).collect()
        };
        let is_log = |file: usize| is_log(&recording.created[file]);
        let is_rare = |event: &Event| match event {
            Event::Naming { .. } | Event::SyncNames { .. } => true,
            Event::Sync { file, .. } | Event::Change { file, .. } => !is_log(*file),
            Event::Answer { .. } => false,
        };
        Self {
            length: recording.length,
            answers: times(&|event| matches!(event, Event::Answer { .. })),
            rare: times(&is_rare),
        }
    }

    fn cut(&self, dice: &mut Dice) -> usize {
        match dice.below(4) {
            0 => self.answers[dice.below(self.answers.len())],
            1 => {
                let around = self.rare[dice.below(self.rare.len())];
                (around + dice.below(5)).saturating_sub(2)
            }
            _ => dice.below(self.length),
        }
    }
}

fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    // An error is the end: the builder has no more.
    jobs.lock().unwrap().recv().ok()
}

/// Writes an image into an empty folder.
fn write(dir: &Path, image: &Image) -> PathBuf {
    if dir.exists() {
        std::fs::remove_dir_all(dir).unwrap();
    }
    std::fs::create_dir(dir).unwrap();
    for (name, bytes) in image {
        std::fs::write(dir.join(name), bytes).unwrap();
    }
    dir.to_path_buf()
}
