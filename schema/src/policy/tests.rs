//! The built-in plan says what the two documents say.

use super::*;
use crate::code::{Campaign, HazardArea, ItemGroup, Severity};

fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

fn hazard(text: &str) -> HazardCode {
    text.parse().expect("a hazard code")
}

fn item(text: &str) -> ItemCode {
    text.parse().expect("an item code")
}

fn policy() -> &'static Policy {
    Policy::qijiang_2020()
}

#[test]
fn the_plan_has_81_leaves_93_items_nine_work_items_and_21_dates() {
    let p = policy();
    assert_eq!((p.hazard_types().count(), p.check_items().count()), (81, 93));
    assert_eq!(
        p.hazard_types().filter(|leaf| leaf.direct).count(),
        58,
        "52 leaves and six 其他 stand in clause 四"
    );
    assert_eq!(p.hazard_types().filter(|leaf| leaf.code.is_other()).count(), 6);
    assert_eq!(
        (p.work_items().len(), p.work_items().iter().filter(|w| w.campaign.is_some()).count()),
        (9, 6)
    );
    assert_eq!((p.phases().len(), p.goals().len(), p.reports().len()), (4, 3, 14));
    assert_eq!((p.catalogue(), p.issuing_no()), (1, "綦江府办发〔2020〕4号"));
}

#[test]
fn every_area_and_every_group_is_filled() {
    for area in HazardArea::ALL {
        assert!(policy().hazard_types().any(|leaf| leaf.area() == *area), "{area}");
    }
    let sizes: Vec<usize> = ItemGroup::ALL
        .iter()
        .map(|group| policy().check_items().filter(|i| i.group() == *group).count())
        .collect();
    assert_eq!(sizes, [15, 13, 13, 7, 3, 4, 15, 8, 11, 4]);
}

#[test]
fn exactly_the_four_lane_and_site_leaves_are_key_and_the_facade_is_due_with_them() {
    let key: Vec<String> = policy().hazard_types().filter(|l| l.is_key).map(|l| l.code.to_string()).collect();
    assert_eq!(key, ["H1.01", "H1.02", "H1.03", "H1.04"]);
    let first: Vec<String> =
        policy().hazard_types().filter(|l| l.goal == Goal::First).map(|l| l.code.to_string()).collect();
    assert_eq!(first, ["H1.01", "H1.02", "H1.03", "H1.04", "H1.05"]);
}

#[test]
fn a_round_has_sixteen_sub_items_in_the_order_of_the_text() {
    for on in ["2020-01-21", "2020-12-31", "2026-01-01"] {
        let codes: Vec<String> = policy().completing_items(day(on)).map(|i| i.code.to_string()).collect();
        assert_eq!(
            codes,
            [
                "Q1-01", "Q1-11", "Q1-13", "Q2-02", "Q2-04", "Q2-08", "Q2-10", "Q3-01", "Q3-04", "Q3-08",
                "L1-01", "L1-02", "L1-03", "L2-01", "L2-02", "L3-01"
            ]
        );
    }
}

#[test]
fn a_record_of_january_2020_is_not_judged_by_a_rule_of_2021() {
    let p = policy();
    assert!(!p.is_in_force(hazard("H2.23"), day("2021-07-31")));
    assert!(p.is_in_force(hazard("H2.23"), day("2021-08-01")));
    assert!(!p.is_in_force(item("Q3-12"), day("2020-01-21")));
    assert!(p.is_in_force(item("Q3-11"), day("2020-01-21")));
    let later = p.check_items().filter(|i| !i.is_in_force(day("2020-01-21")));
    let later: Vec<String> = later.map(|i| i.code.to_string()).collect();
    assert_eq!(
        later,
        [
            "Q1-14", "Q1-15", "Q2-05", "Q2-12", "Q3-06", "Q3-12", "L1-06", "L1-07", "F-05", "F-14", "E-08",
            "M-08"
        ]
    );
}

#[test]
fn thirty_items_rest_on_other_rules_only_and_all_have_a_first_day() {
    assert_eq!(policy().check_items().filter(|i| i.valid_from.is_some()).count(), 30);
}

