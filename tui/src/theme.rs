//! Colors and shapes: sixteen colors at most, on the terminal's own background.
//!
//! Words are always in its own foreground: no palette is legible on every background, the user's
//! own pair is. Color lies on the shapes, reverse marks what is selected, and everything can be
//! read without either.

use ratatui::style::{Color, Modifier, Style};

use crate::config::Theme;
use crate::model::Model;
pub use crate::model::mark::Mark;
use crate::text::{Charset, SafeText};

/// How this terminal is drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// How colors and attributes are used.
    pub theme: Theme,
    /// Whether colors may be sent at all.
    pub is_colored: bool,
    /// Which characters.
    pub charset: Charset,
}

impl Look {
    /// As the model says.
    pub const fn of(model: &Model) -> Self {
        Self {
            theme: model.display.theme,
            is_colored: model.display.is_colored,
            charset: model.display.charset,
        }
    }

    /// Text from anywhere, made safe for this terminal.
    pub fn safe(self, text: &str) -> SafeText {
        SafeText::new(text, self.charset)
    }

    /// Plain text.
    pub const fn plain(self) -> Style {
        Style::new()
    }

    /// Text that steps back.
    pub const fn quiet(self) -> Style {
        match self.theme {
            Theme::Contrast => Style::new(),
            Theme::Auto | Theme::Mono | Theme::Cb => Style::new().add_modifier(Modifier::DIM),
        }
    }

    /// Headings and what must be seen.
    pub const fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The names of columns and regions.
    pub const fn heading(self) -> Style {
        self.strong().add_modifier(Modifier::UNDERLINED)
    }

    /// The selected line.
    pub const fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Words of something wrong: reversed in the terminal's own two colors, since letters on red
    /// are hard to read on a dark background (3.6:1 with xterm's palette; WCAG asks for 4.5:1).
    pub const fn alarm(self) -> Style {
        self.strong().add_modifier(Modifier::REVERSED)
    }

    /// The badge of something wrong, for shapes and edges: a colored block.
    pub fn badge(self) -> Style {
        self.colored(Mark::Down)
            .add_modifier(Modifier::BOLD)
            .add_modifier(Modifier::REVERSED)
    }

    /// The shape of a state.
    pub fn shape_style(self, mark: Mark) -> Style {
        match mark {
            Mark::Up => self.colored(mark),
            Mark::Late => self.colored(mark).add_modifier(Modifier::BOLD),
            Mark::Down => self.badge(),
            Mark::Gone => self.quiet(),
        }
    }

    /// The word of a state.
    pub const fn word_style(self, mark: Mark) -> Style {
        match (mark, self.theme) {
            (Mark::Down, Theme::Contrast) => self.strong().add_modifier(Modifier::REVERSED),
            (Mark::Late, Theme::Contrast) => self.heading(),
            (Mark::Down | Mark::Late, _) => self.strong(),
            (Mark::Up, _) => self.plain(),
            (Mark::Gone, _) => self.quiet(),
        }
    }

    /// The shape of a state.
    pub const fn shape(self, mark: Mark) -> &'static str {
        match (self.charset, mark) {
            (Charset::Utf8, Mark::Up) => "▲",
            (Charset::Utf8, Mark::Late) => "◆",
            (Charset::Utf8, Mark::Down) => "▼",
            (Charset::Utf8, Mark::Gone) => "✕",
            (Charset::Ascii, Mark::Up) => "^",
            (Charset::Ascii, Mark::Late) => "!",
            (Charset::Ascii, Mark::Down) => "v",
            (Charset::Ascii, Mark::Gone) => "x",
        }
    }

    /// In place of the shape while a service is refreshed.
    pub const fn busy(self) -> &'static str {
        match self.charset {
            Charset::Utf8 => "↻",
            Charset::Ascii => "o",
        }
    }

    /// The arrow of an order: down the screen by default.
    pub const fn arrow(self, is_reversed: bool) -> &'static str {
        match (self.charset, is_reversed) {
            (Charset::Utf8, false) => "↓",
            (Charset::Utf8, true) => "↑",
            (Charset::Ascii, false) => "v",
            (Charset::Ascii, true) => "^",
        }
    }

    /// In the color of a state, where there are colors. The painter knows the six that are
    /// neither black nor white nor a shade of the background.
    const fn colored(self, mark: Mark) -> Style {
        let color = match (self.theme, mark) {
            (Theme::Mono | Theme::Contrast, _) | (_, Mark::Gone) => None,
            (Theme::Auto, Mark::Up) => Some(Color::Green),
            (Theme::Auto, Mark::Down) => Some(Color::Red),
            (Theme::Cb, Mark::Up) => Some(Color::Blue),
            (Theme::Cb, Mark::Down) => Some(Color::Magenta),
            (Theme::Auto | Theme::Cb, Mark::Late) => Some(Color::Yellow),
        };
        match color {
            Some(color) if self.is_colored => Style::new().fg(color),
            _ => Style::new(),
        }
    }
}
