use std::collections::BTreeSet;

use super::*;

#[test]
fn no_metric_stands_twice_and_every_name_says_its_kind() {
    let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();

    assert_eq!(names.len(), METRICS.len());
    for metric in &METRICS {
        let is_counter = metric.kind == MetricKind::Counter;
        assert!(metric.name.starts_with("lastbeat_"), "{}", metric.name);
        assert_eq!(
            metric.name.ends_with("_total"),
            is_counter,
            "{}",
            metric.name
        );
        assert!(metric.help.ends_with('.'), "{}", metric.name);
    }
}
