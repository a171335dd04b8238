//! Reporting a hazard, stopping work on the spot, and listing hazards.
//!
//! A hazard is recorded, never inferred. Lists are the office's rows with this phone's
//! own facts folded on top by [`super::overlay`].

use std::collections::{BTreeMap, BTreeSet};

use louan_schema::code::Action;
use louan_schema::fold::before_after::before_after;
use louan_schema::fold::hazard::HazardReading;
use louan_schema::id::{BlobHash, BuildingId, HazardId, RecordId, SiteId};
use louan_schema::record::{Body, Fault, Hazard, StopReport};
use louan_schema::time::Timestamp;
use louan_schema::wire::HazardStatus;

use super::overlay;
use super::record::{Draft, find_hazard_site, save, unknown};
use crate::error::Error;
use crate::phone::{Acting, Phone};
use crate::store::{CommandRow, EditState, Reader, RecordRow};
use crate::view::{HazardFilter, HazardView};

impl Phone {
    /// Reports a hazard (上报隐患); its record's id is the hazard's id.
    ///
    /// # Errors
    /// [`Error`] with every fault at once; nothing is saved then.
    pub fn report_hazard(
        &mut self,
        a: &Acting,
        site: SiteId,
        hazard: Hazard,
        photos: Vec<BlobHash>,
    ) -> Result<HazardId, Error> {
        let doing = "reporting a hazard";
        self.store.write(|w| {
            let person = a.permitted(w, Action::ReportHazard, doing)?;
            let faults = strangers(w, site, &hazard.place.buildings, "/place/buildings")?;
            let draft = Draft { site, replaces: None, photos, body: Body::Hazard(hazard) };
            save(w, a, &person, draft, faults, doing).map(|(id, _)| id)
        })
    }

    /// Records that work was stopped and reported (立即制止并报告, A-147).
    ///
    /// # Errors
    /// [`Error`] with every fault at once; nothing is saved then.
    pub fn stop_and_report(
        &mut self,
        a: &Acting,
        report: StopReport,
        photos: Vec<BlobHash>,
    ) -> Result<RecordId, Error> {
        let doing = "recording that work was stopped";
        self.store.write(|w| {
            let person = a.permitted(w, Action::ReportHazard, doing)?;
            let known = find_hazard_site(w, report.hazard)?;
            let (hazard, site) = known.ok_or_else(|| Error::faulty(doing, vec![unknown("/hazard")]))?;
            let body = Body::StopReport(StopReport { hazard, ..report });
            let draft = Draft { site, replaces: None, photos, body };
            save(w, a, &person, draft, Vec::new(), doing).map(|(id, _)| id)
        })
    }

    /// Hazards with everything this phone knows, as they stand at `now`, the earliest found first.
    ///
    /// # Errors
    /// [`Error`] when the phone is sealed or the store cannot be read.
    pub fn hazards(&self, filter: HazardFilter, now: Timestamp) -> Result<Vec<HazardView>, Error> {
        let r = self.showing("listing hazards")?;
        let site = match filter {
            HazardFilter::AtSite(site) => Some(site),
            HazardFilter::AtBuilding(building) => match r.find_building(building)? {
                Some(building) => Some(building.site),
                None => return Ok(Vec::new()),
            },
            _ => None,
        };
        let mut views = read(&r, site, None, now)?;
        views.retain(|view| match filter {
            HazardFilter::All | HazardFilter::AtSite(_) => true,
            HazardFilter::Open => view.state.is_open(),
            HazardFilter::Overdue => view.overdue,
            HazardFilter::InState(state) => view.state == state,
            HazardFilter::AtBuilding(building) => view.place.buildings.contains(&building),
        });
        views.sort_by_key(|view| (view.found_at, view.id));
        Ok(views)
    }

    /// One hazard as it stands at `now`; nothing when the phone does not know it.
    ///
    /// # Errors
    /// [`Error`] when the phone is sealed or the store cannot be read.
    pub fn hazard(&self, id: HazardId, now: Timestamp) -> Result<Option<HazardView>, Error> {
        let r = self.showing("showing a hazard")?;
        Ok(read(&r, None, Some(id), now)?.pop())
    }
}

/// Faults for buildings that are not of this compound, or not known.
pub(crate) fn strangers(
    r: &Reader<'_>,
    site: SiteId,
    buildings: &[BuildingId],
    pointer: &str,
) -> Result<Vec<Fault>, Error> {
    let mut faults = Vec::new();
    for (i, building) in buildings.iter().enumerate() {
        if r.find_building(*building)?.is_none_or(|building| building.site != site) {
            faults.push(unknown(&format!("{pointer}/{i}")));
        }
    }
    Ok(faults)
}

fn read(
    r: &Reader<'_>,
    site: Option<SiteId>,
    one: Option<HazardId>,
    now: Timestamp,
) -> Result<Vec<HazardView>, Error> {
    let (statuses, records) = match one {
        Some(id) => (r.find_hazard(id)?.into_iter().collect(), r.records_about(&id.0)?),
        None => (r.list_hazards(site)?, r.records_on_hazards(site)?),
    };
    let mut by_hazard: BTreeMap<HazardId, (Option<HazardStatus>, Vec<RecordRow>)> = BTreeMap::new();
    for status in statuses {
        let id = status.reading.id;
        by_hazard.entry(id).or_default().0 = Some(status);
    }
    for record in records {
        if let Some(subject) = record.subject {
            by_hazard.entry(RecordId(subject)).or_default().1.push(record);
        }
    }
    let unsent: BTreeSet<RecordId> =
        r.list_outbox(EditState::Pending)?.into_iter().filter_map(|row| row.record).collect();
    let requested = r.list_commands(EditState::Pending)?;
    let views = by_hazard
        .into_iter()
        .filter_map(|(id, (status, records))| view(id, status.as_ref(), &records, &unsent, &requested, now));
    Ok(views.collect())
}

fn view(
    id: HazardId,
    status: Option<&HazardStatus>,
    records: &[RecordRow],
    unsent: &BTreeSet<RecordId>,
    requested: &[CommandRow],
    now: Timestamp,
) -> Option<HazardView> {
    let facts: Vec<_> = records.iter().map(RecordRow::fact).collect();
    let reading: HazardReading = overlay::read(id, status.map(|s| &s.reading), &facts)?;
    let site = status.map(|s| s.site).or_else(|| records.first().map(|row| row.site))?;
    let standing = reading.standing(now);
    let mut fixed_by: Vec<_> = status.map(|s| s.fixed_by.clone()).unwrap_or_default();
    fixed_by.extend(overlay::fixed_by(&facts));
    fixed_by.sort_unstable();
    fixed_by.dedup();
    Some(HazardView {
        id,
        site,
        org: reading.org,
        code: reading.code,
        place: reading.place.clone(),
        text: reading.text.clone(),
        severity: reading.severity,
        found_at: reading.found_at(),
        state: standing.state,
        due_on: standing.due_on,
        overdue: standing.overdue,
        disposed_at: standing.disposed_at,
        closed_at: standing.closed_at,
        version: status.map_or(0, |s| s.version),
        fixed_by,
        photos: before_after(id, &facts).unwrap_or_default(),
        unsent: records.iter().filter(|row| unsent.contains(&row.id)).count(),
        requested: requested
            .iter()
            .map(|row| &row.command.act)
            .filter(|act| super::request::target(act) == id.0)
            .cloned()
            .collect(),
        reading,
    })
}
