//! The icons of the pages: Font Awesome's drawings, found when this is compiled, as one sprite.

use font_awesome_as_a_crate::{Type, svg};

/// One drawing of the sprite.
pub(super) struct Icon {
    /// How `<use>` calls it: short, because every row does.
    pub(super) id: &'static str,
    /// The part of the drawing that is shown.
    pub(super) view_box: &'static str,
    /// Its outline.
    pub(super) path: &'static str,
}

/// The sprite. Square view boxes, so that all shapes have one size.
pub(super) const ICONS: [Icon; 8] = [
    icon("b", "heart-pulse", "0 0 512 512"),
    icon("u", "caret-up", "0 70 320 320"),
    icon("l", "diamond", "0 0 512 512"),
    icon("d", "caret-down", "0 122 320 320"),
    icon("x", "xmark", "0 96 320 320"),
    icon("r", "arrow-rotate-right", "0 0 512 512"),
    icon("t", "trash", "-32 0 512 512"),
    icon("n", "triangle-exclamation", "0 0 512 512"),
];

#[expect(
    clippy::panic,
    reason = "evaluated by the compiler only: a missing icon does not build"
)]
const fn icon(id: &'static str, name: &'static str, view_box: &'static str) -> Icon {
    match svg(Type::Solid, name) {
        Ok(text) => Icon {
            id,
            view_box,
            path: outline(text),
        },
        Err(_) => panic!("no such icon"),
    }
}

/// What stands between `<path d="` and the next quote.
#[expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "evaluated by the compiler only: a drawing of another form does not build"
)]
const fn outline(text: &'static str) -> &'static str {
    const OPENING: &[u8] = b"<path d=\"";
    let bytes = text.as_bytes();
    let mut from = 0;
    let mut matched = 0;
    while matched < OPENING.len() {
        matched = if bytes[from] == OPENING[matched] {
            matched + 1
        } else {
            0
        };
        from += 1;
    }
    let mut to = from;
    while bytes[to] != b'"' {
        to += 1;
    }
    let (before, _) = bytes.split_at(to);
    let (_, path) = before.split_at(from);
    match str::from_utf8(path) {
        Ok(path) => path,
        Err(_) => panic!("not UTF-8"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_is_one_outline() {
        for icon in ICONS {
            assert!(icon.path.starts_with('M'), "{}: {}", icon.id, icon.path);
            assert!(icon.path.ends_with('z'), "{}: {}", icon.id, icon.path);
        }
    }
}
