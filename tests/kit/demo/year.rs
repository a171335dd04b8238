//! The weeks of the demonstration: phones away all week, everyone together on Friday.
//!
//! All week the phones record without signal. On Friday at 18:00 they meet the office, the
//! police confirm what came in, what was put right is rechecked and closed. The service is
//! started anew for every week, because only then may its business clock be set; sessions,
//! phones and the log go on over it as over any restart.

use std::collections::BTreeMap;
use std::path::PathBuf;

use louan_schema::id::{BuildingId, HazardId, SiteId, derived};
use louan_schema::record::{Fix, Recheck};
use louan_schema::time::{Day, Month, Timestamp};

use super::desk::{Desk, NewSite};
use super::people::Crew;
use super::phone::Pocket;
use super::{Step, Trouble};
use crate::dice::Dice;
use crate::replay::Source;
use crate::replay::mapping::{answers, hazard_found};
use crate::replay::source::Visit;

/// One visit in this many is filled by both inspectors together, on a sheet.
const TOGETHER_ONE_IN: u64 = 8;
const WEEK_DAYS: i32 = 7;
const EVENING_MS: i64 = 18 * 3_600_000;
/// Only who goes where hangs on it, never a figure.
const SEED: u64 = 2_020;

/// What happened, counted (演示进度).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Played {
    /// Visits recorded.
    pub visits: usize,
    /// Visits filled by two people on one sheet.
    pub together: usize,
    /// Hazards recorded.
    pub hazards: usize,
    /// Hazards confirmed.
    pub confirmed: usize,
    /// Hazards closed.
    pub closed: usize,
}

impl std::ops::AddAssign for Played {
    fn add_assign(&mut self, more: Self) {
        self.visits += more.visits;
        self.together += more.together;
        self.hazards += more.hazards;
        self.confirmed += more.confirmed;
        self.closed += more.closed;
    }
}

/// A week to be played (演示周).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Week {
    /// When everyone is back.
    pub until: Timestamp,
}

impl Week {
    /// The weeks from the campaign's first day: Fridays, and the last day whatever it is.
    #[must_use]
    pub fn all(first_day: Day, last_day: Day) -> Vec<Self> {
        // 1970-01-01 was a Thursday, so a Friday's count leaves 1.
        let to_friday = (1 - first_day.count()).rem_euclid(WEEK_DAYS);
        let mut fridays = Vec::new();
        let mut friday = first_day.plus_days(to_friday);
        while friday < last_day {
            fridays.push(friday);
            friday = friday.plus_days(WEEK_DAYS);
        }
        fridays.push(last_day);
        fridays.into_iter().map(Self::ending).collect()
    }

    /// The week that ends on a day.
    #[must_use]
    pub const fn ending(day: Day) -> Self {
        Self { until: day.start().plus_ms(EVENING_MS) }
    }

    /// The month it ends in.
    #[must_use]
    pub fn month(self) -> Month {
        self.until.day().month()
    }
}

/// The district's streets, side by side.
#[derive(Debug)]
pub struct Year {
    streets: Vec<Street>,
}

#[derive(Debug)]
struct Street {
    crew: Crew,
    clerk: Desk,
    officer: Desk,
    inspectors: [Pocket; 2],
    police: Pocket,
    dice: Dice,
    sites: BTreeMap<String, (SiteId, BuildingId)>,
    visits: std::iter::Peekable<std::vec::IntoIter<Visit>>,
    /// Found and not yet put right, with the instant at which it will be.
    open: Vec<(Timestamp, HazardId)>,
    played: Played,
}

impl Year {
    /// Enrols every phone and enters every building of the source.
    ///
    /// # Errors
    /// [`Trouble`] with what did not work.
    pub async fn open(
        office: (String, Vec<u8>),
        folder: PathBuf,
        crews: Vec<Crew>,
        source: &Source,
        now: Timestamp,
    ) -> Step<Self> {
        let mut opening = tokio::task::JoinSet::new();
        for (n, crew) in crews.into_iter().enumerate() {
            let street = crew.cast.street;
            let here = |address: &String| source.streets[address] == street;
            let addresses: Vec<String> = source.streets.keys().filter(|a| here(a)).cloned().collect();
            let visits: Vec<Visit> = source.visits.iter().filter(|v| here(&v.address)).cloned().collect();
            let (office, folder) = (office.clone(), folder.clone());
            opening.spawn(async move {
                let mut street = Street::open(&office, &folder, crew, visits, now).await?;
                street.register(&addresses, now).await?;
                Ok::<_, Trouble>((n, street))
            });
        }
        let mut streets = Vec::new();
        while let Some(street) = opening.join_next().await {
            streets.push(street.map_err(|e| Trouble::odd(e.to_string()))??);
        }
        streets.sort_by_key(|(n, _)| *n);
        Ok(Self { streets: streets.into_iter().map(|(_, street)| street).collect() })
    }

