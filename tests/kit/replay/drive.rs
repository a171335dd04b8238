//! Drives the visits of the file through a district, week by week.
//!
//! A week goes: inspectors record what happened (offline), sync at its end; the police
//! confirm what came in, recheck on their phone what was fixed, sync; the office closes.
//! Every act carries the instant at which it happened, not the one at which it arrived.

use std::collections::BTreeMap;

use louan_client_core::StorePlace;
use louan_schema::area::contains;
use louan_schema::code::{BuildingUse, Datum, HazardState, HeightSource, Management, RegistryState};
use louan_schema::id::{BuildingId, CommandId, HazardId, SiteId, derived};
use louan_schema::policy::Policy;
use louan_schema::record::{Fix, Recheck};
use louan_schema::registry::{Building, Position, Site};
use louan_schema::ruling::{Act, Command};
use louan_schema::time::{Day, Timestamp};
use louan_server::hub::Hub;

use super::mapping::{answers, hazard_found};
use super::source::{Source, Visit};
use crate::cast::{Cast, StreetCast};
use crate::dice::Dice;
use crate::handset::{Handset, both};

const WEEK_DAYS: i32 = 7;
/// One visit in this many is filled by both inspectors together, on a sheet.
const TOGETHER_ONE_IN: u64 = 16;

/// How a replay is run.
pub struct Options<'a> {
    /// Decides the ids and who goes; never the figures.
    pub seed: u64,
    /// The last day that is played.
    pub last_day: Day,
    /// Folder for the phones' stores.
    pub folder: &'a std::path::Path,
    /// Told after every week: visits recorded so far, of how many.
    pub progress: &'a mut dyn FnMut(usize, usize),
}

/// What a replay leaves behind.
pub struct Outcome {
    /// Compounds registered.
    pub sites: usize,
    /// Visits recorded.
    pub visits: usize,
    /// Hazards recorded.
    pub hazards: usize,
    /// Round trips made by all phones.
    pub trips: usize,
    /// Visits filled by two people on one sheet.
    pub together: usize,
    /// The phones, to be looked at.
    pub phones: Vec<Handset>,
}

struct District {
    hub: Hub,
    cast: StreetCast,
    inspectors: [Handset; 2],
    officer: Handset,
    dice: Dice,
    sites: BTreeMap<String, (SiteId, BuildingId)>,
    /// Found and not yet closed, with the instant at which it will be.
    open: Vec<(Timestamp, HazardId)>,
    hazards: usize,
    trips: usize,
    together: usize,
}

/// Runs the visits of `source` through phones and `hub`, the streets side by side: they
/// share the hub and nothing else.
pub async fn replay(source: &Source, hub: &Hub, cast: &Cast, options: Options<'_>) -> Outcome {
    let first_day: Day = "2020-01-21".parse().expect("in the calendar");
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut streets = tokio::task::JoinSet::new();
    for (n, street) in cast.streets.iter().enumerate() {
        let seed = options.seed.wrapping_mul(1_000).wrapping_add(n as u64);
        let mut district = District::open(hub, cast, street, seed, options.folder, first_day.start()).await;
        let addresses: Vec<String> =
            source.streets.iter().filter(|(_, s)| **s == street.street).map(|(a, _)| a.clone()).collect();
        let visits: Vec<Visit> =
            source.visits.iter().filter(|v| source.streets[&v.address] == street.street).cloned().collect();
        let tell = tell.clone();
        let last_day = options.last_day;
        streets.spawn(async move {
            for address in &addresses {
                district.register(address, first_day.start()).await;
            }
            district.fetch(first_day.start()).await;
            district
                .year(&visits, (first_day, last_day), |done| {
                    let _ = tell.send(done);
                })
                .await;
            district
        });
    }
    drop(tell);
    let (mut done, all) = (0, source.visits.len());
    while let Some(more) = told.recv().await {
        done += more;
        (options.progress)(done, all);
    }
    let mut outcome = Outcome {
        sites: source.streets.len(),
        visits: done,
        hazards: 0,
        trips: 0,
        together: 0,
        phones: Vec::new(),
    };
    while let Some(district) = streets.join_next().await {
        let district = district.expect("a street that panics stops the replay");
        outcome.hazards += district.hazards;
        outcome.trips += district.trips;
        outcome.together += district.together;
        let [a, b] = district.inspectors;
        outcome.phones.extend([a, b, district.officer]);
    }
    outcome
}

