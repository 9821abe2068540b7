//! Colors and shapes: sixteen colors at most, on the terminal's own background.
//!
//! Words are always in its own foreground: no palette is legible on every background, the user's
//! own pair is. Color lies on the shapes, reverse marks what is selected, and everything can be read without.

use lastbeat_proto::Status;
use lastbeat_proto::answer::Row;
use ratatui::style::{Color, Modifier, Style};

use crate::config::Settings;
use crate::text::{Charset, SafeText};

/// How an instance looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Heard.
    Up,
    /// Not heard for a while.
    Late,
    /// Silent for too long.
    Down,
    /// Left.
    Gone,
}

impl Mark {
    /// Of a row.
    pub const fn of(row: &Row) -> Self {
        match row.status {
            Status::Up if row.late => Self::Late,
            Status::Up => Self::Up,
            Status::Down => Self::Down,
            Status::Gone => Self::Gone,
        }
    }
}

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether to use colors.
    pub is_colored: bool,
    /// Which characters.
    pub charset: Charset,
}

impl Look {
    /// As the settings say.
    pub const fn new(settings: &Settings) -> Self {
        Self {
            is_colored: settings.is_colored,
            charset: settings.charset,
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
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Headings and what must be seen.
    pub const fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The selected line.
    pub const fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The badge of something wrong: a block in red, in reverse where there is no color.
    pub fn alarm(self) -> Style {
        self.colored(Color::Red)
            .add_modifier(Modifier::BOLD)
            .add_modifier(Modifier::REVERSED)
    }

    /// The shape of a state.
    pub fn shape_style(self, mark: Mark) -> Style {
        match mark {
            Mark::Up => self.colored(Color::Green),
            Mark::Late => self.colored(Color::Yellow).add_modifier(Modifier::BOLD),
            Mark::Down => self.alarm(),
            Mark::Gone => self.quiet(),
        }
    }

    /// The word of a state.
    pub const fn word_style(self, mark: Mark) -> Style {
        match mark {
            Mark::Down | Mark::Late => self.strong(),
            Mark::Up => self.plain(),
            Mark::Gone => self.quiet(),
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

    /// The arrow of an order: down the screen by default.
    pub const fn arrow(self, is_reversed: bool) -> &'static str {
        match (self.charset, is_reversed) {
            (Charset::Utf8, false) => "↓",
            (Charset::Utf8, true) => "↑",
            (Charset::Ascii, false) => "v",
            (Charset::Ascii, true) => "^",
        }
    }

    const fn colored(self, color: Color) -> Style {
        if self.is_colored {
            Style::new().fg(color)
        } else {
            Style::new()
        }
    }
}
