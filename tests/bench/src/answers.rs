//! Answers as an inspector gives them: twenty items, nine in ten in order.
//!
//! The rest are failures, most with a remark, and items that do not apply, each with its
//! reason. Answers of different rounds are independent of each other, which compresses worse
//! than a building that looks the same as last week: the figures err on the dear side.

use kit::dice::Dice;
use louan_schema::code::Outcome;
use louan_schema::policy::{CheckItem, ItemCode, Policy};
use louan_schema::record::Answer;
use louan_schema::time::Day;

/// Items of one round: the sixteen of 三查三清 and four more.
pub const ITEMS: usize = 20;

const FAULTS: &[&str] = &[
    "楼梯间堆放纸箱和旧家具",
    "常闭式防火门用木块顶住",
    "消火栓箱内水带缺失",
    "应急照明灯不亮",
    "疏散指示标志损坏",
    "灭火器压力不足",
    "灭火器超过检验期限",
    "电动自行车停放在前室充电",
    "管道井未封堵",
    "安全出口上锁",
    "登高场地被私家车占用",
    "消防车道停放货车",
    "外窗加装防盗网未留逃生口",
    "喷头被吊顶遮挡",
    "送风口百叶脱落",
    "闭门器损坏",
    "防火卷帘下堆放货物",
    "排烟窗无法开启",
    "消防电梯前室堆放垃圾桶",
    "室外消火栓被绿化带围挡",
];
const TAILS: &[&str] = &["已拍照", "物业当场清理", "已通知业主", "三日内整改", "责任人已签字", "与上次相同"];
const REASONS: &[&str] = &[
    "无地下室",
    "无幕墙",
    "无商业网点",
    "本栋无消防电梯",
    "与3号楼共用泵房",
    "未设自动喷水灭火系统",
    "无外墙保温材料",
    "无施工",
];

/// The items every round of the bench answers: the sixteen, then the first four others with a whole number or a
/// plain reply in force on `day`, in the order of their codes.
#[must_use]
pub fn items_on(day: Day) -> Vec<ItemCode> {
    let policy = Policy::qijiang_2020();
    let mut items: Vec<&CheckItem> = policy.completing_items(day).collect();
    let others = policy.check_items().filter(|item| item.completes_round.is_none() && item.is_in_force(day));
    items.extend(others.take(ITEMS.saturating_sub(items.len())));
    let mut codes: Vec<ItemCode> = items.into_iter().map(|item| item.code).collect();
    codes.sort_unstable();
    codes
}

/// One round's answers for its first building, ordered as a record wants them.
pub fn round_of(dice: &mut Dice, items: &[ItemCode]) -> Vec<Answer> {
    items.iter().map(|code| answer(dice, *code)).collect()
}

fn answer(dice: &mut Dice, code: ItemCode) -> Answer {
    match dice.below(100) {
        0..90 => Answer::plain(code, Outcome::Pass, Some(1)),
        90..97 => Answer {
            note: (!dice.once_in(4)).then(|| remark(dice)),
            counts: counts(dice, code),
            ..Answer::plain(code, Outcome::Fail, Some(1))
        },
        _ => Answer {
            reason: Some(pick(dice, REASONS).to_owned()),
            ..Answer::plain(code, Outcome::NotApplicable, Some(1))
        },
    }
}

fn remark(dice: &mut Dice) -> String {
    let floor = 1 + dice.below(33);
    let (fault, tail) = (pick(dice, FAULTS), pick(dice, TAILS));
    match dice.below(3) {
        0 => format!("{floor}楼{fault}"),
        1 => format!("{floor}楼{fault},{tail}"),
        _ => format!("{fault}{}处,{tail}", 1 + dice.below(9)),
    }
}

/// A total and how many of it are wrong, where the item counts something.
fn counts(dice: &mut Dice, code: ItemCode) -> Option<Vec<u32>> {
    let form = &Policy::qijiang_2020().check_item(code)?.answer;
    let labels = form.number_labels().len();
    let total = u32::try_from(4 + dice.below(12)).unwrap_or(4);
    let wrong = u32::try_from(1 + dice.below(3)).unwrap_or(1);
    let mut counts = vec![0; labels];
    *counts.first_mut()? = total;
    *counts.get_mut(1)? = wrong;
    form.accepts_counts(&counts).then_some(counts)
}

fn pick<'a>(dice: &mut Dice, list: &[&'a str]) -> &'a str {
    let at = usize::try_from(dice.below(list.len() as u64)).unwrap_or(0);
    list.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_answers_in_ten_are_in_order_and_the_rest_say_why() {
        let mut dice = Dice::seeded(7);
        let items = items_on("2020-02-01".parse().expect("a day"));
        assert_eq!(items.len(), ITEMS);
        let answers: Vec<Answer> = (0..500).flat_map(|_| round_of(&mut dice, &items)).collect();
        let share = |outcome| answers.iter().filter(|a| a.outcome == outcome).count() * 100 / answers.len();
        assert!((88..=92).contains(&share(Outcome::Pass)), "{}", share(Outcome::Pass));
        assert!((5..=9).contains(&share(Outcome::Fail)), "{}", share(Outcome::Fail));
        assert!(answers.iter().any(|a| a.counts.is_some()), "some failing items count");
        let reasoned = |a: &Answer| (a.outcome == Outcome::NotApplicable) == a.reason.is_some();
        assert!(answers.iter().all(reasoned));
    }
}
