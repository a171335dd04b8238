//! What a cell says: numbers, words of a list, places; read generously, never guessed at.
//!
//! Full-width digits, units and 约 are understood; what is not is a fault with its reason, and the line is not taken.

use louan_schema::area;
use louan_schema::area::StreetCode;
use louan_schema::code::{BuildingUse, Datum, HeightSource, Management, RegistryState};

/// Tallest building there is, in centimetres, and somewhat more.
const HEIGHT_CM_MAX: f64 = 100_000.0;
/// Most storeys there are, and somewhat more.
const STOREYS_MAX: f64 = 250.0;

/// Half-width, without blanks.
fn narrow(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            '。' => '.',
            other => other,
        })
        .collect()
}

/// A number with what people write around it.
fn number(text: &str, units: &[&str]) -> Option<f64> {
    let text = narrow(text).to_lowercase();
    let text = ["约", "大约"].iter().find_map(|word| text.strip_prefix(word)).unwrap_or(&text);
    let text = units.iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(text);
    // What a float may be besides digits (nan, inf, 1e9) is no number that a person writes.
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

/// A height in metres as centimetres.
///
/// # Errors
/// Why it is none.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded above and below")]
pub fn height_cm(text: &str) -> Result<u32, String> {
    let metres =
        number(text, &["米", "m", "公尺"]).ok_or_else(|| format!("高度“{}”不是数字", shown(text)))?;
    let cm = (metres * 100.0).round();
    if cm > 0.0 && cm <= HEIGHT_CM_MAX {
        Ok(cm as u32)
    } else {
        Err(format!("高度“{}”不在 0 至 1000 米之间", shown(text)))
    }
}

/// A number of storeys.
///
/// # Errors
/// Why it is none.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded above and below")]
pub fn storeys(text: &str) -> Result<u16, String> {
    let wrong = || format!("层数“{}”不是 1 至 250 的整数", shown(text));
    let storeys = number(text, &["层", "f", "楼"]).ok_or_else(wrong)?;
    let fits = (1.0..=STOREYS_MAX).contains(&storeys) && storeys.fract() == 0.0;
    if fits { Ok(storeys as u16) } else { Err(wrong()) }
}

/// A coordinate in degrees.
///
/// # Errors
/// Why it is none.
pub fn degrees(text: &str, title: &str, max: f64) -> Result<f64, String> {
    let degrees = number(text, &["°", "度"]).filter(|degrees| degrees.abs() <= max);
    degrees.ok_or_else(|| format!("{title}“{}”不是以度为单位的数字", shown(text)))
}

/// A 街镇 by name or code.
///
/// # Errors
/// Why it is none; the ten of 万盛经开区 are said to be outside the programme (AMB-22).
pub fn street(text: &str) -> Result<StreetCode, String> {
    let text = narrow(text);
    let text = text.strip_suffix("办事处").or(text.strip_suffix("人民政府")).unwrap_or(&text);
    let found = match text.parse::<StreetCode>() {
        Ok(code) => area::street(code),
        Err(_) => area::street_named(text),
    };
    let short = || {
        let mut named = area::streets().iter().filter(|street| {
            street.name.strip_suffix("街道").or(street.name.strip_suffix("镇")) == Some(text)
        });
        named.next().filter(|_| named.next().is_none()).map(|street| street.code)
    };
    match found {
        Ok(street) => Ok(street.code),
        Err(area::AreaError::OutsideProgramme { name, .. }) => {
            Err(format!("{name}由万盛经开区管理，不在本次整治的 21 个街镇之内"))
        }
        Err(_) => short().ok_or_else(|| format!("没有“{}”这个街镇", shown(text))),
    }
}

/// A community or village of a street, by name or code.
///
/// # Errors
/// Why it is none.
pub fn community(text: &str, street: StreetCode) -> Result<u64, String> {
    let text = narrow(text);
    let all = area::communities_of(street);
    if let Ok(number) = text.parse::<u64>() {
        let known = all.iter().any(|community| community.code.number() == number);
        return if known {
            Ok(number)
        } else {
            Err(format!("本街镇没有代码为“{}”的社区或村", shown(&text)))
        };
    }
    let short = |name: &str| {
        let plain =
            ["社区居委会", "村委会", "居委会", "社区", "村"].iter().find_map(|end| name.strip_suffix(end));
        plain.unwrap_or(name).to_owned()
    };
    let exact: Vec<_> = all.iter().filter(|community| community.name == text).collect();
    let near: Vec<_> = all.iter().filter(|community| short(community.name) == short(&text)).collect();
    match (exact.as_slice(), near.as_slice()) {
        ([one], _) | ([], [one]) => Ok(one.code.number()),
        ([], []) => Err(format!("本街镇没有“{}”这个社区或村", shown(&text))),
        _ => Err(format!("本街镇有几个叫“{}”的社区或村，请填写 12 位代码", shown(&text))),
    }
}

/// What a building is used for.
///
/// # Errors
/// Why it is nothing.
pub fn building_use(text: &str) -> Result<BuildingUse, String> {
    let text = narrow(text);
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["商住", "综合", "混合", "底商"]) {
        Ok(BuildingUse::Mixed)
    } else if has(&["住宅", "居住", "公寓"]) && !has(&["公寓式酒店", "酒店式公寓"]) {
        Ok(BuildingUse::Residential)
    } else if has(&["公共", "公建", "办公", "商业", "酒店", "宾馆", "医院", "学校", "写字楼", "商场"])
    {
        Ok(BuildingUse::Public)
    } else {
        Err(format!("使用性质“{}”无法识别，请填写住宅、公共或商住混合", shown(&text)))
    }
}

