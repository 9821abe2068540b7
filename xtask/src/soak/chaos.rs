//! What is done to the daemon, in turn: frozen, starved, locked out of its file, copied, and in
//! the second half killed and stopped.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use super::daemon::{Daemon, check_database};
use super::scene::{Scene, Stage, Trouble};

/// One thing that is done.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// SIGSTOP, and SIGCONT after so many milliseconds.
    Freeze(u64),
    /// Busy programs for so many milliseconds.
    Starve(u64),
    /// Another program holds the write lock for so many milliseconds.
    Lock(u64),
    /// `.backup` by the command line of `SQLite`, then `lastbeatd backup` and `verify`.
    Backup,
    /// `kill -9`, and a start after so many milliseconds.
    Kill(u64),
    /// SIGTERM, and a start after so many milliseconds.
    Stop(u64),
}

/// A stop of 8 s is a stall (more than 5 s); one of 3 s is none.
const FIRST_HALF: [Act; 5] = [
    Act::Freeze(3_000),
    Act::Backup,
    Act::Lock(5_000),
    Act::Starve(5_000),
    Act::Freeze(8_000),
];

const SECOND_HALF: [Act; 12] = [
    Act::Kill(200),
    Act::Stop(2_000),
    Act::Kill(5_000),
    Act::Lock(5_000),
    Act::Stop(200),
    Act::Freeze(8_000),
    Act::Kill(20_000),
    Act::Starve(5_000),
    Act::Kill(1_000),
    Act::Stop(20_000),
    Act::Backup,
    Act::Kill(10_000),
];

/// Programs that take a processor each.
const BUSY: usize = 8;
/// Quiet at the end of each half, so that what was begun is also seen to end.
const QUIET: Duration = Duration::from_secs(8);
/// Pause after an act: this part of the run, within these bounds.
const PAUSE_PART: u32 = 30;
const MIN_PAUSE: Duration = Duration::from_secs(3);
const MAX_PAUSE: Duration = Duration::from_secs(20);

/// Plays both halves to the end of the run.
///
/// # Errors
/// When the daemon ends by itself or cannot be started again, or a copy of its file is not whole.
pub(super) fn go_on(scene: &Scene, daemon: &mut Daemon) -> Result<()> {
    scene
        .pid
        .store(daemon.pid().context("the daemon runs")?, Ordering::SeqCst);
    let pause = (scene.length / PAUSE_PART).clamp(MIN_PAUSE, MAX_PAUSE);
    let ends = [scene.began + scene.length / 2, scene.began + scene.length];
    for (acts, end) in [&FIRST_HALF[..], &SECOND_HALF[..]].into_iter().zip(ends) {
        for act in acts.iter().cycle() {
            if end < Instant::now() + pause + act.length() + QUIET {
                break;
            }
            scene.sleep(pause, Stage::Over);
            daemon.check_is_running()?;
            println!("{:>5} s: {act:?}", scene.began.elapsed().as_secs());
            act.play(scene, daemon)
                .with_context(|| format!("{act:?} after {:?}", scene.began.elapsed()))?;
        }
        scene.sleep_until(end, Stage::Over);
        daemon.check_is_running()?;
    }
    Ok(())
}

impl Act {
    fn length(self) -> Duration {
        Duration::from_millis(match self {
            Self::Freeze(ms)
            | Self::Starve(ms)
            | Self::Lock(ms)
            | Self::Kill(ms)
            | Self::Stop(ms) => ms,
            Self::Backup => 0,
        })
    }

    fn play(self, scene: &Scene, daemon: &mut Daemon) -> Result<()> {
        let length = self.length();
        match self {
            Self::Freeze(_) => scene.during(Trouble::Away, || {
                daemon.signal(Signal::STOP)?;
                thread::sleep(length);
                daemon.signal(Signal::CONT)
            }),
            Self::Starve(_) => scene.during(Trouble::Starved, || starve(length)),
            Self::Lock(_) => lock(scene, daemon, length),
            Self::Backup => backup(daemon),
            Self::Kill(_) => away(scene, daemon, length, Daemon::kill),
            Self::Stop(_) => away(scene, daemon, length, Daemon::terminate),
        }
    }
}

fn away(
    scene: &Scene,
    daemon: &mut Daemon,
    length: Duration,
    end: fn(&mut Daemon) -> Result<()>,
) -> Result<()> {
    scene.during(Trouble::Away, || {
        scene.pid.store(0, Ordering::SeqCst);
        end(daemon)?;
        thread::sleep(length);
        daemon.start_again()?;
        let pid = daemon.pid().context("the daemon runs")?;
        scene.pid.store(pid, Ordering::SeqCst);
        Ok(())
    })
}

fn starve(length: Duration) -> Result<()> {
    let mut busy = Vec::new();
    for _ in 0..BUSY {
        let started = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .stdin(Stdio::null())
            .spawn();
        busy.push(Ended(started.context("cannot start sh")?));
    }
    thread::sleep(length);
    drop(busy);
    Ok(())
}

/// Killed and waited for when dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn lock(scene: &Scene, daemon: &Daemon, length: Duration) -> Result<()> {
    let mut child = Command::new("sqlite3")
        .arg(daemon.db())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start sqlite3")?;
    let mut input = child.stdin.take().context("no standard input")?;
    let output = child.stdout.take().context("no standard output")?;
    let _ended = Ended(child);
    scene.during(Trouble::Locked, || {
        input.write_all(b".timeout 10000\nbegin immediate;\nselect 'held';\n")?;
        input.flush()?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        ensure!(
            line.trim() == "held",
            "sqlite3 cannot lock the file: {line}"
        );
        thread::sleep(length);
        input.write_all(b"rollback;\n.quit\n")?;
        Ok(())
    })
}

fn backup(daemon: &Daemon) -> Result<()> {
    let copy = daemon.db().with_extension("copy");
    let status = Command::new("sqlite3")
        .arg(daemon.db())
        .args([".timeout 10000", ".backup monitoring.copy"])
        .current_dir(daemon.db().parent().context("it lies in a folder")?)
        .status()
        .context("cannot start sqlite3")?;
    ensure!(status.success(), ".backup ended with {status}");
    check_database(&copy)?;
    std::fs::remove_file(&copy)?;
    daemon.run_tool("backup", &copy)?;
    daemon.run_tool("verify", &copy)?;
    Ok(std::fs::remove_file(copy)?)
}
