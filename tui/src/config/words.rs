//! Settings that are one of a few words.

/// How `--once` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for people.
    Table,
    /// The daemon's answer, filtered.
    Json,
    /// Tab-separated values with a heading.
    Tsv,
    /// One line with the exit codes of a Nagios plugin.
    Nagios,
}

impl Format {
    /// The format with this word.
    ///
    /// # Errors
    /// A sentence that says which there are.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "tsv" => Ok(Self::Tsv),
            "nagios" => Ok(Self::Nagios),
            _ => Err("write table, json, tsv or nagios".to_owned()),
        }
    }
}

/// How colors and attributes are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// The terminal's 16 colors, on shapes and alarms.
    Auto,
    /// No color; what steps back is dim.
    Mono,
    /// No color and nothing dim: bold, underlined and reversed.
    Contrast,
    /// Colors that are told apart without red and green.
    Cb,
}

impl Theme {
    /// All of them, in the order in which the key goes through them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Mono, Self::Contrast, Self::Cb];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Mono => "mono",
            Self::Contrast => "contrast",
            Self::Cb => "cb",
        }
    }

    /// The one behind it; behind the last comes the first.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Auto => Self::Mono,
            Self::Mono => Self::Contrast,
            Self::Contrast => Self::Cb,
            Self::Cb => Self::Auto,
        }
    }

    /// The theme with this word.
    ///
    /// # Errors
    /// A sentence that says which there are.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|theme| theme.word() == text);
        found.ok_or_else(|| "write auto, mono, contrast or cb".to_owned())
    }
}

/// What the registry is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// A screen of its own.
    Screen,
    /// A list, once, with an exit code that tells whether something is DOWN.
    Once,
    /// A list, once, because the terminal cannot move its cursor.
    Listing,
}