    /// Plays a week in every street at once; what happened in it.
    ///
    /// # Errors
    /// [`Trouble`] with what did not work.
    pub async fn play(&mut self, week: Week) -> Step<Played> {
        let mut playing = tokio::task::JoinSet::new();
        for (n, mut street) in self.streets.drain(..).enumerate() {
            playing.spawn(async move {
                street.played = Played::default();
                street.week(week.until).await?;
                Ok::<_, Trouble>((n, street))
            });
        }
        let mut streets = Vec::new();
        while let Some(street) = playing.join_next().await {
            streets.push(street.map_err(|e| Trouble::odd(e.to_string()))??);
        }
        streets.sort_by_key(|(n, _)| *n);
        let mut played = Played::default();
        for (_, street) in streets {
            played += street.played;
            self.streets.push(street);
        }
        Ok(played)
    }

    /// How often all phones together were connected.
    #[must_use]
    pub fn trips(&self) -> usize {
        self.phones().map(Pocket::trips).sum()
    }

    /// How many phones there are.
    #[must_use]
    pub fn phone_count(&self) -> usize {
        self.phones().count()
    }

    /// How many edits on any phone are not in the ledger: waiting, held or returned.
    ///
    /// # Errors
    /// [`Trouble`] when a phone's store cannot be read.
    pub fn unsettled(&self) -> Step<usize> {
        self.phones().map(Pocket::unsettled).sum()
    }

    fn phones(&self) -> impl Iterator<Item = &Pocket> {
        self.streets.iter().flat_map(|street| street.inspectors.iter().chain([&street.police]))
    }
}

impl Street {
    async fn open(
        (url, root): &(String, Vec<u8>),
        folder: &std::path::Path,
        crew: Crew,
        visits: Vec<Visit>,
        now: Timestamp,
    ) -> Step<Self> {
        let code = crew.cast.street;
        let office = (url.as_str(), root.as_slice());
        let pocket = |n: usize, label: &str| {
            Pocket::enrolled(office, folder, format!("{code}-{label}"), &crew.phones[n], now)
        };
        let inspectors = [pocket(0, "inspector-1").await?, pocket(1, "inspector-2").await?];
        let police = pocket(2, "police").await?;
        Ok(Self {
            clerk: Desk::new(url, root, crew.clerk.clone())?,
            officer: Desk::new(url, root, crew.officer.clone())?,
            inspectors,
            police,
            dice: Dice::seeded(SEED + u64::from(code.number())),
            sites: BTreeMap::new(),
            visits: visits.into_iter().peekable(),
            open: Vec::new(),
            played: Played::default(),
            crew,
        })
    }

    async fn register(&mut self, addresses: &[String], now: Timestamp) -> Step<()> {
        for (n, address) in addresses.iter().enumerate() {
            let id = SiteId(derived("louan/replay/site/1", &[address.as_bytes()]));
            let building = BuildingId(derived("louan/replay/building/1", &[address.as_bytes()]));
            let site = NewSite {
                id,
                building,
                address,
                code: &format!("{}-{:06}", self.crew.cast.street, n + 1),
                street: self.crew.cast.street,
                managed_by: self.crew.property,
                supervised_by: self.crew.police,
                at: now,
            };
            self.clerk.register(&site).await?;
            self.sites.insert(address.clone(), (id, building));
        }
        self.inspectors_sync(now).await
    }

    async fn inspectors_sync(&mut self, now: Timestamp) -> Step<()> {
        for pocket in &mut self.inspectors {
            pocket.sync(now).await?;
        }
        Ok(())
    }

    async fn week(&mut self, until: Timestamp) -> Step<()> {
        while let Some(visit) = self.visits.next_if(|v| v.opened_at < until) {
            self.visit(&visit, until).await?;
        }
        let due = self.open.iter().any(|(closed, _)| *closed < until);
        // In a quiet week nobody goes where there is signal.
        if self.played.visits > 0 || due { self.friday(until).await } else { Ok(()) }
    }

