//! Floods: very many clients, and very slow ones, against the real program while others heartbeat.
//!
//! Who attacks is in [`attack`], who heartbeats and is measured in [`crate::fleet`]. The delays are only
//! worth something on a machine that does nothing else, so this runs among the system tests.

mod attack;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Builder;
use tokio::time::Instant;

use self::attack::Attack;
use crate::authority::Authority;
use crate::figure::figure;
use crate::fleet::{Beats, Fleet, until};
use crate::program::Program;

/// Most that an attacker may last from the moment in which it is too slow.
const ATTACK_TIME: Duration = Duration::from_secs(10);
/// The same for one that takes nothing of an answer: the buffers of the system fill up first.
const READER_TIME: Duration = Duration::from_secs(15);
/// What 99 of 100 heartbeats take at most, meanwhile.
const DELAY: Duration = Duration::from_millis(50);
/// How often the measurement is made anew where a machine that does other things spoils it.
const TRIES: usize = 3;
/// What an attack may leave of its memory, in bytes, where there was one before: the allocator
/// keeps what the first one took, for the next.
const LEFTOVER_BYTES: u64 = 8 << 20;
/// How many heartbeats are looked at when nobody attacks: those of some three seconds.
const CALM_BEATS: usize = 450;
/// Readers of the long list.
const READERS: usize = 64;
/// Rows of the long list, of 10 KiB each: more than the buffers of a connection hold.
const LONG_LIST: usize = 600;

#[test]
#[ignore = "needs util-linux"]
fn slow_and_many_clients_hold_up_nobody() {
    let count = figure("flood", 1_000);
    make_room(count);
    let dir = tempfile::tempdir().unwrap();
    let plain = Target::start(dir.path(), &[], None);
    plain.stands("nobody", &[]);
    plain.warm_up(count);
    plain.stands("no byte", &[(Attack::Silence, count)]);
    let heads = [(Attack::HalfHead, count / 2), (Attack::SlowHead, count / 2)];
    plain.stands("half a head", &heads);
    let bodies = [
        (Attack::SlowBody, count / 2),
        (Attack::SlowChunks, count / 4),
        (Attack::EndlessChunks, count / 4),
    ];
    plain.stands("slow and endless bodies", &bodies);
    plain.register_long_list();
    plain.stands("slow readers", &[(Attack::SlowReader, READERS)]);
    drop(plain);

    let dir = tempfile::tempdir().unwrap();
    let narrow = Target::start(dir.path(), &["prlimit", "--nofile=256"], None);
    narrow.warm_up(count);
    narrow.stands("a low limit of files", &[(Attack::Reopening, count)]);
    drop(narrow);

    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let tls = Target::start(dir.path(), &[], Some(&authority));
    let handshakes = [
        (Attack::Silence, count / 2),
        (Attack::HalfHandshake, count / 2),
    ];
    tls.warm_up(count);
    tls.stands("half a handshake", &handshakes);
}

/// The daemon that is attacked, and the clients that it must not forget.
struct Target {
    fleet: Fleet,
    program: Program,
}

impl Target {
    /// Starts it by the command `under`, and its clients.
    fn start(dir: &Path, under: &[&str], authority: Option<&Authority>) -> Self {
        let [first, rest @ ..] = &[under, &[env!("CARGO_BIN_EXE_lastbeatd")]].concat()[..] else {
            unreachable!("the program at least");
        };
        let mut command = Command::new(first);
        command
            .args(rest)
            .args(["--listen", "127.0.0.1:0", "--db"])
            .arg(dir.join("monitoring.db"))
            .args(authority.iter().flat_map(|authority| authority.arguments()))
            .current_dir(dir);
        let program = Program::spawn(command);
        let client = authority.map(Authority::client);
        let fleet = Fleet::start(program.addr, client);
        Self { fleet, program }
    }

