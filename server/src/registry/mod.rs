//! Who sees which site, who supervises it, and whether a registry entry is in order.
//!
//! Pure rules over rows; what an organisation sees, phones ask too ([`Org::sees`]).

use louan_schema::area;
use louan_schema::code::{OrgKind, Role};
use louan_schema::record::text::{fault_of, fault_of_required};
use louan_schema::registry::{Building, Org, Person, Site};
use louan_schema::wire::Code;

/// Most buildings in one compound.
pub const BUILDINGS_MAX: usize = 200;
/// Longest name, code or grid, in characters.
const NAME_CHARS_MAX: usize = 80;
/// Longest address, in characters.
const ADDRESS_CHARS_MAX: usize = 200;

/// Whether a person may judge hazards of this site, as far as organisation and area go:
/// the supervising organisation itself, the brigade anywhere, and a grid worker of the
/// 街镇 where the street supervises (S2, S3).
#[must_use]
pub fn supervises(person: &Person, org: &Org, site: &Site, supervisor: &Org) -> bool {
    let by_grid = person.role == Role::GridWorker
        && supervisor.kind == OrgKind::Street
        && org.street == Some(site.street)
        && supervisor.street == Some(site.street);
    person.org == org.id && (org.id == supervisor.id || person.role == Role::Brigade || by_grid)
}

/// Whether an organisation's row may be sent to everybody: authorities, not companies.
#[must_use]
pub const fn is_authority(org: &Org) -> bool {
    !matches!(org.kind, OrgKind::PropertyManager | OrgKind::Community | OrgKind::Operator)
}

/// Whether an entry of the registry is in order by itself; the 街镇 must be one of the 21
/// of the programme (AMB-22).
///
/// # Errors
/// [`Code::Schema`] when it is not.
pub fn check_entry(site: &Site, buildings: &[Building]) -> Result<(), Code> {
    let streets_ok = area::street(site.street).is_ok();
    let community_ok = site.community.is_none_or(|number| {
        area::AreaCode::new(number).is_some_and(|c| c.street() == site.street && area::community(c).is_ok())
    });
    let text = |text: &str, max| fault_of_required(text, max).is_none();
    let texts_ok = text(&site.name, NAME_CHARS_MAX)
        && fault_of(&site.address, ADDRESS_CHARS_MAX).is_none()
        && site.grid.as_deref().is_none_or(|g| text(g, NAME_CHARS_MAX));
    let mut ids: Vec<_> = buildings.iter().map(|b| b.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let distinct = ids.len() == buildings.len() && buildings.len() <= BUILDINGS_MAX;
    let buildings_ok = buildings.iter().all(|b| {
        b.site == site.id
            && text(&b.name, NAME_CHARS_MAX)
            && fault_of(&b.code, NAME_CHARS_MAX).is_none()
            && b.floors.len() <= 300
            && b.floors.iter().all(|f| louan_schema::doc::key::is_floor_label(&f.name))
    });
    // What would not read back is not entered: one such row stops everybody who reads rows in order.
    let reads_back = |row: &Building| {
        let bytes = minicbor::to_vec(row).unwrap_or_default();
        minicbor::decode::<Building>(&bytes).is_ok_and(|read| read == *row)
    };
    let rows_ok = buildings.iter().all(reads_back);
    if streets_ok && community_ok && texts_ok && distinct && buildings_ok && rows_ok {
        Ok(())
    } else {
        Err(Code::Schema)
    }
}