/// Where a height comes from; an empty cell says nothing.
///
/// # Errors
/// Why it is nothing.
pub fn height_source(text: &str) -> Result<HeightSource, String> {
    let text = narrow(text);
    let found = HeightSource::ALL.iter().find(|source| source.label() == text || source.as_str() == text);
    match (found, text.as_str()) {
        (Some(source), _) => Ok(*source),
        (None, "") => Ok(HeightSource::Unknown),
        (None, "推算" | "估算" | "按层数推算") => Ok(HeightSource::Storeys),
        (None, "测量") => Ok(HeightSource::Measured),
        (None, "设计图纸" | "竣工图") => Ok(HeightSource::Drawing),
        (None, other) => Err(format!("高度来源“{}”无法识别，请填写图纸、实测、层数推算或未知", shown(other))),
    }
}

/// How a compound is managed, from what stands under management and under the manager's name.
///
/// # Errors
/// Why it is nothing.
pub fn management(text: &str, manager: &str) -> Result<Management, String> {
    let text = narrow(text);
    match text.as_str() {
        "" => Ok(match narrow(manager).as_str() {
            "" | "无" | "/" | "-" => Management::Unmanaged,
            name if name.contains("物业") => Management::PropertyCompany,
            _ => Management::SelfManaged,
        }),
        "有" | "有物业" | "物业" | "物业服务企业" | "物业公司" | "专业物业" => {
            Ok(Management::PropertyCompany)
        }
        "自管" | "其他管理单位或自管" | "业主自管" | "单位自管" | "业委会" => {
            Ok(Management::SelfManaged)
        }
        "无" | "无物业" | "无管理单位" => Ok(Management::Unmanaged),
        other => Err(format!("管理方式“{}”无法识别，请填写物业服务企业、自管或无", shown(other))),
    }
}

/// A datum by the names in use.
///
/// # Errors
/// Why it is none: a position without its datum is worth nothing, it may be 500 m off.
pub fn datum(text: &str) -> Result<Datum, String> {
    let plain: String = narrow(text).to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    match plain.as_str() {
        "wgs84" | "gps" | "epsg4326" => Ok(Datum::Wgs84),
        "cgcs2000" | "国家2000" | "2000国家大地坐标系" | "大地2000" | "天地图" | "epsg4490" => {
            Ok(Datum::Cgcs2000)
        }
        "gcj02" | "高德" | "腾讯" | "火星坐标" | "火星" | "高德坐标" => Ok(Datum::Gcj02),
        "bd09" | "bd09ll" | "百度" | "百度坐标" => Ok(Datum::Bd09),
        _ => Err(format!("坐标系“{}”无法识别，请填写 WGS84、CGCS2000、GCJ02 或 BD09", shown(text))),
    }
}

