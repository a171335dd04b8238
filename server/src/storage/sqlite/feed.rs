//! The feed's table as read: one entry per position, whatever stands there.
//!
//! A kind this build does not know is skipped as [`FeedKind::Other`]: a newer build wrote it
//! for phones it knows more about; the position still counts.

use louan_schema::id::{Chain, ChangeHash, DeviceId, DocId, OrgId, SiteId};
use rusqlite::{Connection, Row};

use super::apply::kind;
use super::value::{count, damaged, int};
use crate::storage::log::{FeedEntry, FeedKind};
use crate::storage::registry::RowTable;

/// Entries after a position, in order.
pub(super) fn after(tx: &Connection, after: u64, limit: usize) -> rusqlite::Result<Vec<FeedEntry>> {
    let sql = "SELECT pos, kind, subject, site, org, device, chain FROM feed \
               WHERE stream = (SELECT id FROM stream) AND pos > ?1 ORDER BY pos LIMIT ?2";
    tx.prepare_cached(sql)?.query_map((int(after), int(limit as u64)), entry)?.collect()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<FeedEntry> {
    let site: Option<[u8; 16]> = row.get(3)?;
    let org: Option<[u8; 16]> = row.get(4)?;
    let device: Option<[u8; 16]> = row.get(5)?;
    let (site, org, device) = (site.map(SiteId), org.map(OrgId), device.map(DeviceId));
    let subject = row.get_ref(2)?.as_blob()?;
    let id = || <[u8; 16]>::try_from(subject).map_err(|_| damaged(2));
    let table = |table| Ok::<_, rusqlite::Error>(FeedKind::Row { table, id: id()?, site, org });
    let number: u8 = row.get(1)?;
    let kind = match (number, site, org, device) {
        (kind::CHANGE, Some(site), Some(org), _) => FeedKind::Change { site, org },
        (kind::ORG, ..) => table(RowTable::Org)?,
        (kind::PERSON, ..) => table(RowTable::Person)?,
        (kind::SITE, ..) => table(RowTable::Site)?,
        (kind::BUILDING, ..) => table(RowTable::Building)?,
        (kind::HAZARD, ..) => table(RowTable::Hazard)?,
        (kind::VISIBLE, Some(site), Some(org), _) => FeedKind::Visible { org, site },
        (kind::DEVICE_ORG, _, Some(org), Some(device)) => FeedKind::DeviceOrg { device, org },
        (kind::DECIDED, _, _, Some(device)) => {
            let (taken, hash) = subject.split_last().ok_or_else(|| damaged(2))?;
            let change = ChangeHash::from_slice(hash).map_err(|_| damaged(2))?;
            FeedKind::Decided { device, change, taken: *taken == 1 }
        }
        (kind::FROZEN, Some(site), Some(org), _) => FeedKind::Frozen { doc: DocId(id()?), site, org },
        _ => FeedKind::Other,
    };
    Ok(FeedEntry { pos: count(row, 0)?, chain: Chain(row.get(6)?), kind })
}
