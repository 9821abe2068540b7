//! The keys: one const table from which keys are dispatched, the footer and the help are drawn
//! and the README's table is made.

pub mod legend;
mod table;

use std::fmt::Write as _;

pub use legend::{SIGNS, Sign, signs};
pub use table::KEYS;

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
    /// Tab.
    Tab,
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

/// What the mouse does, where it is reported to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointer {
    /// The left button was pressed on this column and line, from 0.
    Press(u16, u16),
    /// The wheel was turned up.
    WheelUp,
    /// The wheel was turned down.
    WheelDown,
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
    /// One line a service, or one an instance.
    ByService,
    /// The next theme.
    NextTheme,
    /// The mouse for us, or for the terminal.
    Mouse,
    /// Draw everything anew.
    Repaint,
    /// Show the keys.
    Help,
    /// End the program.
    Quit,
    /// Give the terminal back to the shell for a while.
    Suspend,
}

/// What the footer tells keys for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The table of instances.
    Table,
    /// The table of services.
    Services,
    /// The detail.
    Detail,
    /// What happened.
    Events,
}

/// Keys and a word in the footer.
#[derive(Debug, Clone, Copy)]
pub struct Hint {
    /// Where it stands.
    pub places: &'static [Place],
    /// The keys.
    pub keys: &'static str,
    /// What they do, in a word.
    pub word: &'static str,
    /// Whether it stays when there is no room for all.
    pub is_kept: bool,
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
    /// What the footer says of them.
    pub hints: &'static [Hint],
}

/// The bindings in whose keys or words `search` stands; all for an empty text.
pub fn bindings(search: &str) -> impl Iterator<Item = &'static Binding> {
    let search = search.to_lowercase();
    KEYS.iter().filter(move |binding| {
        binding.label.to_lowercase().contains(&search)
            || binding.does.to_lowercase().contains(&search)
    })
}

/// What the footer says at a place.
pub fn hints(place: Place) -> impl Iterator<Item = &'static Hint> {
    KEYS.iter()
        .flat_map(|binding| binding.hints)
        .filter(move |hint| hint.places.contains(&place))
}

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
    fn the_help_can_be_searched_by_key_and_by_word() {
        let found = |search| bindings(search).map(|b| b.label).collect::<Vec<_>>();

        assert_eq!(found("").len(), KEYS.len());
        assert_eq!(found("OSC"), ["y Y"]);
        assert_eq!(found("ctrl-l"), ["t m Ctrl-l"]);
        assert_eq!(found("nonesuch"), [""; 0]);
    }

    #[test]
    fn every_place_tells_how_to_get_help_and_out() {
        for place in [Place::Table, Place::Services, Place::Detail, Place::Events] {
            let kept: Vec<&str> = hints(place).filter(|h| h.is_kept).map(|h| h.word).collect();
            assert!(kept.ends_with(&["help", "quit"]), "{place:?}: {kept:?}");
        }
    }

    #[test]
    fn what_the_footer_says_is_bound() {
        let shown = KEYS.iter().flat_map(|binding| {
            let hints = binding.hints.iter();
            hints.map(move |hint| (binding.label, hint.keys))
        });
        for (label, keys) in shown {
            for key in keys.split('/').filter(|key| !key.is_empty()) {
                assert!(
                    label.split(' ').any(|bound| bound == key),
                    "{key} of {label}"
                );
            }
        }
    }

    #[test]
    fn the_readme_table_has_a_line_for_every_binding() {
        insta::assert_snapshot!(markdown_table());
    }
}