impl District {
    async fn open(
        hub: &Hub,
        cast: &Cast,
        street: &StreetCast,
        seed: u64,
        folder: &std::path::Path,
        now: Timestamp,
    ) -> Self {
        let mut handsets = Vec::new();
        for (n, person) in
            [&street.inspectors[0], &street.inspectors[1], &street.officer].into_iter().enumerate()
        {
            let place = StorePlace::File(folder.join(format!("{}-{n}.sqlite", street.street)));
            let mut handset = Handset::new(place, seed.wrapping_mul(10).wrapping_add(n as u64));
            handset.enrol(hub, crate::enrolment(cast, person, handset.device), now).await;
            handsets.push(handset);
        }
        let officer = handsets.pop().expect("three phones");
        let second = handsets.pop().expect("three phones");
        let first = handsets.pop().expect("three phones");
        Self {
            hub: hub.clone(),
            cast: street.clone(),
            inspectors: [first, second],
            officer,
            dice: Dice::seeded(seed ^ 0x5eed),
            sites: BTreeMap::new(),
            open: Vec::new(),
            hazards: 0,
            trips: 0,
            together: 0,
        }
    }

    /// The whole year, a week at a time.
    async fn year(&mut self, visits: &[Visit], (first_day, last_day): (Day, Day), tell: impl Fn(usize)) {
        let mut visits = visits.iter().peekable();
        let mut week = first_day;
        while week <= last_day {
            let until = week.plus_days(WEEK_DAYS).start().min(last_day.end());
            let mut done = 0;
            while let Some(visit) = visits.next_if(|v| v.opened_at < until) {
                self.visit(visit).await;
                done += 1;
            }
            // In a quiet week nobody goes where there is signal.
            if done > 0 || self.open.iter().any(|(closed, _)| *closed < until) {
                self.end_of_week(until).await;
            }
            tell(done);
            week = week.plus_days(WEEK_DAYS);
        }
    }

    /// Enters a compound of one building; its height is unknown, its position made up and marked so.
    async fn register(&mut self, address: &str, at: Timestamp) {
        let site_id = SiteId(derived("louan/replay/site/1", &[address.as_bytes()]));
        let building_id = BuildingId(derived("louan/replay/building/1", &[address.as_bytes()]));
        let number = self.sites.len() + 1;
        let site = Site {
            id: site_id,
            name: address.to_owned(),
            street: self.cast.street,
            community: None,
            grid: None,
            address: address.to_owned(),
            management: Management::PropertyCompany,
            managed_by: Some(self.cast.property.id),
            supervised_by: self.cast.police.id,
            position: Some(made_up_position(address)),
        };
        let building = Building {
            id: building_id,
            site: site_id,
            code: format!("{}-{number:06}", self.cast.street),
            name: "1栋".to_owned(),
            building_use: BuildingUse::Residential,
            height_cm: None,
            height_source: HeightSource::Unknown,
            storeys: None,
            floors: Vec::new(),
            state: RegistryState::Unverified,
            footprint: None,
        };
        self.rule(self.cast.clerk.id, 0, at, Act::RegisterSite(site, vec![building])).await;
        self.sites.insert(address.to_owned(), (site_id, building_id));
    }

    async fn rule(&mut self, by: louan_schema::id::PersonId, expected_version: u64, at: Timestamp, act: Act) {
        let command = Command { id: CommandId::mint(at, self.dice.bytes()), expected_version, at, act };
        let verdict = self.hub.command(by, command.clone(), both(at)).await.expect("the hub answers");
        assert!(
            matches!(verdict, louan_schema::wire::CommandVerdict::Done(_)),
            "{verdict:?} for {command:?}"
        );
    }

    async fn fetch(&mut self, now: Timestamp) {
        for handset in &mut self.inspectors {
            self.trips += handset.sync(&self.hub, now).await;
        }
    }