#[test]
fn immediate_dispositions_fall_due_on_the_day_of_finding_in_shanghai() {
    let late_evening: Timestamp = "2020-02-29T15:59:59Z".parse().expect("an instant");
    let after_midnight: Timestamp = "2020-02-29T16:00:00Z".parse().expect("an instant");
    assert_eq!(policy().due_on(hazard("H1.01"), late_evening), Some(day("2020-02-29")));
    assert_eq!(policy().due_on(hazard("H1.01"), after_midnight), Some(day("2020-03-01")));
    for leaf in policy().hazard_types() {
        let due = policy().due_on(leaf.code, late_evening);
        assert_eq!(due.is_some(), leaf.disposition.number() <= 5, "{}", leaf.code);
    }
    assert_eq!(
        policy().due_on(HazardCode::new(150).expect("well formed"), late_evening),
        None,
        "an unknown leaf"
    );
}

#[test]
fn goals_give_the_last_day_by_class() {
    for (goal, building_use, due) in [
        (Goal::First, BuildingUse::Public, "2020-03-31"),
        (Goal::Second, BuildingUse::Public, "2020-06-30"),
        (Goal::ByClass, BuildingUse::Residential, "2020-06-30"),
        (Goal::ByClass, BuildingUse::Public, "2020-12-31"),
        (Goal::ByClass, BuildingUse::Mixed, "2020-12-31"),
    ] {
        assert_eq!(policy().goal_due_on(goal, building_use), Some(day(due)), "{goal} {building_use}");
    }
}

#[test]
fn a_day_belongs_to_one_phase_and_the_ends_belong_to_it() {
    for (on, code) in [
        ("2020-01-20", None),
        ("2020-01-21", Some("P1")),
        ("2020-01-23", Some("P1")),
        ("2020-01-24", Some("P2")),
        ("2020-03-31", Some("P2")),
        ("2020-04-01", Some("P3")),
        ("2020-12-31", Some("P4")),
        ("2021-01-01", None),
    ] {
        assert_eq!(policy().phase_on(day(on)).map(|phase| phase.code.as_str()), code, "{on}");
    }
}

#[test]
fn monthly_reports_are_due_on_the_23rd_and_cut_off_on_the_20th() {
    let monthly: Vec<_> = policy().reports().iter().filter(|report| report.code.starts_with("R2")).collect();
    assert_eq!(monthly.len(), 11);
    for report in monthly {
        assert!(report.due_on.to_string().ends_with("-23"));
        let cut_off = policy().cut_off_on(report.due_on.month()).expect("every month has a 20th");
        assert_eq!(report.due_on, cut_off.plus_days(3));
    }
}

#[test]
fn four_units_lead_the_nine_work_items() {
    let leads: std::collections::BTreeSet<&str> =
        policy().work_items().iter().map(|w| w.lead.as_str()).collect();
    assert_eq!(
        leads.into_iter().collect::<Vec<_>>(),
        ["区城市管理局", "区应急管理局", "区消防救援支队", "区经济信息委"]
    );
    let first = &policy().work_items()[0];
    assert_eq!(
        (first.campaign, first.cooperating.len(), first.all_streets),
        (Some(Campaign::LifeLane), 5, true)
    );
}

#[test]
fn a_unit_is_found_under_every_spelling_and_across_a_page_break() {
    for text in ["区应急管理局", "区应急局", "区\n急局"] {
        assert_eq!(policy().find_unit(text).map(|u| u.name.as_str()), Some("区应急管理局"), "{text}");
    }
    assert!(policy().find_unit("区不存在局").is_none());
}

#[test]
fn only_lost_function_is_suspected_to_be_major() {
    let major = policy().hazard_types().filter(|leaf| leaf.severity == Severity::SuspectedMajor);
    assert_eq!(major.map(|leaf| leaf.code).collect::<Vec<_>>(), [hazard("H4.14")]);
}

#[test]
fn stopping_at_once_is_due_the_same_day() {
    assert_eq!(policy().disposition(Disposition::StopAtOnceAndReport).map(|d| d.due), Some(DueRule::SameDay));
}
