//! How the lines of the screen are shared out. `update` needs it for paging, the views for drawing.

/// From this width the detail stands beside the table.
pub const WIDE: u16 = 120;
/// Under this many columns everything is said in one line.
const NARROWEST: u16 = 20;
/// Under this many lines everything is said in one line.
const LOWEST: u16 = 3;
/// Under this many lines there is only a table.
const LOW: u16 = 8;
/// Under this many lines there is no room for GONE, and for one notice in one line.
const MIDDLING: u16 = 14;
/// From this many lines the toast has a line of its own.
const HIGH: u16 = 20;
/// Lines that the table keeps, also when it is empty: why it is stands there.
const LEAST_BODY: u16 = 5;
/// Most lines of notices on a middling screen, and on a high one.
const MAX_NOTICES: (u16, u16) = (2, 4);

/// Lines of each region from top to bottom; a region with no lines is not drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout {
    /// Name, daemon, connection.
    pub header: u16,
    /// Counts, order, filter.
    pub counts: u16,
    /// What the daemon says about itself.
    pub notices: u16,
    /// The names of the columns.
    pub heading: u16,
    /// Rows of the table, or another pane.
    pub body: u16,
    /// What left, with its heading.
    pub gone: u16,
    /// One line about the selected row.
    pub status: u16,
    /// The toast; 0 where it takes the status line's place.
    pub toast: u16,
    /// The keys.
    pub footer: u16,
    /// Whether there is room for a single line only.
    pub is_one_line: bool,
}

impl Layout {
    /// Shares out a screen of `size` for so many lines of notices and of the table and GONE groups.
    pub fn new(size: (u16, u16), notices: usize, rows: usize, gone: usize) -> Self {
        let (width, height) = size;
        if width < NARROWEST || height < LOWEST {
            return Self {
                header: height.min(1),
                is_one_line: true,
                ..Self::default()
            };
        }
        if height < LOW {
            return Self {
                header: 1,
                heading: 1,
                body: height - 2,
                ..Self::default()
            };
        }
        let mut layout = Self {
            header: 1,
            counts: 1,
            heading: 1,
            status: 1,
            footer: 1,
            ..Self::default()
        };
        layout.toast = u16::from(HIGH <= height);
        layout.notices = u16::try_from(notices)
            .unwrap_or(u16::MAX)
            .min(notice_room(size));
        let rest = height
            - layout.header
            - layout.counts
            - layout.heading
            - layout.status
            - layout.footer
            - layout.toast
            - layout.notices;
        if MIDDLING <= height && 0 < gone {
            let wanted = u16::try_from(gone).unwrap_or(u16::MAX).saturating_add(1);
            // What the table leaves empty is free for what left.
            let rows = u16::try_from(rows).unwrap_or(u16::MAX).max(LEAST_BODY);
            layout.gone = wanted.min((rest / 4).max(2).max(rest.saturating_sub(rows)));
        }
        layout.body = rest - layout.gone;
        layout
    }
}

/// How many lines of notices a screen has room for.
pub const fn notice_room((_, height): (u16, u16)) -> u16 {
    match height {
        ..LOW => 0,
        LOW..MIDDLING => 1,
        MIDDLING..HIGH => MAX_NOTICES.0,
        _ => MAX_NOTICES.1,
    }
}

/// Columns and lines of the detail: the screen's middle, or a framed half of it.
pub const fn detail_size(size: (u16, u16), lines: Layout) -> (u16, u16) {
    let height = lines.heading + lines.body;
    if size.0 < WIDE {
        (size.0, height)
    } else {
        ((size.0 / 2).saturating_sub(2), height.saturating_sub(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_always_add_up() {
        for width in 0..200 {
            for height in 0..60 {
                for (notices, rows, gone) in [(0, 0, 0), (1, 9, 1), (5, 3, 500)] {
                    let l = Layout::new((width, height), notices, rows, gone);
                    let sum = l.header
                        + l.counts
                        + l.notices
                        + l.heading
                        + l.body
                        + l.gone
                        + l.status
                        + l.toast
                        + l.footer;
                    assert!(sum == height || l.is_one_line, "{width}x{height}: {l:?}");
                }
            }
        }
    }

    #[test]
    fn small_screens_keep_what_matters() {
        assert!(Layout::new((19, 10), 0, 9, 0).is_one_line);
        assert!(Layout::new((80, 2), 0, 9, 0).is_one_line);
        let low = Layout::new((20, 5), 3, 9, 3);
        assert_eq!((low.header, low.heading, low.body), (1, 1, 3));
        assert_eq!(Layout::new((80, 24), 0, 99, 0).body, 18);
        assert_eq!(Layout::new((80, 24), 0, 99, 1).gone, 2);
        assert_eq!(Layout::new((80, 24), 0, 99, 30).gone, 4);
        assert_eq!(Layout::new((80, 24), 0, 8, 30).gone, 10);
        assert_eq!(Layout::new((80, 24), 0, 0, 30).gone, 13);
    }
}
