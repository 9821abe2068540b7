//! What strace wrote, as calls with a beginning and an end.

use std::collections::HashMap;

/// One system call.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) name: &'a str,
    /// Everything behind the bracket, up to the result or to where strace broke the line.
    arguments: &'a str,
    pub(super) begun: usize,
    /// None: it never came back, because the daemon was killed.
    pub(super) ended: Option<usize>,
    /// What it answered; negative for an error.
    pub(super) result: i64,
}

/// A call begins, or ends. The place in the list is the time.
#[derive(Debug, Clone, Copy)]
pub(super) enum Moment {
    Begin(usize),
    End(usize),
}

const UNFINISHED: &str = " <unfinished ...>";

/// All calls of a trace, and the order of their beginnings and ends.
pub(super) fn calls(text: &str) -> (Vec<Call<'_>>, Vec<Moment>) {
    let (mut calls, mut moments) = (Vec::new(), Vec::new());
    let mut open: HashMap<&str, usize> = HashMap::new();
    for line in text.lines() {
        let (thread, rest) = line.split_once(' ').unwrap();
        let rest = rest.trim_start();
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        if let Some(end) = rest.strip_prefix("<... ") {
            let call = open.remove(thread).expect("the call has begun");
            finish(&mut calls[call], &mut moments, call, end);
            continue;
        }
        let (name, arguments) = rest.split_once('(').expect("a call");
        let call = calls.len();
        let unfinished = arguments.split_once(UNFINISHED);
        calls.push(Call {
            name,
            arguments: unfinished.map_or(arguments, |(begin, _)| begin),
            begun: moments.len(),
            ended: None,
            result: -1,
        });
        moments.push(Moment::Begin(call));
        if unfinished.is_some() {
            open.insert(thread, call);
        } else {
            finish(&mut calls[call], &mut moments, call, arguments);
        }
    }
    (calls, moments)
}

/// Reads the result, ` = 24` at the end of a line; ` = ?` is that of a call that was killed.
fn finish(call: &mut Call<'_>, moments: &mut Vec<Moment>, number: usize, end: &str) {
    let result = end.rsplit_once(" = ").expect("a result").1;
    let result = result.split(' ').next().unwrap();
    if result == "?" {
        return;
    }
    call.result = result
        .parse()
        .unwrap_or_else(|_| panic!("{}: result {result}", call.name));
    call.ended = Some(moments.len());
    moments.push(Moment::End(number));
}

impl Call<'_> {
    /// The first argument, where it is a descriptor.
    pub(super) fn descriptor(&self) -> i64 {
        self.number(0)
    }

    /// The argument at this place, counted without regard to what stands in strings.
    pub(super) fn number(&self, place: usize) -> i64 {
        let text = self.argument(place);
        text.parse()
            .unwrap_or_else(|_| panic!("{}: argument {text}", self.name))
    }

    /// Strings are in hexadecimal digits, so no comma in them leads astray.
    pub(super) fn argument(&self, place: usize) -> &str {
        let end = self.arguments.rfind(") ").unwrap_or(self.arguments.len());
        let arguments = self.arguments.get(..end).unwrap();
        arguments.split(", ").nth(place).unwrap()
    }

    /// The string at this place among the strings.
    pub(super) fn text(&self, place: usize) -> String {
        let text = self.arguments.split('"').nth(2 * place + 1).unwrap();
        String::from_utf8(unhex(text)).unwrap()
    }

    /// The bytes of all strings, one behind the other.
    pub(super) fn bytes(&self) -> Vec<u8> {
        assert!(!self.arguments.contains("\"..."), "strace cut a string off");
        let strings = self.arguments.split('"').skip(1).step_by(2);
        strings.flat_map(unhex).collect()
    }

    /// Whether the bytes begin with these digits, such as `\x48\x54`.
    pub(super) fn begins_with(&self, digits: &str) -> bool {
        let first = self.arguments.split('"').nth(1);
        first.is_some_and(|text| text.starts_with(digits))
    }
}

/// `\x48\x54` is `HT`.
fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => panic!("strace wrote {text}"),
    };
    let bytes = text.as_bytes().chunks_exact(4);
    bytes.map(|x| digit(x[2]) << 4 | digit(x[3])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_is_interrupted_by_another_thread_ends_where_it_is_resumed() {
        // strace pads the number of a thread to five places.
        let text = "7     pwrite64(12, \"\\x61\\x62\", 2, 4096 <unfinished ...>\n\
                    8 fsync(13)                         = 0\n\
                    7 <... pwrite64 resumed>)           = 2\n\
                    7 --- SIGTERM {si_signo=SIGTERM} ---\n\
                    7 fsync(12 <unfinished ...>) = ?\n\
                    7 +++ killed by SIGKILL +++\n";

        let (calls, moments) = calls(text);

        let times: Vec<_> = calls.iter().map(|call| (call.begun, call.ended)).collect();
        assert_eq!(times, [(0, Some(3)), (1, Some(2)), (4, None)]);
        assert_eq!(moments.len(), 5);
        let write = &calls[0];
        assert_eq!((write.descriptor(), write.number(3)), (12, 4096));
        assert_eq!((write.bytes(), write.result), (b"ab".to_vec(), 2));
        assert_eq!(calls[2].descriptor(), 12);
    }

    #[test]
    fn the_pieces_of_a_gathered_write_are_one_text() {
        let text = "7 writev(16, [{iov_base=\"\\x48\\x54\", iov_len=2}, {iov_base=\"\\x54\", iov_len=1}], 2) = 3\n";

        let (calls, _) = calls(text);

        assert_eq!(calls[0].bytes(), b"HTT");
        assert!(calls[0].begins_with("\\x48\\x54"));
    }
}
