//! Who may do what: one table, role by action, and nothing else.
//!
//! The table answers "may a person with this role ever do this"; whether he may do it here is a question of
//! organisation, area and document, asked by the server after this one (domain §1.5, §1.4). Police, street and
//! brigade supervise: they confirm and close. A property manager finds, reports and fixes, and never judges his
//! own work. A grid worker confirms and rechecks where the street supervises (S2, S3), but closing is done at the
//! street's desk. The leading group reads. The three administrators share no action with each other or with
//! anybody else. That nobody closes his own fix is a rule about two persons, not about two roles: see the fold.

use super::{Role, code_list};

code_list! {
    /// An action (操作) that a role may or may not perform.
    Action {
        SubmitRound = 1, "submit_round", "提交检查";
        ReportHazard = 2, "report_hazard", "上报隐患";
        ReportFix = 3, "report_fix", "上报整改";
        Recheck = 4, "recheck", "复查";
        Correct = 5, "correct", "更正";
        Withdraw = 6, "withdraw", "撤回";
        RegisterBuilding = 7, "register_building", "建账";
        ConfirmHazard = 8, "confirm_hazard", "核实隐患";
        CloseHazard = 9, "close_hazard", "销号";
        ReadLedger = 10, "read_ledger", "查看台账";
        ReadFigures = 11, "read_figures", "查看统计";
        ManagePeople = 12, "manage_people", "管理人员与授权";
        ManageDevices = 13, "manage_devices", "管理设备";
        ReadAudit = 14, "read_audit", "查看审计";
    }
}

/// What each role may do; what is not listed is forbidden.
const fn allowed(role: Role) -> &'static [Action] {
    use Action as A;
    match role {
        Role::LeadingGroup | Role::SafetyOffice => &[A::ReadLedger, A::ReadFigures],
        Role::Office => &[A::RegisterBuilding, A::ReadLedger, A::ReadFigures],
        Role::Brigade | Role::Police => &[
            A::SubmitRound,
            A::ReportHazard,
            A::Recheck,
            A::Correct,
            A::Withdraw,
            A::ConfirmHazard,
            A::CloseHazard,
            A::ReadLedger,
            A::ReadFigures,
        ],
        Role::Housing => &[
            A::SubmitRound,
            A::ReportHazard,
            A::Correct,
            A::Withdraw,
            A::RegisterBuilding,
            A::ReadLedger,
            A::ReadFigures,
        ],
        Role::LeadDepartment | Role::InspectionGroup | Role::Oversight => {
            &[A::SubmitRound, A::ReportHazard, A::Correct, A::Withdraw, A::ReadLedger, A::ReadFigures]
        }
        Role::Street => &[
            A::SubmitRound,
            A::ReportHazard,
            A::ReportFix,
            A::Recheck,
            A::Correct,
            A::Withdraw,
            A::RegisterBuilding,
            A::ConfirmHazard,
            A::CloseHazard,
            A::ReadLedger,
            A::ReadFigures,
        ],
        Role::GridWorker => &[
            A::SubmitRound,
            A::ReportHazard,
            A::ReportFix,
            A::Recheck,
            A::Correct,
            A::Withdraw,
            A::ConfirmHazard,
            A::ReadLedger,
        ],
        Role::PropertyManager => {
            &[A::SubmitRound, A::ReportHazard, A::ReportFix, A::Correct, A::Withdraw, A::ReadLedger]
        }
        Role::BlockLeader => &[A::SubmitRound, A::ReportHazard, A::Correct, A::Withdraw, A::ReadLedger],
        Role::SystemAdmin => &[A::ManageDevices],
        Role::SecurityAdmin => &[A::ManagePeople],
        Role::AuditAdmin => &[A::ReadAudit],
    }
}

/// Whether a person appointed to `role` may perform `action` at all.
#[must_use]
pub fn may(role: Role, action: Action) -> bool {
    allowed(role).contains(&action)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table as text, one line a role, for people to read in a diff.
    fn matrix() -> String {
        let mut text = String::new();
        for role in Role::ALL {
            text.push_str(role.as_str());
            text.push_str(" (");
            text.push_str(role.label());
            text.push_str(")\n");
            for action in Action::ALL {
                text.push_str(if may(*role, *action) { "  yes  " } else { "  no   " });
                text.push_str(action.as_str());
                text.push('\n');
            }
        }
        text
    }

    fn roles_that_may(action: Action) -> Vec<Role> {
        Role::ALL.iter().copied().filter(|role| may(*role, action)).collect()
    }

    #[test]
    fn the_whole_matrix_is_the_one_that_was_agreed() {
        assert_eq!(
            matrix(),
            include_str!("../../fixtures/permission_matrix.txt"),
            "a permission moved: if it was meant, change the golden file in the same commit and say why"
        );
    }

    #[test]
    fn police_street_and_brigade_confirm_and_close_and_nobody_else_closes() {
        assert_eq!(roles_that_may(Action::CloseHazard), [Role::Brigade, Role::Police, Role::Street]);
        for role in roles_that_may(Action::CloseHazard) {
            assert!(may(role, Action::ConfirmHazard) && may(role, Action::Recheck), "{role}");
        }
    }

    #[test]
    fn a_property_manager_never_judges_his_own_work() {
        for action in [Action::ConfirmHazard, Action::Recheck, Action::CloseHazard] {
            assert!(!may(Role::PropertyManager, action), "{action}");
        }
    }

    #[test]
    fn the_leading_group_only_reads() {
        let actions: Vec<Action> =
            Action::ALL.iter().copied().filter(|a| may(Role::LeadingGroup, *a)).collect();
        assert_eq!(actions, [Action::ReadLedger, Action::ReadFigures]);
    }

    #[test]
    fn the_three_administrators_share_no_action_with_anybody() {
        for (action, only) in [
            (Action::ManageDevices, Role::SystemAdmin),
            (Action::ManagePeople, Role::SecurityAdmin),
            (Action::ReadAudit, Role::AuditAdmin),
        ] {
            assert_eq!(roles_that_may(action), [only]);
        }
        for role in [Role::SystemAdmin, Role::SecurityAdmin, Role::AuditAdmin] {
            assert_eq!(Action::ALL.iter().filter(|a| may(role, **a)).count(), 1, "{role}");
        }
    }

    #[test]
    fn whoever_may_write_a_fact_may_correct_and_withdraw_it() {
        for role in Role::ALL {
            let writes = may(*role, Action::SubmitRound) || may(*role, Action::ReportHazard);
            assert_eq!(writes, may(*role, Action::Correct), "{role}");
            assert_eq!(writes, may(*role, Action::Withdraw), "{role}");
        }
    }
}
