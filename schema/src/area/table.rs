//! The 21 街镇 of the programme with their 79 communities and 302 villages, and the ten that are not in it.
//!
//! The tables are data (`schema/policy/area-500110/`); a test holds them against the annexes.

use std::sync::LazyLock;

use super::{AreaCode, AreaError, AreaKind, StreetCode};

/// A street or town (街镇) of the programme.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Street {
    /// Its code.
    pub code: StreetCode,
    /// Its name, unique in the district.
    pub name: &'static str,
    /// Its row in the annexes, from 1: the order of every table that goes to leaders.
    pub row_no: u8,
    /// How many communities (居委会) it has.
    pub community_count: usize,
    /// How many villages (村委会) it has.
    pub village_count: usize,
}

/// A community or village (社区/村) of the programme.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Community {
    /// Its code.
    pub code: AreaCode,
    /// Its name; several share one, so it is a label, never a key.
    pub name: &'static str,
    /// Which of the two, by code.
    pub kind: AreaKind,
}

struct Tables {
    /// By row of the annexes.
    streets: Vec<Street>,
    /// The ten of 万盛经开区.
    outside: Vec<(StreetCode, &'static str)>,
    /// By code, and therefore by street.
    communities: Vec<Community>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut tables = Tables { streets: Vec::new(), outside: Vec::new(), communities: Vec::new() };
    for [code, name, row, communities, villages] in rows(include_str!("../../policy/area-500110/streets.csv"))
    {
        let code = code.parse().expect("nine digits, held by a test");
        match row.parse() {
            Err(_) => tables.outside.push((code, name)),
            Ok(row_no) => tables.streets.push(Street {
                code,
                name,
                row_no,
                community_count: communities.parse().expect("a number, held by a test"),
                village_count: villages.parse().expect("a number, held by a test"),
            }),
        }
    }
    for [code, name] in rows(include_str!("../../policy/area-500110/communities.csv")) {
        let code: AreaCode = code.parse().expect("twelve digits, held by a test");
        let kind = code.kind().expect("001–399, held by a test");
        tables.communities.push(Community { code, name, kind });
    }
    tables.streets.sort_by_key(|street| street.row_no);
    tables.communities.sort_by_key(|community| community.code);
    tables
});

/// The rows of a table: `#` opens a remark, commas separate, no value carries one.
fn rows<const N: usize>(text: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let values: Vec<&str> = line.split(',').collect();
        values.try_into().expect("every row has every column, held by a test")
    })
}

/// The 21 街镇, in the order of the annexes.
#[must_use]
pub fn streets() -> &'static [Street] {
    &TABLES.streets
}

/// The street with this code.
///
/// # Errors
/// [`AreaError::OutsideProgramme`] for the ten of 万盛经开区, [`AreaError::Unknown`] for every other code.
pub fn street(code: StreetCode) -> Result<&'static Street, AreaError> {
    if let Some(street) = TABLES.streets.iter().find(|street| street.code == code) {
        return Ok(street);
    }
    Err(refusal(|outside| outside.0 == code, &code.to_string()))
}

/// The street with this name, blanks around it ignored.
///
/// # Errors
/// [`AreaError::OutsideProgramme`] for the ten of 万盛经开区, [`AreaError::Unknown`] for every other name.
pub fn street_named(name: &str) -> Result<&'static Street, AreaError> {
    let name = name.trim();
    if let Some(street) = TABLES.streets.iter().find(|street| street.name == name) {
        return Ok(street);
    }
    Err(refusal(|outside| outside.1 == name, name))
}

fn refusal(matches: impl Fn(&(StreetCode, &str)) -> bool, text: &str) -> AreaError {
    match TABLES.outside.iter().find(|outside| matches(outside)) {
        Some((code, name)) => AreaError::OutsideProgramme { code: *code, name },
        None => AreaError::Unknown(text.to_owned()),
    }
}

/// The communities and villages of a street, by code; empty for a street outside the programme.
#[must_use]
pub fn communities_of(street: StreetCode) -> &'static [Community] {
    let all = &TABLES.communities;
    let start = all.partition_point(|community| community.code.street() < street);
    let end = all.partition_point(|community| community.code.street() <= street);
    &all[start..end]
}

