//! The keys: one const table from which keys are dispatched, the footer and the help are drawn
//! and the README's table is made.

use std::fmt::Write as _;

/// A key as the terminal reports it, with what matters of its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// A character, shift already applied.
    Char(char),
    /// A letter with Ctrl.
    Ctrl(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Backspace.
    Backspace,
    /// Up arrow.
    Up,
    /// Down arrow.
    Down,
    /// Left arrow.
    Left,
    /// Right arrow.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// F1.
    F1,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// One line down.
    Down,
    /// One line up.
    Up,
    /// The first line.
    First,
    /// The last line.
    Last,
    /// Half a page down.
    HalfPageDown,
    /// Half a page up.
    HalfPageUp,
    /// A page down.
    PageDown,
    /// A page up.
    PageUp,
    /// Open what is selected.
    Open,
    /// Back, close or clear, whatever is outermost.
    Back,
    /// Type a filter.
    Filter,
    /// Sort by the next column.
    NextSort,
    /// Turn the order round.
    ReverseSort,
    /// Sort by the column with this index.
    SortBy(usize),
    /// Judge the selected service again.
    Refresh,
    /// Judge all services again.
    RefreshAll,
    /// The next row that is DOWN.
    NextDown,
    /// The row before that is DOWN.
    PreviousDown,
    /// Ask the daemon now.
    AskNow,
    /// Stop asking, or go on.
    Pause,
    /// Copy the selected address.
    CopyAddress,
    /// Copy the selected row as JSON.
    CopyJson,
    /// Take the selected instance out of the registry.
    Deregister,
    /// Show what happened.
    Events,
    /// Draw everything anew.
    Repaint,
    /// Show the keys.
    Help,
    /// End the program.
    Quit,
    /// Give the terminal back to the shell for a while.
    Suspend,
}

/// Keys that belong together, on one line of the help.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// Each key with what it does.
    pub keys: &'static [(Key, Action)],
    /// The keys as people write them.
    pub label: &'static str,
    /// What they do.
    pub does: &'static str,
    /// Keys and word in the footer, where they stand there.
    pub footer: Option<(&'static str, &'static str)>,
}

