//! One spelling for what people write in many (归一化写法): names of compounds and buildings as they are compared.
//!
//! Full-width becomes half-width, capitals small, Chinese numerals digits, 幢, 号楼, 座
//! and # become 栋, blanks and punctuation go. A number stands between bars and without
//! leading zeros, so that whole numbers can be told from parts of numbers.

/// Before and after every number.
const BAR: char = '|';

/// The normalised text, every number whole.
#[must_use]
pub fn closed(text: &str) -> String {
    barred(&words(&digits(&narrow(text))))
}

/// What must occur of a word typed: its parts, each number beginning a new one, for people leave out what
/// stands between a compound's first characters and the number of the building.
#[must_use]
pub fn parts(word: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut number = false;
    for c in closed(word).chars() {
        let opens = c == BAR && !number;
        number = if c == BAR { opens } else { number };
        match parts.last_mut() {
            Some(part) if !opens => *part = format!("{part}{c}"),
            _ => parts.push(c.to_string()),
        }
    }
    parts
}

/// A part whose last number may go on: what somebody has typed so far.
#[must_use]
pub fn open(part: &str) -> &str {
    part.strip_suffix(BAR).unwrap_or(part)
}

/// Half-width, small letters.
fn narrow(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => {
                char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c).to_ascii_lowercase()
            }
            '\u{3000}' => ' ',
            _ => c.to_ascii_lowercase(),
        })
        .collect()
}

fn numeral(c: char) -> Option<u64> {
    let at = "零一二三四五六七八九".chars().position(|n| n == c);
    match c {
        '〇' => Some(0),
        '两' => Some(2),
        _ => at.and_then(|n| u64::try_from(n).ok()),
    }
}

fn is_numeral(c: char) -> bool {
    numeral(c).is_some() || matches!(c, '十' | '百')
}

/// Chinese numerals as digits: by place where 十 or 百 stands among them, one by one otherwise.
fn digits(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run: String = rest.chars().take_while(|c| is_numeral(*c)).collect();
        if run.is_empty() {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        rest = &rest[run.len()..];
        if run.contains(['十', '百']) {
            out.push_str(&by_place(&run).to_string());
        } else {
            run.chars().filter_map(numeral).for_each(|n| out.push_str(&n.to_string()));
        }
    }
    out
}

fn by_place(run: &str) -> u64 {
    let (mut sum, mut last) = (0, None);
    for c in run.chars() {
        match c {
            '十' => sum += last.take().unwrap_or(1) * 10,
            '百' => sum += last.take().unwrap_or(1) * 100,
            _ => last = numeral(c),
        }
    }
    sum + last.unwrap_or(0)
}

/// The words for a building behind its number or letter.
fn words(text: &str) -> String {
    let mut text: String = text.split_whitespace().collect();
    for spelling in ["号楼", "号栋", "#楼", "#栋", "栋楼", "幢", "座", "#"] {
        text = text.replace(spelling, "栋");
    }
    text
}

fn barred(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run: usize = rest.chars().take_while(char::is_ascii_digit).count();
        if run > 0 {
            let number = rest[..run].trim_start_matches('0');
            out.push(BAR);
            out.push_str(if number.is_empty() { "0" } else { number });
            out.push(BAR);
            rest = &rest[run..];
            continue;
        }
        if first.is_alphanumeric() {
            out.push(first);
        }
        rest = &rest[first.len_utf8()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_building_has_one_spelling() {
        for text in ["3栋", "3幢", "３栋", "三栋", "3号楼", "三号楼", "3 座", "3#", "3＃楼", "03栋", "3#栋"]
        {
            assert_eq!(closed(text), "|3|栋", "{text}");
        }
        assert_eq!(closed("Ａ座"), "a栋");
    }

    #[test]
    fn chinese_numerals_are_read_by_place_or_one_by_one() {
        for (text, number) in [
            ("十", 10),
            ("十二", 12),
            ("二十", 20),
            ("二十一", 21),
            ("一百零三", 103),
            ("一百一十", 110),
            ("二〇二〇", 2020),
        ] {
            assert_eq!(closed(text), format!("|{number}|"), "{text}");
        }
    }

    #[test]
    fn a_number_typed_so_far_is_open_at_its_end() {
        assert_eq!(open("|1|"), "|1");
        assert!(closed("翠屏12栋").contains(open(&closed("1"))));
        assert!(!closed("翠屏12栋").contains(open(&closed("2栋"))));
    }

    #[test]
    fn every_number_begins_a_part_of_its_own() {
        assert_eq!(parts("翠屏2#"), ["翠屏", "|2|栋"]);
        assert_eq!(parts("500110001-000123"), ["|500110001|", "|123|"]);
        assert_eq!(parts("二期A区"), ["|2|期a区"]);
        assert!(parts(" - ").is_empty());
    }

    #[test]
    fn blanks_and_punctuation_do_not_matter() {
        assert_eq!(closed("古南街道(一期)·A 区"), "古南街道|1|期a区");
        assert_eq!(closed(" - "), "");
    }
}
