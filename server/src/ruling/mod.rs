//! Rulings: may this command be done now, by this person, and what does it decide?
//!
//! One pure function over the target's state and the asker's office. It writes nothing; the
//! hub commits what it returns under guards, so that two decisions on one version cannot
//! both be done. A target outside the asker's sight does not exist.

use louan_schema::code::{Action, HazardState, OrgKind, Role, Severity, may};
use louan_schema::id::SiteId;
use louan_schema::policy::Policy;
use louan_schema::registry::{Org, Person, Site};
use louan_schema::ruling::{Act, Command, Ruling};
use louan_schema::time::Timestamp;
use louan_schema::wire::Code;

use crate::ledger::{checked_by_another, facts_of};
use crate::registry::{check_entry, supervises};
use crate::storage::ledger::HazardCase;

/// Who asks.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The person.
    pub person: Person,
    /// The organisation that appointed him.
    pub org: Org,
    /// Whether he may act.
    pub active: bool,
    /// Whether he was erased.
    pub erased: bool,
}

/// What the command is about, as it stands.
#[derive(Debug, Clone)]
pub enum Target {
    /// A registry entry.
    Entry {
        /// The row it replaces, with its version; nothing for a new one.
        before: Option<(Site, u64)>,
        /// Whether the asker's organisation sees the row it replaces.
        visible: bool,
        /// Whether every organisation named exists.
        orgs_exist: bool,
        /// Whether a building of the entry is registered on another site.
        building_elsewhere: bool,
    },
    /// A hazard.
    Hazard {
        /// The hazard, its facts and rulings.
        case: Box<HazardCase>,
        /// Its site.
        site: Box<Site>,
        /// The site's supervising organisation.
        supervisor: Org,
        /// Whether the asker's organisation sees the site.
        visible: bool,
    },
    /// Nothing is there.
    Missing,
}

impl Target {
    /// The target's present version, 0 when there is none or none that the asker may know of.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Self::Entry { before: Some((_, version)), visible: true, .. } => *version,
            Self::Hazard { case, visible: true, .. } => case.status.version,
            _ => 0,
        }
    }
}

/// The sixteen bytes that name a command's target.
#[must_use]
pub const fn target_id(act: &Act) -> [u8; 16] {
    match act {
        Act::RegisterSite(site, _) => site.id.0,
        Act::ConfirmHazard { hazard, .. } | Act::CloseHazard { hazard } => hazard.0,
    }
}

/// Decides a command at the business instant `now`.
///
/// # Errors
/// The [`Code`] to answer: [`Code::Erased`], [`Code::Revoked`], [`Code::UnknownTarget`] for what is not there or not visible,
/// [`Code::NotPermitted`], [`Code::VersionMoved`], [`Code::WrongState`], [`Code::Schema`],
/// [`Code::SamePerson`].
pub fn decide(command: &Command, target: &Target, asker: &Asker, now: Timestamp) -> Result<Ruling, Code> {
    if asker.erased {
        return Err(Code::Erased);
    }
    if !asker.active {
        return Err(Code::Revoked);
    }
    let mut at = command.at.min(now);
    match (&command.act, target) {
        (Act::RegisterSite(site, buildings), Target::Entry { .. }) => {
            may_register(asker, site, target)?;
            check_entry(site, buildings)?;
        }
        (
            act @ (Act::ConfirmHazard { .. } | Act::CloseHazard { .. }),
            Target::Hazard { case, visible, .. },
        ) => {
            if !visible {
                return Err(Code::UnknownTarget);
            }
            may_judge(asker, act, target)?;
            if command.expected_version != case.status.version {
                return Err(Code::VersionMoved);
            }
            may_now(asker, act, case)?;
            if matches!(act, Act::CloseHazard { .. }) {
                // A closure never stands before what it closes, whatever the asker's clock says.
                let last = case.status.reading.events.iter().map(|e| e.at).max();
                at = last.map_or(at, |last| at.max(last));
            }
        }
        _ => return Err(Code::UnknownTarget),
    }
    if command.expected_version != target.version() {
        return Err(Code::VersionMoved);
    }
    Ok(Ruling { command: command.id, by: asker.person.id, org: asker.org.id, at, act: command.act.clone() })
}

/// Who may enter what in the registry: the office and housing anywhere, a street its own.
fn may_register(asker: &Asker, site: &Site, target: &Target) -> Result<(), Code> {
    let Target::Entry { before, visible, orgs_exist, building_elsewhere } = target else {
        return Err(Code::UnknownTarget);
    };
    if before.is_some() && !visible {
        return Err(Code::UnknownTarget);
    }
    if !may(asker.person.role, Action::RegisterBuilding) {
        return Err(Code::NotPermitted);
    }
    let elsewhere = asker.org.kind == OrgKind::Street && asker.org.street != Some(site.street);
    if elsewhere {
        return Err(Code::NotPermitted);
    }
    if !orgs_exist {
        return Err(Code::UnknownTarget);
    }
    if *building_elsewhere { Err(Code::WrongState) } else { Ok(()) }
}

fn may_judge(asker: &Asker, act: &Act, target: &Target) -> Result<(), Code> {
    let Target::Hazard { site, supervisor, .. } = target else { return Err(Code::UnknownTarget) };
    let action = match act {
        Act::ConfirmHazard { .. } => Action::ConfirmHazard,
        Act::CloseHazard { .. } => Action::CloseHazard,
        Act::RegisterSite(..) => Action::RegisterBuilding,
    };
    let role = asker.person.role;
    // 疑似重大 is the brigade's finding alone.
    let grade_ok = match act {
        Act::ConfirmHazard { severity: Severity::SuspectedMajor, .. } => role == Role::Brigade,
        _ => true,
    };
    let here = supervises(&asker.person, &asker.org, site, supervisor);
    if may(role, action) && here && grade_ok { Ok(()) } else { Err(Code::NotPermitted) }
}

fn may_now(asker: &Asker, act: &Act, case: &HazardCase) -> Result<(), Code> {
    let status = &case.status;
    match act {
        Act::ConfirmHazard { due_on, .. } => {
            if !status.state.is_open() {
                return Err(Code::WrongState);
            }
            let found_at = status.reading.found_at();
            let allowed = match Policy::qijiang_2020().due_on(status.reading.code, found_at) {
                Some(fixed) => *due_on == fixed,
                None => *due_on >= found_at.day(),
            };
            if allowed { Ok(()) } else { Err(Code::Schema) }
        }
        Act::CloseHazard { .. } => {
            if status.state != HazardState::RecheckPassed {
                return Err(Code::WrongState);
            }
            let (_, facts) = facts_of(status.reading.id, &case.facts).ok_or(Code::UnknownTarget)?;
            let closes_own_fix = status.fixed_by.contains(&asker.person.id);
            if closes_own_fix || !checked_by_another(&facts) { Err(Code::SamePerson) } else { Ok(()) }
        }
        Act::RegisterSite(..) => Err(Code::UnknownTarget),
    }
}

/// The site a command concerns, when it names one itself.
#[must_use]
pub const fn site_of(act: &Act) -> Option<SiteId> {
    match act {
        Act::RegisterSite(site, _) => Some(site.id),
        Act::ConfirmHazard { .. } | Act::CloseHazard { .. } => None,
    }
}
