//! The table itself.

use super::{Action, Binding, Hint, Key, Place};

/// Everywhere.
const ANYWHERE: &[Place] = &[Place::Table, Place::Services, Place::Detail, Place::Events];
/// Where rows are listed.
const LISTS: &[Place] = &[Place::Table, Place::Services];
/// Where one service is meant.
const SERVICE: &[Place] = &[Place::Table, Place::Services, Place::Detail];

const fn hint(places: &'static [Place], keys: &'static str, word: &'static str) -> Hint {
    Hint {
        places,
        keys,
        word,
        is_kept: false,
    }
}

const fn kept(places: &'static [Place], keys: &'static str, word: &'static str) -> Hint {
    Hint {
        is_kept: true,
        ..hint(places, keys, word)
    }
}

/// All keys, in the order of the help.
pub const KEYS: [Binding; 17] = [
    Binding {
        keys: &[
            (Key::Char('j'), Action::Down),
            (Key::Char('k'), Action::Up),
            (Key::Down, Action::Down),
            (Key::Up, Action::Up),
        ],
        label: "j k Down Up",
        does: "move; the cursor stays on its instance",
        hints: &[
            hint(LISTS, "j/k", "move"),
            hint(&[Place::Detail], "j/k", "next"),
            hint(&[Place::Events], "j/k", "scroll"),
        ],
    },
    Binding {
        keys: &[
            (Key::Char('g'), Action::First),
            (Key::Char('G'), Action::Last),
            (Key::Home, Action::First),
            (Key::End, Action::Last),
        ],
        label: "g G Home End",
        does: "first, last line; what is GONE stands last",
        hints: &[],
    },
    Binding {
        keys: &[
            (Key::Ctrl('d'), Action::HalfPageDown),
            (Key::Ctrl('u'), Action::HalfPageUp),
            (Key::PageDown, Action::PageDown),
            (Key::PageUp, Action::PageUp),
        ],
        label: "Ctrl-d Ctrl-u PgDn PgUp",
        does: "half a page, a page; in the detail they scroll it",
        hints: &[hint(&[Place::Detail], "PgDn/PgUp", "scroll")],
    },
    Binding {
        keys: &[
            (Key::Enter, Action::Open),
            (Key::Char('l'), Action::Open),
            (Key::Right, Action::Open),
        ],
        label: "Enter l Right",
        does: "open the detail; of a service: unfold it",
        hints: &[
            hint(&[Place::Table], "Enter", "detail"),
            hint(&[Place::Services], "Enter", "unfold"),
        ],
    },
    Binding {
        keys: &[
            (Key::Esc, Action::Back),
            (Key::Char('h'), Action::Back),
            (Key::Left, Action::Back),
        ],
        label: "Esc h Left",
        does: "back, close, fold, clear the filter; never quits",
        hints: &[kept(&[Place::Detail, Place::Events], "Esc", "back")],
    },
    Binding {
        keys: &[(Key::Char('/'), Action::Filter)],
        label: "/",
        does: "filter: name, address or tag; status:down (up, late, gone), tag:x, !x for not; Enter keeps, Esc drops",
        hints: &[hint(LISTS, "/", "filter")],
    },
    Binding {
        keys: &[
            (Key::Char('n'), Action::NextDown),
            (Key::Char('N'), Action::PreviousDown),
        ],
        label: "n N",
        does: "next, previous DOWN",
        hints: &[],
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
        hints: &[hint(LISTS, "s", "sort")],
    },
    Binding {
        keys: &[
            (Key::Char('r'), Action::Refresh),
            (Key::Char('R'), Action::RefreshAll),
        ],
        label: "r R",
        does: "refresh this service, all (over 50 it asks once)",
        hints: &[hint(SERVICE, "r/R", "refresh")],
    },
    Binding {
        keys: &[(Key::Char('v'), Action::ByService)],
        label: "v",
        does: "one line a service: how many UP, DOWN, GONE",
        hints: &[
            hint(&[Place::Table], "v", "services"),
            hint(&[Place::Services], "v", "instances"),
        ],
    },
    Binding {
        keys: &[(Key::Char('e'), Action::Events)],
        label: "e",
        does: "recent events of all; again: of this service",
        hints: &[
            hint(SERVICE, "e", "events"),
            hint(&[Place::Events], "e", "all or selected"),
        ],
    },
    Binding {
        keys: &[
            (Key::Char('u'), Action::AskNow),
            (Key::Char(' '), Action::Pause),
        ],
        label: "u space",
        does: "ask the daemon now; pause asking, or go on",
        hints: &[],
    },
    Binding {
        keys: &[
            (Key::Char('y'), Action::CopyAddress),
            (Key::Char('Y'), Action::CopyJson),
        ],
        label: "y Y",
        does: "copy the address, the row as JSON (OSC 52)",
        hints: &[hint(SERVICE, "y", "copy")],
    },
    Binding {
        keys: &[(Key::Char('d'), Action::Deregister)],
        label: "d",
        does: "deregister, or dismiss what is GONE; asks first (y, for several Y)",
        hints: &[hint(SERVICE, "d", "deregister")],
    },
    Binding {
        keys: &[
            (Key::Char('t'), Action::NextTheme),
            (Key::Char('m'), Action::Mouse),
            (Key::Ctrl('l'), Action::Repaint),
        ],
        label: "t m Ctrl-l",
        does: "next theme; mouse on or off; repaint",
        hints: &[],
    },
    Binding {
        keys: &[(Key::Char('?'), Action::Help), (Key::F1, Action::Help)],
        label: "? F1",
        does: "this help; / searches in it",
        hints: &[kept(ANYWHERE, "?", "help")],
    },
    Binding {
        keys: &[
            (Key::Char('q'), Action::Quit),
            (Key::Ctrl('c'), Action::Quit),
            (Key::Ctrl('z'), Action::Suspend),
        ],
        label: "q Ctrl-c Ctrl-z",
        does: "quit; suspend, and fg comes back",
        hints: &[kept(ANYWHERE, "q", "quit")],
    },
];
