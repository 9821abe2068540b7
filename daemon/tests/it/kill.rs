//! `kill -9` again and again, under load, while it starts, during a checkpoint and during a stop:
//! nothing that was acknowledged is lost, and no row number is given twice.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;

use crate::dice::{Dice, seed};
use crate::figure::figure;
use crate::ledger::{Client, Found, Ledger, Load, of_daemon};
use crate::program::{Program, command, until};

const CLIENTS: usize = 4;
/// Names of a client in the first cycle; in each one it may have one more.
const NAMES: usize = 30;
/// Wide rows, so that there are checkpoints (`SQLite` makes one every 1,000 pages).
const PAD_BYTES: usize = 2_000;

/// The longest load before a kill, and the shortest.
const LOAD_MS: std::ops::Range<usize> = 30..300;
/// A start takes about as long, so kills fall into each part of it.
const START_MS: usize = 80;
/// A stop takes about as long.
const STOP_MS: usize = 30;

/// Everything that outlives a kill.
struct World {
    dir: TempDir,
    dice: Dice,
    clients: Vec<Client>,
    /// Whom each row number was stored for.
    owners: BTreeMap<i64, String>,
    answered: usize,
}

/// When the daemon is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Load,
    Checkpoint,
    Stop,
}

#[test]
fn a_kill_under_load_loses_nothing_that_was_acknowledged() {
    let cycles = figure("kill", 20);
    let seed = seed("kill");
    let mut world = World {
        dir: tempfile::tempdir().unwrap(),
        dice: Dice::new(seed),
        clients: (0..CLIENTS)
            .map(|number| Client::new(number, seed, NAMES, PAD_BYTES))
            .collect(),
        owners: BTreeMap::new(),
        answered: 0,
    };

    for cycle in 0..cycles {
        let moment = match cycle % 10 {
            3 | 8 => Moment::Checkpoint,
            6 => Moment::Stop,
            _ => Moment::Load,
        };
        if world.dice.percent(30) {
            world.kill_while_it_starts();
        }
        world.kill(moment, cycle);
    }

    let program = Program::start(world.dir.path(), &[]);
    world.compare(&program, cycles);
    assert_eq!(program.stop(), Some(0));
    println!(
        "kill: {cycles} kills, {} successes, {} names, 0 lost",
        world.answered,
        world.owners.len()
    );
    assert!(cycles < world.answered, "hardly anything was answered");
}

impl World {
    /// Starts, compares, puts load on it, kills.
    fn kill(&mut self, moment: Moment, cycle: usize) {
        let program = Program::start(self.dir.path(), &[]);
        self.compare(&program, cycle);
        for client in &mut self.clients {
            client.most_names += 1;
        }
        let load = Load::begin(std::mem::take(&mut self.clients), program.addr);
        pass(LOAD_MS.start + self.dice.below(LOAD_MS.len()));
        match moment {
            Moment::Load => {}
            Moment::Checkpoint => until_checkpoint(self.dir.path()),
            Moment::Stop => {
                program.terminate();
                pass(self.dice.below(STOP_MS));
            }
        }
        program.kill();
        self.answered += load.answered();
        self.clients = load.end();
    }

    fn kill_while_it_starts(&mut self) {
        let mut child = command(self.dir.path(), &["--listen", "127.0.0.1:0"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        pass(self.dice.below(START_MS));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn compare(&mut self, program: &Program, cycle: usize) {
        let found = of_daemon(program.addr);
        let losses: Vec<String> = Ledger::of(&self.clients)
            .check(&found)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(losses.is_empty(), "cycle {cycle}: {}", losses.join("\n"));
        for Found { id, name, .. } in &found {
            let owner = self.owners.entry(*id).or_insert_with(|| name.clone());
            assert_eq!(owner, name, "cycle {cycle}: id {id} was given twice");
        }
        for client in &mut self.clients {
            client.ledger.settle(&found);
        }
        let (_, health) = program.ask("GET", "/healthz", "");
        assert_eq!(health["status"], "ok", "cycle {cycle}: {health}");
        let notices = health["notices"].as_array().unwrap();
        let is_alarm = notices.iter().any(|notice| notice["kind"] == "set-aside");
        assert!(!is_alarm, "cycle {cycle}: {health}");
    }
}

/// Lets about so much time pass. The moment is random anyway, so an early end does no harm.
fn pass(milliseconds: usize) {
    std::thread::park_timeout(Duration::from_millis(milliseconds as u64));
}

/// Waits until pages move from the log into the file, which nothing but a checkpoint writes to.
fn until_checkpoint(dir: &Path) {
    let written = || {
        let metadata = std::fs::metadata(dir.join("monitoring.db")).unwrap();
        metadata.modified().unwrap()
    };
    let before = written();
    until("a checkpoint begins", || written() != before);
}