    /// One visit: sixteen answers and what was found. Some are filled by two people.
    async fn visit(&mut self, visit: &Visit) {
        let (site, building) = self.sites[&visit.address];
        let at = visit.opened_at;
        let who = usize::from(self.dice.once_in(2));
        let answers = answers(visit, at.day());
        let together = self.dice.once_in(TOGETHER_ONE_IN);
        let people = [self.cast.inspectors[0].id, self.cast.inspectors[1].id];
        let acting = self.inspectors[who].acting(people[who], at);
        let round = self.inspectors[who].phone.start_round(&acting, site, vec![building]).expect("starts");
        let half = if together { answers.len() / 2 } else { answers.len() };
        for answer in &answers[..half] {
            let acting = self.inspectors[who].acting(people[who], at);
            self.inspectors[who].phone.answer(&acting, round, answer.clone()).expect("answers");
        }
        if together {
            self.together += 1;
            let other = 1 - who;
            self.trips += self.inspectors[who].sync(&self.hub, at).await;
            self.trips += self.inspectors[other].sync(&self.hub, at).await;
            let acting = self.inspectors[other].acting(people[other], at);
            self.inspectors[other].phone.join_round(&acting, round).expect("joins what came down");
            for answer in &answers[half..] {
                let acting = self.inspectors[other].acting(people[other], at);
                self.inspectors[other].phone.answer(&acting, round, answer.clone()).expect("answers");
            }
            self.trips += self.inspectors[other].sync(&self.hub, at).await;
            self.trips += self.inspectors[who].sync(&self.hub, at).await;
        }
        let acting = self.inspectors[who].acting(people[who], at);
        self.inspectors[who].phone.submit_synthetic_round(&acting, round).expect("saves");
        for (code, text) in &visit.hazards {
            let hazard = hazard_found(*code, text, building, at, round);
            let acting = self.inspectors[who].acting(people[who], at);
            let id =
                self.inspectors[who].phone.report_hazard(&acting, site, hazard, Vec::new()).expect("saves");
            self.open.push((visit.closed_at, id));
            self.hazards += 1;
        }
    }

    /// Everybody syncs; the police confirm; what was fixed this week is rechecked and closed.
    async fn end_of_week(&mut self, until: Timestamp) {
        let last = until.plus_ms(-1);
        self.fetch(last).await;
        self.trips += self.officer.sync(&self.hub, last).await;
        self.confirm_all(last).await;
        self.fetch(last).await;
        let (due, open): (Vec<_>, Vec<_>) = self.open.drain(..).partition(|(closed, _)| *closed < until);
        self.open = open;
        for (closed, id) in &due {
            // Either colleague may have removed the danger, whoever found it.
            let who = usize::from(self.dice.once_in(2));
            let person = self.cast.inspectors[who].id;
            let acting = self.inspectors[who].acting(person, *closed);
            let fix = Fix {
                hazard: *id,
                fixed_at: *closed,
                fixed_by: person,
                measures: "已整改(演示数据)".to_owned(),
                cost_fen: None,
            };
            self.inspectors[who].phone.report_fix(&acting, fix, Vec::new()).expect("saves");
        }
        self.fetch(last).await;
        self.trips += self.officer.sync(&self.hub, last).await;
        for (closed, id) in &due {
            let person = self.cast.officer.id;
            let acting = self.officer.acting(person, *closed);
            let recheck = Recheck {
                hazard: *id,
                checked_at: *closed,
                checked_by: person,
                passed: true,
                text: String::new(),
            };
            self.officer.phone.recheck(&acting, recheck, Vec::new()).expect("saves");
        }
        self.trips += self.officer.sync(&self.hub, last).await;
        for (closed, id) in due {
            let version = self.hub.find_hazard(id).await.expect("answers").expect("is in the ledger").version;
            self.rule(self.cast.officer.id, version, closed, Act::CloseHazard { hazard: id }).await;
        }
    }

    async fn confirm_all(&mut self, now: Timestamp) {
        let waiting: Vec<_> = self
            .officer
            .phone
            .hazards(louan_client_core::HazardFilter::InState(HazardState::Reported), now)
            .expect("reads")
            .into_iter()
            .map(|view| (view.id, view.code, view.severity, view.found_at, view.version))
            .collect();
        for (id, code, severity, found_at, version) in waiting {
            let due_on =
                Policy::qijiang_2020().due_on(code, found_at).unwrap_or_else(|| found_at.day().plus_days(30));
            let act = Act::ConfirmHazard { hazard: id, severity, due_on };
            self.rule(self.cast.officer.id, version, found_at, act).await;
        }
    }
}

/// A point inside the district chosen by the address, marked as made up.
fn made_up_position(address: &str) -> Position {
    for attempt in 0_u32.. {
        let chance = derived("louan/replay/position/1", &[address.as_bytes(), &attempt.to_be_bytes()]);
        let part = |at: usize| {
            f64::from(u32::from_be_bytes([chance[at], chance[at + 1], chance[at + 2], chance[at + 3]]))
                / 4_294_967_296.0
        };
        let (lon, lat) = (106.3 + part(0), 28.4 + part(4));
        if contains(lon, lat) {
            #[allow(clippy::cast_possible_truncation, reason = "degrees times ten million fit 32 bits")]
            let (lon_e7, lat_e7) = ((lon * 1e7) as i32, (lat * 1e7) as i32);
            return Position { lon_e7, lat_e7, datum: Datum::Cgcs2000, synthetic: true };
        }
    }
    unreachable!("the outline has an inside")
}