/// All keys, in the order of the help.
pub const KEYS: [Binding; 15] = [
    Binding {
        keys: &[
            (Key::Char('j'), Action::Down),
            (Key::Char('k'), Action::Up),
            (Key::Down, Action::Down),
            (Key::Up, Action::Up),
        ],
        label: "j k Down Up",
        does: "move; the cursor stays on its instance when the order changes",
        footer: Some(("j/k", "move")),
    },
    Binding {
        keys: &[
            (Key::Char('g'), Action::First),
            (Key::Char('G'), Action::Last),
            (Key::Home, Action::First),
            (Key::End, Action::Last),
        ],
        label: "g G Home End",
        does: "first, last line",
        footer: None,
    },
    Binding {
        keys: &[
            (Key::Ctrl('d'), Action::HalfPageDown),
            (Key::Ctrl('u'), Action::HalfPageUp),
            (Key::PageDown, Action::PageDown),
            (Key::PageUp, Action::PageUp),
        ],
        label: "Ctrl-d Ctrl-u PgDn PgUp",
        does: "half a page, a page",
        footer: None,
    },
    Binding {
        keys: &[
            (Key::Enter, Action::Open),
            (Key::Char('l'), Action::Open),
            (Key::Right, Action::Open),
        ],
        label: "Enter l Right",
        does: "open the detail",
        footer: Some(("Enter", "detail")),
    },
    Binding {
        keys: &[
            (Key::Esc, Action::Back),
            (Key::Char('h'), Action::Back),
            (Key::Left, Action::Back),
        ],
        label: "Esc h Left",
        does: "back, close, clear the filter; never quits",
        footer: None,
    },
    Binding {
        keys: &[(Key::Char('/'), Action::Filter)],
        label: "/",
        does: "filter by name, address or tag; also status:down tag:x !x; Enter keeps, Esc drops",
        footer: Some(("/", "filter")),
    },
    Binding {
        keys: &[
            (Key::Char('n'), Action::NextDown),
            (Key::Char('N'), Action::PreviousDown),
        ],
        label: "n N",
        does: "next, previous DOWN",
        footer: None,
    },
    Binding {
        keys: &[
            (Key::Char('s'), Action::NextSort),
            (Key::Char('S'), Action::ReverseSort),
            (Key::Char('1'), Action::SortBy(0)),
            (Key::Char('2'), Action::SortBy(1)),
            (Key::Char('3'), Action::SortBy(2)),
            (Key::Char('4'), Action::SortBy(3)),
            (Key::Char('5'), Action::SortBy(4)),
        ],
        label: "s S 1-5",
        does: "sort by the next column; reverse; by state, name, address, age, since",
        footer: Some(("s", "sort")),
    },
    Binding {
        keys: &[
            (Key::Char('r'), Action::Refresh),
            (Key::Char('R'), Action::RefreshAll),
        ],
        label: "r R",
        does: "refresh the selected service, all services",
        footer: Some(("r/R", "refresh")),
    },
    Binding {
        keys: &[
            (Key::Char('u'), Action::AskNow),
            (Key::Char(' '), Action::Pause),
        ],
        label: "u space",
        does: "ask the daemon now; pause",
        footer: None,
    },
    Binding {
        keys: &[
            (Key::Char('y'), Action::CopyAddress),
            (Key::Char('Y'), Action::CopyJson),
        ],
        label: "y Y",
        does: "copy the address, the row as JSON (OSC 52)",
        footer: None,
    },
    Binding {
        keys: &[(Key::Char('d'), Action::Deregister)],
        label: "d",
        does: "deregister the selected instance; asks first",
        footer: None,
    },
    Binding {
        keys: &[(Key::Char('e'), Action::Events)],
        label: "e",
        does: "recent events: of all services, or of the open detail",
        footer: Some(("e", "events")),
    },
    Binding {
        keys: &[(Key::Char('?'), Action::Help), (Key::F1, Action::Help)],
        label: "? F1",
        does: "this help",
        footer: Some(("?", "help")),
    },
    Binding {
        keys: &[
            (Key::Char('q'), Action::Quit),
            (Key::Ctrl('c'), Action::Quit),
            (Key::Ctrl('z'), Action::Suspend),
            (Key::Ctrl('l'), Action::Repaint),
        ],
        label: "q Ctrl-c Ctrl-z Ctrl-l",
        does: "quit; suspend; repaint",
        footer: Some(("q", "quit")),
    },
];

/// What `key` does where no text is typed.
pub fn action_of(key: Key) -> Option<Action> {
    KEYS.iter()
        .flat_map(|binding| binding.keys)
        .find(|(bound, _)| *bound == key)
        .map(|(_, action)| *action)
}

/// The table of keys in the README.
pub fn markdown_table() -> String {
    let mut out = String::from("| key | does |\n|---|---|\n");
    for binding in &KEYS {
        let keys: Vec<String> = binding
            .label
            .split(' ')
            .map(|key| format!("`{key}`"))
            .collect();
        // Writing to a String cannot fail.
        let _written: Result<(), std::fmt::Error> =
            writeln!(out, "| {} | {} |", keys.join(" "), binding.does);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_stands_twice() {
        let keys: Vec<Key> = KEYS
            .iter()
            .flat_map(|binding| binding.keys)
            .map(|(key, _)| *key)
            .collect();
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[index + 1..].contains(key), "{key:?}");
        }
    }

    #[test]
    fn a_key_does_what_its_line_says() {
        assert_eq!(action_of(Key::Char('j')), Some(Action::Down));
        assert_eq!(action_of(Key::Char('5')), Some(Action::SortBy(4)));
        assert_eq!(action_of(Key::F1), Some(Action::Help));
        assert_eq!(action_of(Key::Char('x')), None);
        assert_ne!(action_of(Key::Esc), Some(Action::Quit));
    }

    #[test]
    fn the_readme_table_has_a_line_for_every_binding() {
        insta::assert_snapshot!(markdown_table());
    }
}