/// Where a building stands in the registry.
///
/// # Errors
/// Why it is nothing: a demolished building misspelt must not be taken for one that stands.
pub fn registry_state(text: &str) -> Result<RegistryState, String> {
    let text = narrow(text);
    let found = RegistryState::ALL.iter().find(|state| state.label() == text || state.as_str() == text);
    match (found, text.as_str()) {
        (Some(state), _) => Ok(*state),
        (None, "注销" | "已拆除" | "拆除") => Ok(RegistryState::Retired),
        (None, "待核实" | "未建账" | "未建档" | "未登记") => Ok(RegistryState::Unverified),
        (None, "建账" | "已建档" | "已登记") => Ok(RegistryState::Registered),
        (None, other) => {
            Err(format!("建账状态“{}”无法识别，请填写已建账、待核、非高层或已注销", shown(other)))
        }
    }
}

/// A cell's text as quoted in a reason: its beginning.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(20).collect();
    if text.chars().count() > 20 {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, cm) in
            [("54.5", 5_450), ("５４．５米", 5_450), ("约 27 m", 2_700), ("27.01", 2_701), ("99.995", 10_000)]
        {
            assert_eq!(height_cm(text), Ok(cm), "{text}");
        }
        for text in ["", "高", "0", "-3", "1e9", "nan", "inf", "12-15", "1001", "54,5"] {
            assert!(height_cm(text).is_err(), "{text}");
        }
        for (text, n) in [("18", 18), ("18层", 18), ("１８Ｆ", 18), ("33.0", 33)] {
            assert_eq!(storeys(text), Ok(n), "{text}");
        }
        for text in ["0", "18.5", "-1", "251", "十八"] {
            assert!(storeys(text).is_err(), "{text}");
        }
    }

    #[test]
    fn streets_are_known_by_name_short_name_and_code_and_the_ten_are_refused() {
        for text in ["古南街道", "古南", "古南街道办事处", " 古 南 街 道 ", "500110001"] {
            assert_eq!(street(text).map(|code| code.number()), Ok(500_110_001), "{text}");
        }
        assert!(street("万盛街道").is_err_and(|reason| reason.contains("万盛经开区")));
        assert!(street("南京路").is_err_and(|reason| reason.contains("没有“南京路”")));
    }

    #[test]
    fn a_community_is_one_of_its_street() {
        let street = street("古南街道").expect("a street");
        let some = &area::communities_of(street)[0];
        assert_eq!(community(some.name, street), Ok(some.code.number()));
        assert_eq!(community(&some.code.number().to_string(), street), Ok(some.code.number()));
        assert!(community("没有的社区", street).is_err());
    }

    #[test]
    fn words_of_lists_have_many_spellings() {
        for (text, wanted) in [
            ("住宅", BuildingUse::Residential),
            ("高层住宅", BuildingUse::Residential),
            ("商住楼", BuildingUse::Mixed),
            ("底商住宅", BuildingUse::Mixed),
            ("写字楼", BuildingUse::Public),
            ("酒店式公寓", BuildingUse::Public),
        ] {
            assert_eq!(building_use(text), Ok(wanted), "{text}");
        }
        assert!(building_use("其他").is_err());
        for (text, manager, wanted) in [
            ("", "示例物业服务公司", Management::PropertyCompany),
            ("", "示例单位后勤处", Management::SelfManaged),
            ("", "无", Management::Unmanaged),
            ("无物业", "", Management::Unmanaged),
            ("自管", "", Management::SelfManaged),
        ] {
            assert_eq!(management(text, manager), Ok(wanted), "{text}/{manager}");
        }
        for (text, wanted) in [
            ("WGS-84", Datum::Wgs84),
            ("高德", Datum::Gcj02),
            ("BD09", Datum::Bd09),
            ("国家 2000", Datum::Cgcs2000),
        ] {
            assert_eq!(datum(text), Ok(wanted), "{text}");
        }
        assert!(datum("").is_err());
        for state in RegistryState::ALL {
            assert_eq!(registry_state(state.label()), Ok(*state), "an export is understood");
        }
        for text in ["注销", "已 拆除"] {
            assert_eq!(registry_state(text), Ok(RegistryState::Retired), "{text}");
        }
        assert!(registry_state("已注消").is_err_and(|reason| reason.contains("已注消")));
    }
}
