//! What text a person may put into a record.
//!
//! Text is stored as typed. It is refused, with the reason, when it is too long or
//! carries characters that no honest keyboard makes and that deceive a reader: control
//! characters, bidirectional overrides, unpaired formatting (C13).

/// Longest remark, in characters (precise rule 5).
pub const NOTE_CHARS_MAX: usize = 100;
/// Longest description of a hazard, of measures or of a reason, in characters.
pub const TEXT_CHARS_MAX: usize = 500;

/// Whether a character may stand in a text.
#[must_use]
pub fn is_plain(c: char) -> bool {
    let invisible = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
    let control = c.is_control() && c != '\n';
    !invisible && !control
}

/// What is wrong with a text, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFault {
    /// More characters than allowed.
    TooLong,
    /// A character that deceives a reader.
    NotPlain,
    /// Nothing but blanks where something must stand.
    Empty,
}

/// Checks an optional text.
#[must_use]
pub fn fault_of(text: &str, chars_max: usize) -> Option<TextFault> {
    if text.chars().count() > chars_max {
        Some(TextFault::TooLong)
    } else if text.chars().all(is_plain) {
        None
    } else {
        Some(TextFault::NotPlain)
    }
}

/// Checks a text that must say something.
#[must_use]
pub fn fault_of_required(text: &str, chars_max: usize) -> Option<TextFault> {
    if text.trim().is_empty() { Some(TextFault::Empty) } else { fault_of(text, chars_max) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_turns_its_reader_around_is_refused() {
        for bad in ["a\u{202e}b", "a\u{0}b", "a\u{200b}b", "\u{feff}a", "a\u{1b}[31m", "a\rb"] {
            assert_eq!(fault_of(bad, 100), Some(TextFault::NotPlain), "{bad:?}");
        }
        assert_eq!(fault_of("三楼楼梯间堆放杂物,\n已拍照。綦江", 100), None);
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        assert_eq!(fault_of(&"綦".repeat(100), 100), None);
        assert_eq!(fault_of(&"綦".repeat(101), 100), Some(TextFault::TooLong));
        assert_eq!(fault_of_required(" \n ", 100), Some(TextFault::Empty));
    }
}
