//! How grave a hazard is, what the plan orders to be done about it, and where it stands.
//!
//! 逾期 is no state: it is computed from the due day and today. 移送 and 挂牌督办 are matters of their own beside
//! the state. Who may move a hazard from one state to the next stands in [`super::may`] and in the fold.

use super::code_list;

code_list! {
    /// An area of the taxonomy (整治重点): the six of clause 四, a closed enumeration.
    HazardArea {
        EscapeRoutes = 1, "H1", "安全通道";
        ElectricityAndGas = 2, "H2", "用电用气";
        IllegalStructures = 3, "H3", "违章搭建";
        Facilities = 4, "H4", "消防设施";
        Responsibility = 5, "H5", "消防管理";
        Awareness = 6, "H6", "消防意识";
    }
}

code_list! {
    /// A disposition (处置方式): what the plan orders for a kind of hazard (clauses 五(一) and 六(三)).
    Disposition {
        ClearAtOnce = 1, "D1", "立即清理";
        ReplaceAtOnce = 2, "D2", "立即更换";
        RestoreAtOnce = 3, "D3", "立即恢复";
        SupplyAtOnce = 4, "D4", "(督促)立即增补";
        StopAtOnceAndReport = 5, "D5", "立即制止并报告";
        RectifyByDate = 6, "D6", "(督促)限时整改";
        UpgradeByDate = 7, "D7", "限时扩容";
        ReferForEnforcement = 8, "D8", "依法查处";
        RequestListing = 9, "D9", "提请挂牌督办";
    }
}

impl Disposition {
    /// Whether the text says 立即 (D1–D5): due on the day the hazard was found (AMB-05, domain correction 5).
    #[must_use]
    pub const fn is_immediate(self) -> bool {
        self.number() <= Self::StopAtOnceAndReport.number()
    }
}

code_list! {
    /// The severity of a hazard (严重程度). 疑似重大 is a candidate only: a person at the brigade determines it.
    Severity {
        General = 1, "general", "一般";
        Serious = 2, "serious", "较重";
        Severe = 3, "severe", "严重";
        SuspectedMajor = 4, "suspected_major", "疑似重大";
    }
}

code_list! {
    /// The state of a hazard (隐患状态), folded from facts and rulings, never written by hand.
    HazardState {
        Reported = 0, "reported", "待核实";
        Rectifying = 1, "rectifying", "整改中";
        FixReported = 2, "fix_reported", "已报整改";
        RecheckPassed = 3, "recheck_passed", "复查合格待销号";
        Closed = 4, "closed", "已销号";
        Void = 5, "void", "作废";
    }
}

impl HazardState {
    /// Whether the hazard still counts among those to be dealt with.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Closed | Self::Void)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_first_five_dispositions_are_immediate() {
        let immediate: Vec<&str> =
            Disposition::ALL.iter().filter(|d| d.is_immediate()).map(|d| d.as_str()).collect();
        assert_eq!(immediate, ["D1", "D2", "D3", "D4", "D5"]);
    }

    #[test]
    fn a_passed_recheck_is_still_open_until_somebody_closes_it() {
        let open: Vec<u8> = HazardState::ALL.iter().filter(|s| s.is_open()).map(|s| s.number()).collect();
        assert_eq!(open, [0, 1, 2, 3]);
    }
}
