//! Just enough Rust to tell code from comments, texts and tests.
//!
//! Not a parser: it blanks what is not code and keeps every line where it was, so that a rule about names is not
//! misled by a sentence that mentions one, nor a rule about SQL by a variable.

/// A source text taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The code, everything else blanked, line for line.
    pub code: String,
    /// String literals with the line they start on.
    pub strings: Vec<(usize, String)>,
}

/// Takes a source text apart; `#[cfg(test)]` items are left out of both halves.
#[must_use]
pub fn production(text: &str) -> Parts {
    let mut parts = parts(text);
    let mut dropped: Vec<(usize, usize)> = Vec::new();
    let mut from = 0;
    while let Some(at) = parts.code[from..].find("#[cfg(test)]").map(|i| from + i) {
        let end = end_of_item(&parts.code, at);
        dropped.push((line_of(&parts.code, at), line_of(&parts.code, end)));
        let blank: String = parts.code[at..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        parts.code.replace_range(at..end, &blank);
        from = at + blank.len();
    }
    parts.strings.retain(|(line, _)| !dropped.iter().any(|(a, b)| a <= line && line <= b));
    parts
}

/// Takes a source text apart, tests included.
#[must_use]
pub fn parts(text: &str) -> Parts {
    let mut lexer = Lexer { rest: text, line: 1, parts: Parts { code: String::new(), strings: Vec::new() } };
    while lexer.step() {}
    lexer.parts
}

/// The line, from 1, on which a byte stands.
#[must_use]
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Every place where `word` stands as a whole word, by byte.
pub fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = code[..*at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let opens = word.chars().next().is_some_and(part_of_word);
        let closes = word.chars().next_back().is_some_and(part_of_word);
        let joined_before = opens && before.is_some_and(part_of_word);
        let joined_after = closes && after.is_some_and(part_of_word);
        !joined_before && !joined_after
    })
}

fn end_of_item(code: &str, at: usize) -> usize {
    let mut depth = 0_usize;
    for (i, c) in code[at..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return at + i + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + i + 1,
            _ => {}
        }
    }
    code.len()
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    parts: Parts,
}

impl Lexer<'_> {
    /// Takes one comment, text or character; false at the end.
    fn step(&mut self) -> bool {
        let Some(c) = self.rest.chars().next() else { return false };
        if self.rest.starts_with("//") {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.blank(end);
        } else if self.rest.starts_with("/*") {
            self.blank(block_comment(self.rest));
        } else if let Some((open, close)) = raw_string(self.rest) {
            let end = self.rest[open..].find(&close).map_or(self.rest.len(), |i| open + i + close.len());
            self.string(open, end.saturating_sub(close.len()), end);
        } else if c == '"' {
            let end = plain_string(self.rest);
            self.string(1, end.saturating_sub(1), end);
        } else if let Some(end) = char_literal(self.rest) {
            self.blank(end);
        } else {
            // A word is taken whole, so that the `r` of `for"` is not read as the start of a raw string.
            let word =
                self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
            self.keep(if word == 0 { c.len_utf8() } else { word });
        }
        true
    }

    fn keep(&mut self, end: usize) {
        self.line += self.rest[..end].matches('\n').count();
        self.parts.code.push_str(&self.rest[..end]);
        self.rest = &self.rest[end..];
    }

    fn blank(&mut self, end: usize) {
        let blank: String = self.rest[..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        self.line += blank.matches('\n').count();
        self.parts.code.push_str(&blank);
        self.rest = &self.rest[end..];
    }

    fn string(&mut self, from: usize, to: usize, end: usize) {
        self.parts.strings.push((self.line, self.rest.get(from..to).unwrap_or_default().to_owned()));
        self.blank(end);
    }
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let bytes = text.as_bytes();
    let mut i = 0;
    while i + 1 < bytes.len() {
        match &bytes[i..i + 2] {
            b"/*" => {
                depth += 1;
                i += 2;
            }
            b"*/" => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    text.len()
}

/// Length of the opening and text of the closing quote of a raw string, when one starts here.
fn raw_string(text: &str) -> Option<(usize, String)> {
    let after =
        text.strip_prefix("br").or_else(|| text.strip_prefix("cr")).or_else(|| text.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then(|| {
        let open = text.len() - after.len() + hashes + 1;
        (open, format!("\"{}", "#".repeat(hashes)))
    })
}

fn plain_string(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut i = 1;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' => i += 2,
            b'"' => return i + 1,
            _ => i += 1,
        }
    }
    text.len()
}

/// Length of a character literal starting here; a lifetime is none.
fn char_literal(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    if let Some(escaped) = inside.strip_prefix('\\') {
        let first = escaped.chars().next()?.len_utf8();
        return escaped[first..].find('\'').map(|i| 2 + first + i + 1);
    }
    let c = inside.chars().next()?;
    inside[c.len_utf8()..].starts_with('\'').then(|| 1 + c.len_utf8() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_texts_are_blanked_and_lines_stay() {
        let text = "let a = \"SELECT 1\"; // automerge\n/* a /* b */ c\n*/ let b = 'x';\n";
        let parts = parts(text);
        assert_eq!(parts.code.lines().count(), text.lines().count());
        assert!(
            !parts.code.contains("automerge") && !parts.code.contains("SELECT") && !parts.code.contains('c')
        );
        assert!(parts.code.contains("let a =") && parts.code.contains("let b ="));
        assert_eq!(parts.strings, [(1, "SELECT 1".to_owned())]);
    }

    #[test]
    fn quotes_of_every_kind_end_where_they_end() {
        for text in [
            r####"f(r#"a " b"#, X)"####,
            r#"f("a \" b", X)"#,
            "f('\"', X)",
            "f('\\'', X)",
            "f('\\u{7da6}', X)",
            "f(b'\\\\', X)",
            "f(br\"a\\\", X)",
            "f::<'a>(\"綦\", X)",
        ] {
            let code = parts(text).code;
            assert!(code.ends_with(", X)"), "{text} became {code}");
        }
        assert_eq!(parts("for\"r\"").strings, [(1, "r".to_owned())], "the r of a word opens no raw string");
    }

    #[test]
    fn tests_are_left_out_and_what_follows_them_is_not() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { if true { c(\"d\") } }\n}\nfn e(x: &str) { f(\"g\") }\n";
        let parts = production(text);
        assert!(parts.code.contains("fn a") && parts.code.contains("fn e") && !parts.code.contains("fn b"));
        assert_eq!(parts.strings, [(6, "g".to_owned())]);
        let declared = production("#[cfg(test)]\nmod tests;\nfn e() {}");
        assert!(declared.code.contains("fn e") && !declared.code.contains("mod tests"));
    }

    #[test]
    fn a_word_is_found_whole() {
        let found = |code: &str| words(code, "warp").count();
        assert_eq!((found("use warp::Filter;"), found("let warped = unwarp();"), found("(warp)")), (1, 0, 1));
    }
}