    /// One visit: sixteen answers and what was found. Some are filled by two people.
    async fn visit(&mut self, visit: &Visit, until: Timestamp) -> Step<()> {
        let (site, building) = self.sites[&visit.address];
        let at = visit.opened_at;
        let who = usize::from(self.dice.once_in(2));
        let together = self.dice.once_in(TOGETHER_ONE_IN);
        let answers = answers(visit, at.day());
        let half = if together { answers.len() / 2 } else { answers.len() };
        let first = &mut self.inspectors[who];
        let round = first.phone.start_round(&first.acting(at), site, vec![building]);
        let round = round.map_err(|e| first.trouble(&e))?;
        for answer in &answers[..half] {
            let saved = first.phone.answer(&first.acting(at), round, answer.clone());
            saved.map_err(|e| first.trouble(&e))?;
        }
        if together {
            self.played.together += 1;
            self.inspectors_sync(until).await?;
            self.inspectors_sync(until).await?;
            let second = &mut self.inspectors[1 - who];
            let joined = second.phone.join_round(&second.acting(at), round);
            joined.map_err(|e| second.trouble(&e))?;
            for answer in &answers[half..] {
                let saved = second.phone.answer(&second.acting(at), round, answer.clone());
                saved.map_err(|e| second.trouble(&e))?;
            }
            self.inspectors_sync(until).await?;
            self.inspectors_sync(until).await?;
        }
        let first = &mut self.inspectors[who];
        let submitted = first.phone.submit_synthetic_round(&first.acting(at), round);
        submitted.map_err(|e| first.trouble(&e))?;
        self.played.visits += 1;
        for (code, text) in &visit.hazards {
            let hazard = hazard_found(*code, text, building, at, round);
            let saved = first.phone.report_hazard(&first.acting(at), site, hazard, Vec::new());
            self.open.push((visit.closed_at, saved.map_err(|e| first.trouble(&e))?));
            self.played.hazards += 1;
        }
        Ok(())
    }

    /// Everybody syncs; the police confirm; what was put right is rechecked and closed.
    async fn friday(&mut self, until: Timestamp) -> Step<()> {
        self.inspectors_sync(until).await?;
        self.played.confirmed += self.officer.confirm_all(until).await?;
        let (due, open): (Vec<_>, Vec<_>) = self.open.drain(..).partition(|(closed, _)| *closed < until);
        self.open = open;
        if due.is_empty() {
            return Ok(());
        }
        self.inspectors_sync(until).await?;
        for (closed, hazard) in &due {
            // Either colleague may have removed the danger, whoever found it.
            let who = usize::from(self.dice.once_in(2));
            let pocket = &mut self.inspectors[who];
            let fix = Fix {
                hazard: *hazard,
                fixed_at: *closed,
                fixed_by: pocket.person,
                measures: "已整改（演示数据）".to_owned(),
                cost_fen: None,
            };
            let saved = pocket.phone.report_fix(&pocket.acting(*closed), fix, Vec::new());
            saved.map_err(|e| pocket.trouble(&e))?;
        }
        self.inspectors_sync(until).await?;
        self.police.sync(until).await?;
        for (closed, hazard) in &due {
            let recheck = Recheck {
                hazard: *hazard,
                checked_at: *closed,
                checked_by: self.police.person,
                passed: true,
                text: String::new(),
            };
            let saved = self.police.phone.recheck(&self.police.acting(*closed), recheck, Vec::new());
            saved.map_err(|e| self.police.trouble(&e))?;
        }
        self.police.sync(until).await?;
        self.played.closed += self.officer.close_all(until).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_end_on_fridays_and_on_the_last_day() {
        let day = |text: &str| -> Day { text.parse().expect("a day") };
        let ends: Vec<String> =
            Week::all(day("2020-01-21"), day("2020-02-11")).iter().map(|w| w.until.to_string()).collect();
        assert_eq!(
            ends,
            [
                "2020-01-24T18:00:00+08:00",
                "2020-01-31T18:00:00+08:00",
                "2020-02-07T18:00:00+08:00",
                "2020-02-11T18:00:00+08:00"
            ]
        );
        let friday = Week::all(day("2020-01-24"), day("2020-01-24"));
        assert_eq!(friday.len(), 1, "a Friday is its own week's end, once");
    }
}
