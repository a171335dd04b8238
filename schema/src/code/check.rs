//! What an inspection says: the outcome of one item and how a hazard came to light.
//!
//! An outcome is a statement about one item, not about a building; hazards are records of their own and are
//! never inferred from an outcome.

use super::{Campaign, code_list};

code_list! {
    /// The outcome of one check item (检查结果). 不涉及 always needs a reason.
    Outcome {
        Pass = 0, "pass", "符合";
        Fail = 1, "fail", "有隐患";
        NotApplicable = 2, "not_applicable", "不涉及";
    }
}

code_list! {
    /// How a hazard was found (发现方式).
    DiscoveryMethod {
        SelfCheck = 1, "self_check", "自查";
        Survey = 2, "survey", "排查";
        ThreeChecks = 3, "three_checks", "三查三清";
        BrigadeInspection = 4, "brigade_inspection", "支队检查";
        TipOff = 5, "tip_off", "举报";
        Oversight = 6, "oversight", "督查";
    }
}

code_list! {
    /// A group of the check catalogue (检查项目组). Its number is the hundreds of an item's wire number.
    ItemGroup {
        FirstCheck = 1, "Q1", "查1 通道";
        SecondCheck = 2, "Q2", "查2 设施";
        ThirdCheck = 3, "Q3", "查3 行为";
        FirstClearance = 4, "L1", "清1 楼道";
        SecondClearance = 5, "L2", "清2 外立面";
        ThirdClearance = 6, "L3", "清3 搭建";
        Facilities = 7, "F", "消防设施";
        ElectricityAndGas = 8, "E", "电气燃气";
        Responsibility = 9, "M", "消防管理";
        Awareness = 10, "W", "消防宣传";
    }
}

impl ItemGroup {
    /// The campaign that asks the items of this group.
    #[must_use]
    pub const fn campaign(self) -> Campaign {
        match self {
            Self::FirstCheck
            | Self::SecondCheck
            | Self::ThirdCheck
            | Self::FirstClearance
            | Self::SecondClearance
            | Self::ThirdClearance => Campaign::ThreeChecks,
            Self::Facilities => Campaign::Facilities,
            Self::ElectricityAndGas => Campaign::ElectricityAndGas,
            Self::Responsibility => Campaign::Responsibility,
            Self::Awareness => Campaign::Awareness,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_checks_and_three_clearances_belong_to_the_third_campaign() {
        let third = ItemGroup::ALL.iter().filter(|group| group.campaign() == Campaign::ThreeChecks);
        assert_eq!(
            third.map(|group| group.as_str()).collect::<Vec<_>>(),
            ["Q1", "Q2", "Q3", "L1", "L2", "L3"]
        );
    }
}
