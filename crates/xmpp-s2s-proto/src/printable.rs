//! Text that may stand in a log line or on a terminal, whoever wrote it.

use std::fmt::Write as _;

/// Text of a peer, fit for a log line: escaped, and cut at 256 bytes.
pub fn printable(text: &str) -> String {
    escape(text, 256)
}

/// Text of ours for people who read XML, which may hold what a peer wrote: likewise, but cut at 1
/// KiB.
pub(crate) fn readable(text: &str) -> String {
    escape(text, 1024)
}

/// Escapes C0, C1 and bidi controls, and cuts at `limit` bytes.
pub(crate) fn escape(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit));
    for c in text.chars() {
        let start = out.len();
        if is_control(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
        if out.len() > limit {
            out.truncate(start);
            while out.len() > limit - '…'.len_utf8() {
                out.pop();
            }
            out.push('…');
            break;
        }
    }
    out
}

fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_text_is_escaped_and_cut() {
        assert_eq!(printable("a\r\nb\u{1b}[0m\u{202e}"), "a\\u{d}\\u{a}b\\u{1b}[0m\\u{202e}");
        for text in ["x".repeat(300), "ä".repeat(300), "\n".repeat(300)] {
            let cut = printable(&text);
            assert!(cut.len() <= 256 && cut.ends_with('…'), "{} {cut}", cut.len());
        }
        assert_eq!(printable(&"x".repeat(256)).len(), 256);
    }
}
