//! Two servers side by side: slices that take turns, so that both have the same machine.

use anyhow::{Result, ensure};

use super::load::{Load, Until};
use super::server::Server;
use super::{Bench, float, median};

/// What a server does before it is measured: this part of a slice.
const WARMING: u32 = 4;

/// A server and what it is asked.
pub(super) type Side<'a> = (&'a Server, &'a Load);

/// What a server did in a slice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slice {
    /// Answers a second.
    pub(super) rate: f64,
    /// Processor time of one request.
    pub(super) cpu_us: f64,
    /// The latency that half of the requests do not exceed.
    pub(super) median_ms: f64,
}

impl Slice {
    /// Lets a server be asked for one slice.
    ///
    /// # Errors
    /// When a request is not answered well.
    pub(super) fn of(bench: &Bench, (server, load): Side<'_>) -> Result<Self> {
        let before = server.cpu()?;
        let outcome = bench.load(load)?;
        let cpu = server.cpu()?.saturating_sub(before);
        ensure!(0 < outcome.answered, "a slice ended without an answer");
        Ok(Self {
            rate: outcome.rate(),
            cpu_us: cpu.as_secs_f64() * 1e6 / float(outcome.answered),
            median_ms: outcome.percentile_ms(50.0),
        })
    }
}

/// The slices of both, in pairs: ours and theirs.
#[derive(Debug, Default)]
pub(super) struct Duel(pub(super) Vec<(Slice, Slice)>);

/// Medians of a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Medians {
    pub(super) ours: f64,
    pub(super) theirs: f64,
    /// Of ours by theirs within each pair.
    pub(super) ratio: f64,
}

impl Duel {
    /// Slices in turns, after both have warmed up.
    ///
    /// # Errors
    /// When a request is not answered well.
    pub(super) fn fight(bench: &Bench, ours: Side<'_>, theirs: Side<'_>) -> Result<Self> {
        for (server, load) in [ours, theirs] {
            let mut warming = load.clone();
            if let Until::Time(time) = load.until {
                warming.until = Until::Time(time / WARMING);
            }
            Slice::of(bench, (server, &warming))?;
        }
        let rounds = (0..bench.scale.rounds).map(|_| {
            let ours = Slice::of(bench, ours)?;
            Ok((ours, Slice::of(bench, theirs)?))
        });
        Ok(Self(rounds.collect::<Result<_>>()?))
    }

    pub(super) fn medians(&self, of: impl Fn(&Slice) -> f64) -> Medians {
        let pairs = self.0.iter().map(|(ours, theirs)| (of(ours), of(theirs)));
        let pairs: Vec<(f64, f64)> = pairs.collect();
        Medians {
            ours: median(pairs.iter().map(|(ours, _)| *ours).collect()),
            theirs: median(pairs.iter().map(|(_, theirs)| *theirs).collect()),
            ratio: median(pairs.iter().map(|(ours, theirs)| ours / theirs).collect()),
        }
    }

    /// Medians of the answers a second.
    pub(super) fn rates(&self) -> Medians {
        self.medians(|slice| slice.rate)
    }
}

impl Medians {
    /// Both numbers in words.
    pub(super) fn note(&self, unit: &str, them: &str, digits: usize) -> String {
        let Self { ours, theirs, .. } = self;
        format!("{ours:.digits$} {unit}, {them} {theirs:.digits$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_the_pairs_and_not_of_the_medians() {
        let slice = |rate| Slice {
            rate,
            cpu_us: 1.0,
            median_ms: 1.0,
        };
        // The machine got slower, for both: each pair says one half.
        let pairs = [(50.0, 100.0), (5.0, 10.0), (30.0, 60.0)];
        let duel = Duel(
            pairs
                .map(|(ours, theirs)| (slice(ours), slice(theirs)))
                .to_vec(),
        );

        let rates = duel.rates();

        assert!((rates.ratio - 0.5).abs() < 1e-9);
        assert_eq!(
            rates.note("a second", "bare hyper", 0),
            "30 a second, bare hyper 60"
        );
    }
}
