//! Commands: from a phone's batch or from the console, with the same answer.
//!
//! A command is answered once: the same id again gets the same answer. A decision is
//! committed under guards on what it rests on, and made again when that has moved.

use louan_schema::id::{DeviceId, PersonId, SiteId};
use louan_schema::registry::{Org, Site};
use louan_schema::ruling::{Act, Command};
use louan_schema::wire::{Code, CommandVerdict};

use super::push::Bearer;
use super::{Clocks, Hub};
use crate::audit::Entry;
use crate::ruling::{Asker, Target, decide, target_id};
use crate::storage::StorageError;
use crate::storage::commit::{Commit, Guard, NewRuling, Write};

/// How often a decision is made again because the state moved under it.
const ATTEMPTS: usize = 8;

impl Hub {
    /// Decides a command that a signed-in person asks at the console.
    ///
    /// # Errors
    /// [`StorageError`]: ask again with the same id; it may or may not have been done.
    pub async fn command(
        &self,
        person: PersonId,
        command: Command,
        now: Clocks,
    ) -> Result<CommandVerdict, StorageError> {
        self.decided(person, None, &command, now).await
    }

    /// Decides a command out of a phone's batch.
    pub(super) async fn phone_command(
        &self,
        bearer: &Bearer<'_>,
        command: &Command,
    ) -> Result<CommandVerdict, StorageError> {
        let (device, person) = (bearer.sender.device, bearer.sender.person);
        let state = self.inner.storage.find_device(device).await?;
        let enrolled = state.is_some_and(|d| !d.revoked && d.people.iter().any(|p| p.person.id == person));
        if !enrolled {
            return Ok(CommandVerdict::Refused(Code::Revoked, 0));
        }
        self.decided(person, Some(device), command, bearer.now).await
    }

    async fn decided(
        &self,
        person: PersonId,
        device: Option<DeviceId>,
        command: &Command,
        now: Clocks,
    ) -> Result<CommandVerdict, StorageError> {
        for _ in 0..ATTEMPTS {
            let Some(asker) = self.asker(person).await? else {
                return Ok(CommandVerdict::Refused(Code::NotPermitted, 0));
            };
            let target = self.target(&asker.org, &command.act).await?;
            if let Some((_, answer)) = self.inner.storage.find_answer(command.id, person).await? {
                return Ok(match answer {
                    CommandVerdict::Refused(..) => answer,
                    CommandVerdict::Done(_) | CommandVerdict::Duplicate(_) => {
                        CommandVerdict::Duplicate(target.version())
                    }
                });
            }
            let mut commit =
                Commit { guards: vec![Guard::CommandFresh(command.id, person)], ..Commit::default() };
            let verdict = match decide(command, &target, &asker, now.business) {
                Ok(ruling) => {
                    commit.guards.push(basis(&command.act, &target));
                    let site = match &command.act {
                        Act::RegisterSite(site, buildings) => Some((site.clone(), buildings.clone())),
                        Act::ConfirmHazard { .. } | Act::CloseHazard { .. } => None,
                    };
                    let new = NewRuling { ruling, target: target_id(&command.act), site };
                    commit.writes.push(Write::Ruling(Box::new(new)));
                    CommandVerdict::Done(target.version() + 1)
                }
                Err(code) => CommandVerdict::Refused(code, target.version()),
            };
            commit.writes.push(Write::Command(command.id, person, target_id(&command.act), verdict));
            commit.audit.push(entry(person, device, command, verdict, now));
            match self.commit(commit).await {
                Ok(_) => return Ok(verdict),
                Err(StorageError::Moved) => {}
                Err(other) => return Err(other),
            }
        }
        Err(StorageError::Moved)
    }

    async fn asker(&self, person: PersonId) -> Result<Option<Asker>, StorageError> {
        let Some(row) = self.inner.storage.find_person(person).await? else { return Ok(None) };
        let org = self.inner.storage.find_org(row.person.org).await?;
        Ok(org.map(|org| Asker { person: row.person, org, active: row.active, erased: row.erased }))
    }

    async fn target(&self, asking: &Org, act: &Act) -> Result<Target, StorageError> {
        match act {
            Act::RegisterSite(site, buildings) => {
                let before = self.inner.storage.find_site(site.id).await?;
                let mut orgs_exist = true;
                for org in site.managed_by.iter().chain([&site.supervised_by]) {
                    orgs_exist &= self.inner.storage.find_org(*org).await?.is_some();
                }
                let ids = buildings.iter().map(|building| building.id).collect();
                let placed = self.inner.storage.sites_of(ids).await?;
                Ok(Target::Entry {
                    visible: before.as_ref().is_none_or(|row| asking.sees(&row.site)),
                    before: before.map(|row| (row.site, row.version)),
                    orgs_exist,
                    building_elsewhere: placed.iter().any(|(_, at)| *at != site.id),
                })
            }
            Act::ConfirmHazard { hazard, .. } | Act::CloseHazard { hazard } => {
                let Some(case) = self.inner.storage.hazard_case(*hazard).await? else {
                    return Ok(Target::Missing);
                };
                let Some((site, supervisor)) = self.supervised(case.status.site).await? else {
                    return Ok(Target::Missing);
                };
                let visible = asking.sees(&site);
                Ok(Target::Hazard { case: Box::new(case), site: Box::new(site), supervisor, visible })
            }
        }
    }

    /// A site with the organisation that supervises it.
    pub(super) async fn supervised(&self, site: SiteId) -> Result<Option<(Site, Org)>, StorageError> {
        let Some(row) = self.inner.storage.find_site(site).await? else { return Ok(None) };
        let supervisor = self.inner.storage.find_org(row.site.supervised_by).await?;
        Ok(supervisor.map(|org| (row.site, org)))
    }
}

/// What a decision rests on.
fn basis(act: &Act, target: &Target) -> Guard {
    match (act, target) {
        (_, Target::Hazard { case, .. }) => Guard::Hazard(Box::new(case.status.clone())),
        (Act::RegisterSite(site, _), _) => Guard::Site(site.id, target.version()),
        // decide() answers neither of these with a ruling; a guard that cannot hold keeps it so.
        (_, Target::Entry { .. } | Target::Missing) => Guard::Site(SiteId([0; 16]), u64::MAX),
    }
}

fn entry(
    person: PersonId,
    device: Option<DeviceId>,
    command: &Command,
    verdict: CommandVerdict,
    now: Clocks,
) -> Entry {
    let act = match &command.act {
        Act::RegisterSite(..) => "register_site",
        Act::ConfirmHazard { .. } => "confirm_hazard",
        Act::CloseHazard { .. } => "close_hazard",
    };
    let outcome = match verdict {
        CommandVerdict::Done(version) => format!("done={version}"),
        CommandVerdict::Duplicate(version) => format!("duplicate={version}"),
        CommandVerdict::Refused(code, _) => code.name().to_owned(),
    };
    // Both clocks: what the asker claims stands beside when it arrived.
    Entry {
        at: now.system,
        person: Some(person),
        device,
        act: act.to_owned(),
        subject: louan_schema::id::RecordId(target_id(&command.act)).to_string(),
        outcome: format!("{outcome} at={}", command.at.ms()),
    }
}
