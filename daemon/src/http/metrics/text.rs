//! The text form of Prometheus, version 0.0.4: heads and samples, escaped.
//!
//! Which metrics there are is left to [`super`].

use std::fmt::{Display, Write};

use super::Metric;
use crate::state::Spread;

/// The samples of one metric, on their way into the page.
pub(super) struct Samples<'page> {
    name: &'static str,
    page: &'page mut String,
}

impl<'page> Samples<'page> {
    /// Writes the metric's head; its samples follow.
    pub(super) fn begin(metric: &Metric, page: &'page mut String) -> Self {
        let (name, kind) = (metric.name, metric.kind.word());
        let help = metric.help.replace('\\', r"\\").replace('\n', r"\n");
        add(
            page,
            format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"),
        );
        Self { name, page }
    }

    /// The only sample of a metric without labels.
    pub(super) fn one(&mut self, value: impl Display) {
        self.sample("", &[], &value);
    }

    /// A sample with these labels.
    pub(super) fn labelled(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.sample("", labels, &value);
    }

    /// The samples of a histogram with these labels.
    pub(super) fn spread(&mut self, labels: &[(&str, &str)], spread: &Spread) {
        let bounds = spread.bounds_us.iter().map(|us| seconds(*us).to_string());
        let bounds = bounds.chain(["+Inf".to_owned()]);
        let mut total = 0;
        for (bound, count) in bounds.zip(&spread.counts) {
            total += count;
            let mut labels = labels.to_vec();
            labels.push(("le", &bound));
            self.sample("_bucket", &labels, &total);
        }
        self.sample("_sum", labels, &seconds(spread.sum_us));
        self.sample("_count", labels, &total);
    }

    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: &dyn Display) {
        add(self.page, format_args!("{}{suffix}", self.name));
        for (index, (label, text)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            let text = text.replace('\\', r"\\").replace('"', "\\\"");
            let text = text.replace('\n', r"\n");
            add(self.page, format_args!("{before}{label}=\"{text}\""));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        add(self.page, format_args!("{end} {value}\n"));
    }
}

/// Writing to a `String` cannot fail.
fn add(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).unwrap_or(());
}

/// Microseconds as the seconds that Prometheus counts in.
pub(super) fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::super::MetricKind;
    use super::*;

    const METRIC: Metric = Metric {
        name: "a_seconds",
        kind: MetricKind::Histogram,
        labels: "",
        help: "A \\ and\na line.",
        write: |_, _| {},
    };

    #[test]
    fn what_would_end_a_line_or_a_label_is_escaped() {
        let mut page = String::new();

        Samples::begin(&METRIC, &mut page).labelled(&[("x", "a\"b\\c\nd"), ("y", "")], 1.5);

        assert_eq!(
            page,
            "# HELP a_seconds A \\\\ and\\na line.\n# TYPE a_seconds histogram\n\
             a_seconds{x=\"a\\\"b\\\\c\\nd\",y=\"\"} 1.5\n"
        );
    }

    #[test]
    fn the_classes_of_a_histogram_add_up_to_its_count() {
        let mut page = String::new();
        let mut spread = Spread::new(&[1_000, 250_000]);
        spread.counts = vec![2, 1, 4];
        spread.sum_us = 9_000_001;

        Samples::begin(&METRIC, &mut page).spread(&[("x", "y")], &spread);

        let samples: Vec<&str> = page.lines().skip(2).collect();
        assert_eq!(
            samples,
            [
                "a_seconds_bucket{x=\"y\",le=\"0.001\"} 2",
                "a_seconds_bucket{x=\"y\",le=\"0.25\"} 3",
                "a_seconds_bucket{x=\"y\",le=\"+Inf\"} 7",
                "a_seconds_sum{x=\"y\"} 9.000001",
                "a_seconds_count{x=\"y\"} 7",
            ]
        );
    }
}
