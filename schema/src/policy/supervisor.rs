//! Who supervises a building, by use and management: the decision table of `domain.md` §1.4.
//!
//! Who surveys and who leads are other questions. The office may override with a reason; this is the rule when
//! nobody has.

use crate::code::{BuildingUse, Management, OrgKind};

/// The kind of organisation that supervises (监管单位类别): S1 by A-251, S3 by A-252, S4–S7 by A-253; S2 is the plan's
/// gap, closed by the street.
#[must_use]
pub const fn supervisor(building_use: BuildingUse, management: Management) -> OrgKind {
    match (building_use, management) {
        (BuildingUse::Residential, Management::PropertyCompany) => OrgKind::Police,
        (BuildingUse::Residential, Management::SelfManaged | Management::Unmanaged) => OrgKind::Street,
        (BuildingUse::Public | BuildingUse::Mixed, _) => OrgKind::Brigade,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_has_its_supervisor() {
        use BuildingUse::{Mixed, Public, Residential};
        use Management::{PropertyCompany, SelfManaged, Unmanaged};
        for (building_use, management, kind) in [
            (Residential, PropertyCompany, OrgKind::Police),
            (Residential, SelfManaged, OrgKind::Street),
            (Residential, Unmanaged, OrgKind::Street),
            (Public, PropertyCompany, OrgKind::Brigade),
            (Public, SelfManaged, OrgKind::Brigade),
            (Public, Unmanaged, OrgKind::Brigade),
            (Mixed, PropertyCompany, OrgKind::Brigade),
            (Mixed, SelfManaged, OrgKind::Brigade),
            (Mixed, Unmanaged, OrgKind::Brigade),
        ] {
            assert_eq!(supervisor(building_use, management), kind, "{building_use:?} {management:?}");
        }
    }
}
