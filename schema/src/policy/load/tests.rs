//! A broken plan is refused, with every fault named by file, entry and remedy.

use super::*;

/// The faults of the built-in plan with one passage of one file replaced.
fn faults(change: impl Fn(&mut Files)) -> Vec<String> {
    let built_in = PolicyFiles::QIJIANG_2020;
    let mut files = Files {
        plan: built_in.plan.to_owned(),
        hazards: built_in.hazards.to_owned(),
        check_items: built_in.check_items.to_owned(),
        dispositions: built_in.dispositions.to_owned(),
        campaigns: built_in.campaigns.to_owned(),
        calendar: built_in.calendar.to_owned(),
        units: built_in.units.to_owned(),
    };
    change(&mut files);
    let files = PolicyFiles {
        plan: &files.plan,
        hazards: &files.hazards,
        check_items: &files.check_items,
        dispositions: &files.dispositions,
        campaigns: &files.campaigns,
        calendar: &files.calendar,
        units: &files.units,
    };
    match Policy::load(&files) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

struct Files {
    plan: String,
    hazards: String,
    check_items: String,
    dispositions: String,
    campaigns: String,
    calendar: String,
    units: String,
}

/// Replaces the first `from` after `anchor`; the passage must be there, or the test would prove nothing.
fn put(text: &mut String, anchor: &str, from: &str, to: &str) {
    let start = text.find(anchor).expect("the anchor stands in the file");
    let at = start + text[start..].find(from).expect("the passage stands after the anchor");
    text.replace_range(at..at + from.len(), to);
}

#[track_caller]
fn refused(change: impl Fn(&mut Files), expected: &str) {
    let faults = faults(change);
    assert!(faults.iter().any(|fault| fault.contains(expected)), "`{expected}` not among {faults:#?}");
}

#[test]
fn the_built_in_plan_is_consistent() {
    assert_eq!(faults(|_| {}), Vec::<String>::new());
}

#[test]
fn every_fault_is_named_with_file_entry_and_remedy() {
    let all = faults(|f| {
        put(&mut f.hazards, "\"H1.01\"", "goal = \"G1\"", "goal = \"G2\"");
        put(&mut f.check_items, "\"F-15\"", "H4.14", "H4.15");
        put(&mut f.check_items, "\"Q1-04\"", "valid_from = \"2020-01-21\"\n", "");
        put(&mut f.calendar, "\"P1\"", "ends_on = \"2020-01-23\"", "ends_on = \"2020-01-20\"");
    });
    for expected in [
        "hazards.toml `H1.01`: a key hazard is not due with the first goal; set goal = \"G1\" (A-033)",
        "check_items.toml `Q1-04`: only another rule carries it",
        "calendar.toml `P1`: ends before it starts; exchange starts_on and ends_on",
        "calendar.toml `P2`: does not follow the phase before",
    ] {
        assert!(all.iter().any(|fault| fault.starts_with(expected)), "{expected} not among {all:#?}");
    }
    assert_eq!(all.len(), 4, "{all:#?}");
}

#[test]
fn a_code_stands_once() {
    refused(|f| put(&mut f.hazards, "\"H1.02\"", "H1.02", "H1.01"), "hazards.toml `H1.01`: stands twice");
    refused(
        |f| put(&mut f.check_items, "\"Q1-02\"", "Q1-02", "Q1-01"),
        "check_items.toml `Q1-01`: stands twice",
    );
    refused(|f| put(&mut f.calendar, "\"G2\"", "G2", "G1"), "calendar.toml `G1`: stands twice");
    refused(|f| put(&mut f.campaigns, "\"S2\"", "S2", "S1"), "campaigns.toml `S1`: stands twice");
    refused(
        |f| put(&mut f.units, "\"区公安局\"", "区公安局", "区应急局"),
        "units.toml `区应急局`: stands twice",
    );
    refused(|f| put(&mut f.dispositions, "\"D2\"", "D2", "D1"), "dispositions.toml `D1`: stands twice");
}

#[test]
fn a_reference_leads_somewhere() {
    refused(
        |f| put(&mut f.check_items, "\"Q1-02\"", "\"H1.02\"", "\"H1.50\""),
        "`Q1-02`: `H1.50` is no leaf",
    );
    refused(|f| put(&mut f.check_items, "\"Q1-02\"", "[\"H1.02\"]", "[]"), "`Q1-02`: no leaf says");
    refused(
        |f| put(&mut f.hazards, "\"H1.02\"", "disposition = \"D1\"", "disposition = \"D0\""),
        "hazards.toml `H1.02`",
    );
    refused(
        |f| put(&mut f.hazards, "\"H3.01\"", "区城市管理局", "区园林局"),
        "`H3.01`: `区园林局` is no unit",
    );
    refused(|f| put(&mut f.campaigns, "\"C1\"", "区公安局", "区园林局"), "`C1`: `区园林局` is no unit");
    refused(|f| put(&mut f.campaigns, "\"C6\"", "C6", "C7"), "`C6`: the campaign is missing");
}

#[test]
fn an_ill_formed_entry_is_named_and_does_not_hide_the_next() {
    let all = faults(|f| {
        put(&mut f.hazards, "\"H1.02\"", "H1.02", "H7.02");
        put(&mut f.hazards, "\"H6.01\"", "severity = 1", "severity = 5");
        put(&mut f.check_items, "\"W-04\"", "kind = \"counts\"", "kind = \"guess\"");
        put(&mut f.check_items, "\"M-01\"", "guide", "giude");
    });
    for expected in [
        "hazards.toml `H7.02`",
        "hazards.toml `H6.01`: there is no severity 5",
        "check_items.toml `W-04`: unknown variant `guess`",
        "check_items.toml `M-01`: unknown field `giude`",
    ] {
        assert!(all.iter().any(|fault| fault.starts_with(expected)), "{expected} not among {all:#?}");
    }
    refused(|f| f.units.push_str("\n[[unti]]\nname = \"x\"\n"), "units.toml `unti`: nobody reads this key");
    refused(|f| f.hazards.push_str("\n= broken"), "hazards.toml: ");
    refused(|f| f.plan.push_str("\nmore = 1"), "plan.toml: unknown field `more`");
}

#[test]
fn exactly_sixteen_seed_items_complete_a_round() {
    refused(
        |f| put(&mut f.check_items, "\"L3-01\"", "completes_round = 16\n", ""),
        "15 items complete a round",
    );
    refused(
        |f| put(&mut f.check_items, "\"L3-01\"", "completes_round = 16", "completes_round = 17"),
        "numbered",
    );
    refused(
        |f| put(&mut f.check_items, "\"L3-02\"", "source =", "completes_round = 17\nsource ="),
        "17 items complete a round",
    );
    refused(
        |f| put(&mut f.check_items, "\"Q1-04\"", "valid_from", "completes_round = 1\nvalid_from"),
        "`Q1-04`: completes a round although no clause",
    );
}

#[test]
fn severity_four_and_listing_go_together() {
    refused(
        |f| put(&mut f.hazards, "\"H4.14\"", "severity = 4", "severity = 3"),
        "`H4.14`: severity 4 and D9",
    );
    refused(|f| put(&mut f.check_items, "\"F-15\"", "\"D9\"", "\"D6\""), "`F-15`: severity 4 and D9");
}

#[test]
fn nothing_is_in_force_before_the_plan() {
    refused(
        |f| put(&mut f.check_items, "\"Q1-04\"", "2020-01-21", "2020-01-20"),
        "`Q1-04`: is in force before the plan is",
    );
    refused(
        |f| put(&mut f.hazards, "\"H2.23\"", "from = \"2021-08-01\"", "from = \"2019-08-01\""),
        "`H2.23`: is in force before the plan is",
    );
}

#[test]
fn an_item_is_reserved_as_its_leaf_is() {
    let open = "`F-15`: is open to all although its leaf `H4.14`";
    refused(|f| put(&mut f.check_items, "\"F-15\"", "reserved_for = \"brigade\"\n", ""), open);
    refused(|f| put(&mut f.check_items, "\"F-15\"", "\"brigade\"", "\"police\""), open);
    refused(|f| put(&mut f.hazards, "\"H4.14\"", "\"brigade\"", "\"fire_brigade\""), "`H4.14`");
}

#[test]
fn an_other_leaf_needs_a_text_and_every_other_needs_a_lead() {
    refused(|f| put(&mut f.hazards, "\"H5.99\"", "text_required = true", ""), "`H5.99`: 其他 without a text");
    refused(|f| put(&mut f.hazards, "\"H5.08\"", "lead = \"C5\"\n", ""), "`H5.08`: only 其他 has no lead");
}

#[test]
fn dates_of_force_are_in_order_and_only_where_another_rule_is_the_basis() {
    refused(
        |f| put(&mut f.hazards, "\"H2.23\"", "valid_from = \"2021-08-01\"\n", ""),
        "`H2.23`: only another rule",
    );
    refused(
        |f| {
            put(
                &mut f.check_items,
                "\"Q1-01\"",
                "completes_round",
                "valid_from = \"2019-01-01\"\ncompletes_round",
            )
        },
        "`Q1-01`: a clause of the plan carries it",
    );
    refused(
        |f| put(&mut f.hazards, "\"H2.23\"", "valid_from", "valid_to = \"2021-07-31\"\nvalid_from"),
        "`H2.23`: is retired before",
    );
    refused(
        |f| put(&mut f.check_items, "\"Q3-12\"", "\"2021-08-01\"", "\"2021-07-01\""),
        "`Q3-12`: is asked before its leaf",
    );
}

#[test]
fn labels_of_an_answer_stand_once_and_totals_are_among_them() {
    refused(
        |f| put(&mut f.check_items, "\"Q1-11\"", "total = \"楼梯数\"", "total = \"楼层数\""),
        "`Q1-11`: `楼层数` is not counted",
    );
    refused(|f| put(&mut f.check_items, "\"Q1-06\"", "\"注名\"", "\"划线\""), "`Q1-06`: labels of an answer");
    refused(|f| put(&mut f.check_items, "\"W-02\"", "[\"入户户数\"]", "[]"), "`W-02`: labels of an answer");
}

#[test]
fn the_calendar_runs_forward_from_the_day_of_issue() {
    refused(
        |f| put(&mut f.calendar, "\"G2\"", "2020-06-30", "2020-03-31"),
        "`G2`: is due before the goal before it",
    );
    refused(
        |f| put(&mut f.calendar, "\"R1\"", "2020-01-25", "2019-01-25"),
        "`R1`: lies before the plan was issued",
    );
    refused(|f| put(&mut f.calendar, "\"G3\"", "G3", "G4"), "`G3`: the goal is missing");
    refused(|f| put(&mut f.calendar, "\"R1\"", "2020-01-25", "2020-02-30"), "calendar.toml `R1`");
}

#[test]
fn the_statistical_month_exists_every_month() {
    refused(|f| put(&mut f.plan, "cut_off_day", "= 20", "= 31"), "plan.toml `cut_off_day`: day 31");
    refused(
        |f| put(&mut f.plan, "filing_day", "= 23", "= 19"),
        "plan.toml `cut_off_day`: figures would be filed",
    );
    refused(|f| put(&mut f.plan, "catalogue", "catalogue = 1", "catalogue = 0"), "plan.toml `catalogue`");
    refused(|f| put(&mut f.plan, "issuing_no", "〔2020〕", "[2020]"), "plan.toml `issuing_no`");
    refused(|f| put(&mut f.plan, "district", "500110", "50011"), "plan.toml `district`");
}

#[test]
fn a_disposition_that_says_at_once_is_due_the_same_day() {
    refused(|f| put(&mut f.dispositions, "\"D3\"", "same_day", "entered"), "`D3`: the due day contradicts");
    refused(|f| put(&mut f.dispositions, "\"D9\"", "D9", "D8"), "`D9`: the disposition is missing");
}

#[test]
fn a_work_item_has_one_lead_and_an_item_has_an_answer() {
    refused(
        |f| put(&mut f.campaigns, "\"C3\"", "[\"区住房城乡建设委\"", "[\"区消防救援支队\""),
        "`C3`: the lead unit also cooperates",
    );
    refused(
        |f| put(&mut f.check_items, "\"W-02\"", "[{ kind = \"counts\", labels = [\"入户户数\"] }]", "[]"),
        "`W-02`: nothing can be answered",
    );
}
