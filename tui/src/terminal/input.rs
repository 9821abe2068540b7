//! Keys and the end of the terminal, each waited for in a thread of its own.
//!
//! crossterm's event loop spins when a terminal vanishes without SIGHUP and never returns
//! (crossterm-rs/crossterm#793), so the vanishing is watched for outside of it. Of its two sources
//! of events we take the one that asks anew each time (`use-dev-tty`): the one on mio, to which the
//! kernel reports an edge once, forgets a key that comes with a new size, and what is left when a
//! read was full, until another key comes.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::Guard;
use crate::keymap::{Key, Pointer};

/// What the terminal reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(Key),
    /// The mouse, where it was asked for.
    Pointer(Pointer),
    /// Text that was pasted.
    Paste(String),
    /// A new size.
    Resize(u16, u16),
}

/// Reports keys and sizes until the terminal ends or `report` says false. Blocks its thread.
pub fn read_keys(mut report: impl FnMut(Input) -> bool) {
    while let Ok(event) = crossterm::event::read() {
        let inputs = match event {
            Event::Key(key) => keys(key).map(|key| key.map(Input::Key)),
            Event::Mouse(mouse) => [pointer(mouse).map(Input::Pointer), None],
            Event::Paste(text) => [Some(Input::Paste(text)), None],
            Event::Resize(columns, lines) => [Some(Input::Resize(columns, lines)), None],
            Event::FocusGained | Event::FocusLost => [None, None],
        };
        for input in inputs.into_iter().flatten() {
            if !report(input) {
                return;
            }
        }
    }
}

/// Escape and a key that follow each other closely arrive as one, as if Alt were held: over a
/// slow line they share a packet. Alt means nothing here, so they are two keys again.
fn keys(key: KeyEvent) -> [Option<Key>; 2] {
    if key.modifiers.contains(KeyModifiers::ALT) {
        [Some(Key::Esc), translate(key)]
    } else {
        [translate(key), None]
    }
}

fn pointer(mouse: MouseEvent) -> Option<Pointer> {
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => Some(Pointer::Press(mouse.column, mouse.row)),
        MouseEventKind::ScrollUp => Some(Pointer::WheelUp),
        MouseEventKind::ScrollDown => Some(Pointer::WheelDown),
        _ => None,
    }
}

/// Returns when the terminal has hung up. Blocks its thread and costs nothing meanwhile.
pub fn watch_for_hangup(guard: &Guard) {
    loop {
        // No flags asked for: only the hangup and errors, which are always reported (poll(2)).
        let mut watched = [PollFd::from_borrowed_fd(guard.fd(), PollFlags::empty())];
        match poll(&mut watched, None) {
            Err(Errno::INTR) => {}
            Ok(_) | Err(_) => return,
        }
    }
}

fn translate(key: KeyEvent) -> Option<Key> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let key = match key.code {
        KeyCode::Char(letter) if key.modifiers.contains(KeyModifiers::CONTROL) => {
            Key::Ctrl(letter.to_ascii_lowercase())
        }
        KeyCode::Char(character) => Key::Char(character),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Tab => Key::Tab,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::F(1) => Key::F1,
        _ => return None,
    };
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_and_a_key_in_one_packet_are_two_keys() {
        let key = KeyEvent::new(KeyCode::Char('r'), KeyModifiers::ALT);

        assert_eq!(keys(key), [Some(Key::Esc), Some(Key::Char('r'))]);
    }

    #[test]
    fn ctrl_and_a_letter_is_one_key() {
        let key = KeyEvent::new(KeyCode::Char('D'), KeyModifiers::CONTROL);

        assert_eq!(keys(key), [Some(Key::Ctrl('d')), None]);
    }
}
