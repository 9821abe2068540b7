//! Small charts side by side, both axes logarithmic: the same distance is the same factor everywhere,
//! and what grows with the number of instances is a straight line that climbs by one step a step.

use std::fmt::Write as _;

/// One chart.
pub(super) struct Panel<'a> {
    pub(super) title: &'a str,
    /// One for each place on the common axis; all above 0.
    pub(super) values: &'a [f64],
}

/// Panels side by side.
const COLUMNS: usize = 2;
/// Width and height of a panel with its words, and of the field in it, in pixels.
const PANEL: (f64, f64) = (340.0, 190.0);
const FIELD: (f64, f64) = (250.0, 120.0);
/// Where the field begins in its panel.
const CORNER: (f64, f64) = (50.0, 36.0);

/// Readable on light and dark ground; figures stand beside each point, no color is needed.
const STYLE: &str = "<style>text{font:12px system-ui,sans-serif;fill:#24292f}.t{font-weight:600}\
    .n{text-anchor:middle}.g{stroke:#8c959f;stroke-width:.5}.l{fill:none;stroke:#0969da;stroke-width:2}\
    circle{fill:#0969da}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.g{stroke:#6e7681}\
    .l{stroke:#58a6ff}circle{fill:#58a6ff}}</style>";

/// An SVG of all panels over one axis.
pub(super) fn draw(axis: &[f64], panels: &[Panel<'_>]) -> String {
    let rows = panels.len().div_ceil(COLUMNS);
    let (width, height) = (PANEL.0 * count(COLUMNS), PANEL.1 * count(rows));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"What grows with the number of instances\">\n{STYLE}\n"
    );
    for (number, panel) in panels.iter().enumerate() {
        let x = PANEL.0 * count(number % COLUMNS);
        let y = PANEL.1 * count(number / COLUMNS);
        let _infallible = writeln!(svg, "<g transform=\"translate({x} {y})\">");
        one(&mut svg, axis, panel);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn one(svg: &mut String, axis: &[f64], panel: &Panel<'_>) {
    let (lowest, highest) = decades(panel.values);
    let (first, last) = decades(axis);
    let x = |value: f64| CORNER.0 + FIELD.0 * (value.log10() - first) / (last - first);
    let y = |value: f64| CORNER.1 + FIELD.1 * (1.0 - (value.log10() - lowest) / (highest - lowest));
    let (left, top) = CORNER;
    let (right, bottom) = (left + FIELD.0, top + FIELD.1);
    let mut put = |line: std::fmt::Arguments<'_>| {
        // Memory takes everything.
        let _infallible = writeln!(svg, "{line}");
    };
    put(format_args!(
        "<text class=\"t\" x=\"0\" y=\"16\">{}</text>",
        panel.title
    ));
    for at in axis {
        let x = x(*at);
        put(format_args!(
            "<path class=\"g\" d=\"M{x:.1} {top}V{bottom}\"/><text class=\"n\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
            bottom + 17.0,
            short(*at)
        ));
    }
    let mut decade = lowest;
    while decade <= highest {
        let value = 10_f64.powf(decade);
        let y = y(value);
        put(format_args!(
            "<path class=\"g\" d=\"M{left} {y:.1}H{right}\"/><text x=\"0\" y=\"{:.1}\">{}</text>",
            y + 4.0,
            short(value)
        ));
        decade += 1.0;
    }
    let points: Vec<(f64, f64, f64)> = { axis.iter().zip(panel.values) }
        .map(|(at, value)| (x(*at), y(*value), *value))
        .collect();
    let line: Vec<String> = points
        .iter()
        .map(|(x, y, _)| format!("{x:.1},{y:.1}"))
        .collect();
    put(format_args!(
        "<polyline class=\"l\" points=\"{}\"/>",
        line.join(" ")
    ));
    for (x, y, value) in points {
        put(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/><text class=\"n\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
            y - 7.0,
            number(value)
        ));
    }
}

/// The powers of ten around all values, at least one apart.
fn decades(values: &[f64]) -> (f64, f64) {
    let logarithms = || values.iter().map(|value| value.log10());
    let lowest = logarithms().fold(f64::INFINITY, f64::min).floor();
    let highest = logarithms().fold(f64::NEG_INFINITY, f64::max).ceil();
    (lowest, highest.max(lowest + 1.0))
}

/// A value with three digits that count.
pub(super) fn number(value: f64) -> String {
    match value {
        _ if 100.0 <= value => format!("{value:.0}"),
        _ if 10.0 <= value => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A power of ten in few letters.
fn short(value: f64) -> String {
    match value {
        _ if 999_999.0 <= value => format!("{:.0} M", value / 1e6),
        _ if 999.0 <= value => format!("{:.0} k", value / 1e3),
        _ if 0.99 <= value => format!("{value:.0}"),
        _ => format!("{value:.2}"),
    }
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_stands_beside_its_point_inside_its_panel() {
        let panels = [
            Panel {
                title: "a",
                values: &[1.0, 10.0, 100.0],
            },
            Panel {
                title: "b",
                values: &[0.05, 0.05, 7.25],
            },
        ];

        let svg = draw(&[1_000.0, 10_000.0, 100_000.0], &panels);

        assert_eq!(svg.matches("<circle").count(), 6);
        for words in [">a<", ">b<", ">1 k<", ">100 k<", ">7.25<", ">100<"] {
            assert!(svg.contains(words), "{words}: {svg}");
        }
        // A line over all decades goes from the lower left corner to the upper right one.
        assert!(
            svg.contains("points=\"50.0,156.0 175.0,96.0 300.0,36.0\""),
            "{svg}"
        );
    }

    #[test]
    fn values_that_are_all_the_same_have_a_decade_of_their_own() {
        assert_eq!(decades(&[10.0, 10.0]), (1.0, 2.0));
        assert_eq!(decades(&[0.2, 30.0]), (-1.0, 2.0));
    }

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!(
            [0.159, 12.25, 250.4].map(number),
            ["0.16", "12.2", "250"].map(str::to_owned)
        );
        assert_eq!(
            [0.1, 1.0, 1_000.0, 1_000_000.0].map(short),
            ["0.10", "1", "1 k", "1 M"].map(str::to_owned)
        );
    }
}
