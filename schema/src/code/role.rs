//! Who acts: the roles of people and the kinds of organisation that appoint them.
//!
//! A role says what a person may do ([`super::may`]); where he may do it is a grant on documents and areas, which
//! the server keeps. Organisation and role are two things: the brigade appoints inspectors and also sits in the
//! office of the leading group, under another letterhead (domain corrections 2 and 3).

use super::code_list;

code_list! {
    /// A role (岗位角色): what a person is appointed to do.
    Role {
        LeadingGroup = 1, "leading_group", "领导小组";
        Office = 2, "office", "领导小组办公室";
        SafetyOffice = 3, "safety_office", "消安委办公室";
        Brigade = 4, "brigade", "消防救援支队";
        Police = 5, "police", "公安/派出所";
        Housing = 6, "housing", "住建";
        LeadDepartment = 7, "lead_department", "牵头部门";
        InspectionGroup = 8, "inspection_group", "检查组";
        Oversight = 9, "oversight", "督查办";
        Street = 10, "street", "街镇";
        GridWorker = 11, "grid_worker", "社区网格";
        PropertyManager = 12, "property_manager", "物业/管理单位";
        BlockLeader = 13, "block_leader", "楼栋长";
        SystemAdmin = 14, "system_admin", "系统管理员";
        SecurityAdmin = 15, "security_admin", "安全管理员";
        AuditAdmin = 16, "audit_admin", "审计管理员";
    }
}

code_list! {
    /// A kind of organisation (单位类别).
    OrgKind {
        LeadingGroup = 1, "leading_group", "领导小组";
        Office = 2, "office", "领导小组办公室";
        SafetyOffice = 3, "safety_office", "消安委办公室";
        Brigade = 4, "brigade", "消防救援支队";
        Police = 5, "police", "公安/派出所";
        Housing = 6, "housing", "住建部门";
        Department = 7, "department", "部门(牵头或配合)";
        InspectionGroup = 8, "inspection_group", "检查组";
        Oversight = 9, "oversight", "督查办";
        Street = 10, "street", "街镇";
        Community = 11, "community", "社区/村";
        PropertyManager = 12, "property_manager", "物业/管理单位";
        Operator = 13, "operator", "系统运行单位";
    }
}

impl OrgKind {
    /// Whether an organisation of this kind may appoint a person to `role`. A block leader belongs to whoever
    /// appointed him (domain correction 2); the three administrators belong to the operator only.
    #[must_use]
    pub const fn appoints(self, role: Role) -> bool {
        use Role as R;
        match self {
            Self::LeadingGroup => matches!(role, R::LeadingGroup),
            Self::Office => matches!(role, R::Office),
            Self::SafetyOffice => matches!(role, R::SafetyOffice),
            Self::Brigade => matches!(role, R::Brigade | R::LeadDepartment),
            Self::Police => matches!(role, R::Police),
            Self::Housing => matches!(role, R::Housing | R::LeadDepartment),
            Self::Department => matches!(role, R::LeadDepartment),
            Self::InspectionGroup => matches!(role, R::InspectionGroup),
            Self::Oversight => matches!(role, R::Oversight),
            Self::Street => matches!(role, R::Street | R::GridWorker | R::BlockLeader),
            Self::Community => matches!(role, R::GridWorker | R::BlockLeader),
            Self::PropertyManager => matches!(role, R::PropertyManager | R::BlockLeader),
            Self::Operator => matches!(role, R::SystemAdmin | R::SecurityAdmin | R::AuditAdmin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_appointed_by_some_kind_of_organisation() {
        for role in Role::ALL {
            assert!(OrgKind::ALL.iter().any(|kind| kind.appoints(*role)), "nobody appoints {role}");
        }
    }

    #[test]
    fn a_property_company_appoints_neither_a_grid_worker_nor_an_officer() {
        let appointed: Vec<Role> =
            Role::ALL.iter().copied().filter(|r| OrgKind::PropertyManager.appoints(*r)).collect();
        assert_eq!(appointed, [Role::PropertyManager, Role::BlockLeader]);
    }

    #[test]
    fn only_the_operator_appoints_the_three_administrators() {
        for role in [Role::SystemAdmin, Role::SecurityAdmin, Role::AuditAdmin] {
            let kinds: Vec<OrgKind> = OrgKind::ALL.iter().copied().filter(|k| k.appoints(role)).collect();
            assert_eq!(kinds, [OrgKind::Operator]);
        }
    }
}