    /// Makes the allocator take what as many connections need as there will be.
    fn warm_up(&self, count: usize) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let addr = self.program.addr;
        runtime.block_on(attack::all(addr, &[(Attack::HalfHead, count)]));
    }

    /// Holds up under these attackers: how many of each kind.
    fn stands(&self, what: &str, attackers: &[(Attack, usize)]) {
        for left in (0..TRIES).rev() {
            let Err(reason) = self.measure(what, attackers) else {
                return;
            };
            assert!(0 < left, "{what}: {reason}");
            println!("{what}: measured again, {reason}");
        }
    }

    /// Everything but the delay must be right at once; the delay is an error.
    fn measure(&self, what: &str, attackers: &[(Attack, usize)]) -> Result<(), String> {
        let (open, memory, before) = (
            self.program.descriptors(),
            self.program.memory(),
            self.processor_time(),
        );
        self.fleet.take();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (outcome, peak, closed) = runtime.block_on(async {
            let began = Instant::now();
            if attackers.is_empty() {
                let is_enough = || CALM_BEATS <= self.fleet.count();
                until(READER_TIME, "all calm heartbeats", is_enough).await;
            }
            let outcome = attack::all(self.program.addr, attackers).await;
            let peak = self.program.memory();
            until(READER_TIME, "descriptors are back", || {
                self.program.descriptors() <= open
            })
            .await;
            (outcome, peak, began.elapsed())
        });
        let beats = self.fleet.take();
        let after = self.processor_time();
        let last = if outcome.held.is_empty() {
            outcome.longest
        } else {
            closed
        };
        let [ran, waited] =
            [0, 1].map(|which| after[which].saturating_sub(before[which]).as_secs_f64());
        println!(
            "{what}: {beats}; the longest attacker {last:.1?}; {open} descriptors; {} MiB, {} with \
             the attackers; ran {ran:.1} s and waited {waited:.1} s for a processor",
            memory >> 20,
            peak >> 20,
        );

        // What readers of lists may take has a test of its own, `memory`.
        let reads_lists = !outcome.held.is_empty();
        let is_small = || reads_lists || self.program.memory() <= memory + LEFTOVER_BYTES;
        runtime.block_on(until(READER_TIME, "the memory is back", is_small));
        let most = if reads_lists {
            READER_TIME
        } else {
            ATTACK_TIME
        };
        assert!(last <= most, "an attacker lasted {last:?}");
        let Beats {
            all, answered, p99, ..
        } = beats;
        assert!(100 < all, "only {all} heartbeats");
        assert!(all * 99 <= answered * 100, "{answered} of {all} answered");
        if DELAY <= p99 {
            return Err(format!(
                "99 of 100 heartbeats took up to {p99:.1?}; the daemon ran {ran:.1} s and waited \
                 {waited:.1} s for a processor"
            ));
        }
        Ok(())
    }

    /// So many instances with as much metadata as one may have that nobody's buffers hold the list.
    fn register_long_list(&self) {
        let pairs: serde_json::Map<String, serde_json::Value> = (0..32)
            .map(|n| (format!("key{n:0>60}"), format!("{n:x>256}").into()))
            .collect();
        for number in 0..LONG_LIST {
            let body = serde_json::json!({
                "name": format!("long{number}"), "ip": "10.0.0.1", "ttl_s": 3600, "metadata": pairs,
            });
            self.program.register(&body.to_string());
        }
    }

    /// How long its threads ran, and how long they waited for a processor, so far.
    fn processor_time(&self) -> [Duration; 2] {
        let folder = format!("/proc/{}/task", self.program.pid().as_raw_nonzero());
        let mut sum = [Duration::ZERO; 2];
        for task in std::fs::read_dir(folder).unwrap() {
            let file = task.unwrap().path().join("schedstat");
            let text = std::fs::read_to_string(file).unwrap();
            for (sum, word) in sum.iter_mut().zip(text.split(' ')) {
                *sum += Duration::from_nanos(word.parse().unwrap());
            }
        }
        sum
    }
}

/// So many sockets in this process as `count` attackers need.
fn make_room(count: usize) {
    let limit = getrlimit(Resource::Nofile);
    let needed = u64::try_from(count).unwrap() + 1_000;
    if limit.current.is_none_or(|current| needed <= current) {
        return;
    }
    let raised = Rlimit {
        current: Some(needed),
        ..limit
    };
    setrlimit(Resource::Nofile, raised).expect("more open files; raise ulimit -n");
}