/// The community or village with this code.
///
/// # Errors
/// [`AreaError::OutsideProgramme`] when its street is one of the ten of 万盛经开区, [`AreaError::Unknown`] otherwise.
pub fn community(code: AreaCode) -> Result<&'static Community, AreaError> {
    street(code.street())?;
    let at = TABLES.communities.binary_search_by_key(&code, |community| community.code);
    at.map(|i| &TABLES.communities[i]).map_err(|_| AreaError::Unknown(code.to_string()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::DISTRICT;
    use super::*;

    /// Rows of annexes 2 and 3: street, communities, villages.
    const ANNEXES: [(&str, usize, usize); 21] = [
        ("古南街道", 12, 11),
        ("文龙街道", 13, 7),
        ("三江街道", 6, 18),
        ("新盛街道", 1, 8),
        ("通惠街道", 6, 7),
        ("石角镇", 2, 32),
        ("东溪镇", 4, 20),
        ("赶水镇", 5, 21),
        ("打通镇", 6, 11),
        ("石壕镇", 5, 15),
        ("永新镇", 3, 30),
        ("三角镇", 2, 19),
        ("隆盛镇", 1, 17),
        ("郭扶镇", 1, 21),
        ("篆塘镇", 2, 14),
        ("丁山镇", 1, 7),
        ("安稳镇", 5, 10),
        ("扶欢镇", 1, 15),
        ("永城镇", 1, 8),
        ("中峰镇", 1, 5),
        ("横山镇", 1, 6),
    ];

    fn code(number: u32) -> StreetCode {
        StreetCode::new(number).expect("nine digits")
    }

    #[test]
    fn streets_and_their_counts_equal_the_annexes_row_by_row() {
        let rows: Vec<_> = streets().iter().map(|s| (s.name, s.community_count, s.village_count)).collect();
        assert_eq!(rows, ANNEXES);
        let numbers: Vec<u8> = streets().iter().map(|s| s.row_no).collect();
        assert_eq!(numbers, (1..=21).collect::<Vec<_>>());
    }

    #[test]
    fn communities_and_villages_listed_equal_the_counts() {
        let count =
            |street: &Street, kind| communities_of(street.code).iter().filter(|c| c.kind == kind).count();
        for s in streets() {
            let listed = (count(s, AreaKind::Community), count(s, AreaKind::Village));
            assert_eq!(listed, (s.community_count, s.village_count), "{}", s.name);
        }
        assert_eq!(streets().iter().map(|s| s.community_count).sum::<usize>(), 79);
        assert_eq!(streets().iter().map(|s| s.village_count).sum::<usize>(), 302);
    }

    #[test]
    fn nineteen_villages_are_called_a_community_and_are_none() {
        let misnamed =
            TABLES.communities.iter().filter(|c| c.kind == AreaKind::Village && c.name.contains("社区"));
        assert_eq!(misnamed.count(), 19);
    }

    #[test]
    fn a_street_is_found_by_code_and_by_its_only_name() {
        let names: BTreeSet<&str> = streets().iter().map(|s| s.name).collect();
        assert_eq!(names.len(), 21);
        for s in streets() {
            assert_eq!(street(s.code), Ok(s));
            assert_eq!(street_named(&format!(" {} ", s.name)), Ok(s));
            assert_eq!(s.code.district(), DISTRICT);
        }
    }

    #[test]
    fn the_ten_of_wansheng_are_refused_by_code_and_by_name_and_the_error_says_why() {
        assert_eq!(TABLES.outside.len(), 10);
        for (code, name) in &TABLES.outside {
            let by_code = street(*code).expect_err("outside");
            assert_eq!(by_code, street_named(name).expect_err("outside"));
            assert_eq!(by_code, AreaError::OutsideProgramme { code: *code, name });
            assert!(by_code.to_string().contains("万盛经开区"), "{by_code}");
            let inside = AreaCode::new(u64::from(code.number()) * 1_000 + 1).expect("twelve digits");
            assert_eq!(community(inside).expect_err("outside"), by_code);
            assert!(communities_of(*code).is_empty());
        }
        assert!(matches!(
            street(code(500_110_004)),
            Err(AreaError::OutsideProgramme { name: "万盛街道", .. })
        ));
    }

    #[test]
    fn what_is_unknown_is_refused_without_a_guess() {
        assert_eq!(
            street(code(500_110_122)),
            Err(AreaError::Unknown("500110122".to_owned())),
            "a code that was skipped"
        );
        assert_eq!(
            street(code(500_222_001)),
            Err(AreaError::Unknown("500222001".to_owned())),
            "the county of old"
        );
        assert!(matches!(street_named("古南"), Err(AreaError::Unknown(_))));
        assert!(matches!(street_named(""), Err(AreaError::Unknown(_))));
    }

    #[test]
    fn a_community_is_found_by_code_because_names_repeat() {
        let liang_lu = AreaCode::new(500_110_001_213).expect("twelve digits");
        let found = community(liang_lu).expect("in the programme");
        assert_eq!((found.name, found.kind), ("两路社区村民委员会", AreaKind::Village));
        let names: BTreeSet<&str> = TABLES.communities.iter().map(|c| c.name).collect();
        assert!(names.len() < TABLES.communities.len(), "names repeat");
        let unknown = AreaCode::new(500_110_001_199).expect("twelve digits");
        assert!(matches!(community(unknown), Err(AreaError::Unknown(_))));
    }
}
