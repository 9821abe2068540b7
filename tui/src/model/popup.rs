//! What lies above everything: the help and the questions.

/// What lies above everything else and takes the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Popup {
    /// The keys.
    Help(Help),
    /// A question that Enter on "yes" confirms, and [`Question::yes`].
    Confirm {
        /// What would be done.
        question: Question,
        /// Whether "yes" is chosen; the default is no.
        is_yes: bool,
        /// Whether it was drawn and nothing waits that was typed before: a key that was meant for
        /// something else must not answer it.
        is_seen: bool,
    },
}

impl Popup {
    /// A question nobody has seen yet, answered with no.
    pub const fn asking(question: Question) -> Self {
        Self::Confirm {
            question,
            is_yes: false,
            is_seen: false,
        }
    }
}

/// Where one is in the help.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Help {
    /// The number of entries scrolled away.
    pub top: usize,
    /// Only entries with this text are shown.
    pub search: String,
    /// Whether the text is being typed.
    pub is_typing: bool,
}

/// What may be asked before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Take instances out of the registry.
    Deregister {
        /// Name of the service.
        name: String,
        /// Which instances; never empty.
        instances: Vec<String>,
    },
    /// Take instances off the list of what left.
    Dismiss {
        /// Name of the service.
        name: String,
        /// Which instances; never empty.
        instances: Vec<String>,
    },
    /// Judge a large registry anew.
    RefreshAll {
        /// How many instances.
        count: usize,
    },
}

impl Question {
    /// The key that says yes. What takes several instances away wants another one than `y`, which
    /// copies everywhere else.
    pub const fn yes(&self) -> char {
        match self {
            Self::Deregister { instances, .. } | Self::Dismiss { instances, .. }
                if 1 < instances.len() =>
            {
                'Y'
            }
            Self::Deregister { .. } | Self::Dismiss { .. } | Self::RefreshAll { .. } => 'y',
        }
    }
}
