//! What was acknowledged survives a power cut.
//!
//! The real daemon is recorded once with strace: every write, every sync, every answer. Then the
//! disk is built again as it may be after a cut at a random point, over and over, and each of
//! these images is opened and compared with what had been acknowledged by then. The same with a
//! disk that does not sync must find losses: else the trial could not find any.

mod disk;
mod event;
mod image;
mod record;
mod trace;

use std::path::{Path, PathBuf};

use self::disk::Syncs;
use self::image::{Trial, Verdict};
use self::record::record;
use crate::dice::seed;
use crate::figure::figure;

/// Images of each control. Nearly every one of them finds losses.
const CONTROLS: usize = 40;
/// Bad images that are kept.
const KEPT: usize = 3;

#[test]
#[ignore = "needs strace"]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let images = figure("powercut", 300);
    let seed = seed("powercut");
    let dir = tempfile::tempdir_in(memory()).unwrap();
    let recording = record(dir.path(), seed);
    let trial = |syncs| Trial {
        recording: &recording,
        dir: dir.path(),
        seed,
        syncs,
    };

    for syncs in [Syncs::OfAllButTheLog, Syncs::Ignored] {
        let verdicts = trial(syncs).run(CONTROLS);
        let losing = verdicts.iter().filter(|verdict| verdict.has_lost());
        let losing = losing.count();
        println!("{syncs:?}: {losing} of {CONTROLS} images lose what was acknowledged");
        assert!(0 < losing, "{syncs:?}: this trial finds nothing");
    }
    let honored = trial(Syncs::Honored);
    let verdicts = honored.run(images);

    let bad: Vec<&Verdict> = verdicts.iter().filter(|v| v.is_bad()).collect();
    println!(
        "{images} images, {} lose something or are damaged",
        bad.len()
    );
    if let Some(first) = bad.first() {
        let kept = keep(&honored, &bad);
        panic!("see {}; {first}", kept.display());
    }
}

/// Keeps the traces and the first bad images for whoever looks for the cause.
fn keep(trial: &Trial<'_>, bad: &[&Verdict]) -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("power-cut");
    if kept.exists() {
        std::fs::remove_dir_all(&kept).unwrap();
    }
    std::fs::create_dir(&kept).unwrap();
    for verdict in bad.iter().take(KEPT) {
        let image = kept.join(format!("image-{}", verdict.number));
        trial.rebuild(verdict.number, &image);
        std::fs::write(image.join("verdict.txt"), verdict.to_string()).unwrap();
    }
    for entry in std::fs::read_dir(trial.dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), kept.join(entry.file_name())).unwrap();
        }
    }
    kept
}

/// Where files are fast: in memory, if there is such a place.
fn memory() -> PathBuf {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() {
        shared.to_path_buf()
    } else {
        std::env::temp_dir()
    }
}
