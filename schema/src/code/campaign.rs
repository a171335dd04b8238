//! The six campaigns of clause 五(一) and the dated goals of clause 三, as codes.
//!
//! Names, lead units and dates are policy data (`schema/policy/`); another plan brings other data under the same
//! codes. The systems S1–S3 of clause 五(二) are an open list and therefore no codes (AMB-01).

use super::code_list;

code_list! {
    /// A campaign (专项行动): one of the six of clause 五(一).
    Campaign {
        LifeLane = 1, "C1", "打通“生命通道”集中清障行动";
        ElectricityAndGas = 2, "C2", "电气燃气专项整治行动";
        ThreeChecks = 3, "C3", "高层住宅小区“三查三清”行动";
        Facilities = 4, "C4", "建筑消防设施排查整治行动";
        Responsibility = 5, "C5", "消防安全管理“盲区清零”行动";
        Awareness = 6, "C6", "消防安全百日宣传行动";
    }
}

code_list! {
    /// By which stage goal a kind of hazard must be gone (阶段目标); the days stand in the calendar.
    Goal {
        First = 1, "G1", "3个月目标";
        Second = 2, "G2", "半年目标";
        ByClass = 3, "by_class", "按建筑类别";
    }
}
