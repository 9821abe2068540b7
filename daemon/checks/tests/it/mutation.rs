//! Inputs made from others: cut, joined, repeated and spiced with what parsers stumble over.

/// What is put into inputs: pieces of every syntax that is read, and characters that hide.
const PIECES: &[&str] = &[
    "%",
    "%2F",
    "%25",
    "%00",
    "%ff",
    "%C3%A9",
    "/",
    "//",
    "..",
    "/../",
    "?",
    "#",
    "&",
    "=",
    "+",
    ";",
    ":",
    "::",
    "[",
    "]",
    "[::1]",
    ":80",
    ":0",
    ":65536",
    "@",
    "%eth0",
    "0x",
    "127.1",
    ".",
    "-",
    "_",
    "{",
    "}",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "null",
    "true",
    "1e999",
    "-1",
    "0",
    "9007199254740993",
    "18446744073709551616",
    "[]",
    "{}",
    ",",
    "\"name\":",
    "\"ip\":",
    "ttl_s=",
    "tags=",
    "name=a",
    "\u{0}",
    "\u{1b}[2J",
    "\u{1b}]52;c;",
    "\u{7}",
    "\r",
    "\n",
    "\t",
    " ",
    "\u{7f}",
    "\u{9b}",
    "\u{a0}",
    "\u{ad}",
    "\u{200b}",
    "\u{200d}",
    "\u{202e}",
    "\u{2028}",
    "\u{2066}",
    "\u{3164}",
    "\u{34f}",
    "\u{fe0f}",
    "\u{feff}",
    "\u{e0041}",
    "\u{e000}",
    "\u{378}",
    "\u{301}",
    "\u{308}",
    "u\u{308}",
    "\u{1100}\u{1161}\u{11a8}",
    "\u{fb2c}",
    "日本",
    "שלום",
    "👩\u{200d}👧",
    "ä",
    "<script>",
    "'",
    "{{7*7}}",
    "Host: a",
    "\nHost: localhost",
    "\nOrigin: http://localhost",
    "\nSec-Fetch-Site: cross-site",
    "1.0",
    "1.1",
    "http://",
    "https://",
    "60s",
    "500ms",
    "Z",
    "+00:00",
    "T",
    "|",
    "~n",
    "~i",
    "~r",
    "~b",
    "NaN",
    "inf",
];

/// A small generator (`SplitMix64`); the same seed gives the same inputs.
pub(crate) struct Mutation(u64);

impl Mutation {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit.max(1) as u64).unwrap()
    }

    /// One of these inputs, changed one to six times.
    pub(crate) fn of(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(6) {
            self.change(&mut bytes, seeds);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        let end = (at + 1 + self.below(8)).min(bytes.len());
        match self.below(8) {
            0..=2 => {
                let piece = PIECES[self.below(PIECES.len())];
                bytes.splice(at..at, piece.bytes());
            }
            3 => {
                let piece = PIECES[self.below(PIECES.len())];
                bytes.splice(at..end.max(at), piece.bytes());
            }
            4 => drop(bytes.drain(at..end.max(at))),
            5 => {
                let part = bytes[at..end.max(at)].to_vec();
                let times = 1 + self.below(40);
                bytes.splice(at..at, part.repeat(times));
            }
            6 => {
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => {
                let byte = u8::try_from(self.below(256)).unwrap();
                if let Some(old) = bytes.get_mut(at) {
                    *old = byte;
                }
            }
        }
    }
}
