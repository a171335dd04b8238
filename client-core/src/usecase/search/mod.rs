//! Finding a building by what people call it.
//!
//! The same building is 3栋, 3幢, 三号楼 and ３＃ in four mouths; [`spelling`](louan_schema::spelling) makes one
//! text of them, on both sides. Every word typed must occur; a whole number outranks the
//! beginning of a longer one, so that 2栋 does not drown among 12栋 and 22栋.

pub(crate) use louan_schema::area::street;
use louan_schema::id::{BuildingId, SiteId};
use louan_schema::policy::HeightClass;
use louan_schema::registry::{Building, Site};
use louan_schema::spelling::{closed, open, parts};

use crate::error::Error;
use crate::phone::Phone;
use crate::store::{Reader, Writer};
use crate::view::{BuildingView, SiteView};

/// Most matches ranked; a text that finds more needs another word anyway.
const RANKED_MAX: usize = 1_000;

impl Phone {
    /// Buildings whose name, compound, address, 街镇 or code contain every word of `text`, best first.
    /// An empty text lists the first buildings by code.
    ///
    /// # Errors
    /// [`Error`] when the phone is sealed or the store cannot be read.
    pub fn search_buildings(&self, text: &str, limit: usize) -> Result<Vec<BuildingView>, Error> {
        let r = self.showing("searching buildings")?;
        let words: Vec<Vec<String>> =
            typed(text).iter().map(|word| parts(word)).filter(|word| !word.is_empty()).collect();
        let whole: Vec<&String> = words.iter().flatten().collect();
        // Only the end of a word is still being typed.
        let ended = |word: &[String], at: usize| at + 1 < word.len();
        let sought = words.iter().flat_map(|word| {
            word.iter().enumerate().map(|(at, part)| if ended(word, at) { part } else { open(part) })
        });
        let sought: Vec<&str> = sought.collect();
        let mut found = r.search_buildings(&sought, RANKED_MAX.max(limit))?;
        // Stable: among equals the order of the store stands.
        found.sort_by_key(|(_, search)| whole.iter().filter(|word| !search.contains(word.as_str())).count());
        found.into_iter().take(limit).filter_map(|(building, _)| view(&r, building).transpose()).collect()
    }

    /// One building; nothing when the phone does not know it.
    ///
    /// # Errors
    /// [`Error`] when the phone is sealed or the store cannot be read.
    pub fn building(&self, id: BuildingId) -> Result<Option<BuildingView>, Error> {
        let r = self.showing("showing a building")?;
        match r.find_building(id)? {
            Some(building) => view(&r, building),
            None => Ok(None),
        }
    }

    /// One compound with its buildings; nothing when the phone does not know it.
    ///
    /// # Errors
    /// [`Error`] when the phone is sealed or the store cannot be read.
    pub fn site(&self, id: SiteId) -> Result<Option<SiteView>, Error> {
        let r = self.showing("showing a compound")?;
        let Some(site) = r.find_site(id)? else { return Ok(None) };
        Ok(Some(SiteView { site, buildings: r.list_buildings_of(id)? }))
    }
}

/// The words typed; 02 幢 is one.
fn typed(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match words.last_mut() {
            Some(last) if closed(word).starts_with('栋') => last.push_str(word),
            _ => words.push(word.to_owned()),
        }
    }
    words
}

fn view(r: &Reader<'_>, building: Building) -> Result<Option<BuildingView>, Error> {
    let Some(site) = r.find_site(building.site)? else { return Ok(None) };
    let height_class = HeightClass::of(building.building_use, building.height_cm, building.storeys);
    Ok(Some(BuildingView { building, site, height_class }))
}

/// Stores a compound's row and makes its buildings findable under its new name.
pub(crate) fn store_site(w: &Writer<'_>, site: &Site) -> Result<(), Error> {
    w.upsert_site(site)?;
    for building in w.list_buildings_of(site.id)? {
        w.set_building_search(building.id, &search_text(&building, Some(site)))?;
    }
    Ok(())
}

/// Stores a building's row, findable.
pub(crate) fn store_building(w: &Writer<'_>, building: &Building) -> Result<(), Error> {
    let site = w.find_site(building.site)?;
    w.upsert_building(building, &search_text(building, site.as_ref()))?;
    Ok(())
}

fn search_text(building: &Building, site: Option<&Site>) -> String {
    let mut lines = vec![building.name.clone(), building.code.clone()];
    if let Some(site) = site {
        let street = street(site.street).map(|street| street.name).unwrap_or_default();
        lines[0] = format!("{}{}", site.name, building.name);
        lines.push(format!("{street}{}{}", site.address, building.name));
    }
    let lines: Vec<String> = lines.iter().map(|line| closed(line)).collect();
    lines.join("\n")
}
