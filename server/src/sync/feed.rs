//! What is new after a cursor: the feed, filtered by what the device may see now.
//!
//! Skipped positions move the cursor like any other, so nothing is ever passed over and
//! nothing is read twice. A row that was written again later is sent at its last position
//! only. A gained site or organisation is sent where the feed tells of it, whole.

use std::collections::{BTreeMap, BTreeSet};

use louan_schema::id::{Chain, ChangeHash, DeviceId, SiteId};
use louan_schema::wire::{Item, Row};

use super::bootstrap::{Basket, Part, Token, fill, named_orgs};
use super::scope::DeviceScope;
use crate::storage::log::{FeedEntry, FeedKind, Head, LoggedChange};
use crate::storage::registry::{RowTable, StoredRow};
use crate::storage::{Storage, StorageError};

/// Entries read at once.
const ENTRIES: usize = 256;
/// Most entries looked at for one reply; a phone that sees little of a busy district asks again.
const ENTRIES_MAX: usize = 50_000;

/// Who asks.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    /// The device.
    pub device: DeviceId,
    /// What it may see.
    pub scope: &'a DeviceScope,
    /// Where the log stood when the scope was read.
    pub head: Head,
    /// What it has just sent and therefore has.
    pub sent: &'a BTreeSet<ChangeHash>,
}

/// What is new.
#[derive(Debug)]
pub struct News {
    /// Where the phone stands with it.
    pub pos: u64,
    /// The running hash there.
    pub chain: Chain,
    /// A gain goes on in pages: the phone stands where it stood until they are through.
    pub page: Option<Token>,
}

/// Gathers what is new after `after` into the basket, within the budget.
///
/// # Errors
/// [`StorageError`] when something cannot be read.
pub async fn news(
    storage: &dyn Storage,
    reader: &Reader<'_>,
    (after, chain): (u64, Chain),
    basket: &mut Basket,
    budget: usize,
) -> Result<News, StorageError> {
    let mut news = News { pos: after, chain, page: None };
    let mut looked_at = 0;
    while news.pos < reader.head.pos && looked_at < ENTRIES_MAX {
        let mut entries = storage.feed_after(news.pos, ENTRIES).await?;
        entries.retain(|entry| entry.pos <= reader.head.pos);
        if entries.is_empty() {
            break;
        }
        looked_at += entries.len();
        let bodies = Bodies::load(storage, reader, &entries).await?;
        for entry in &entries {
            if basket.is_full(budget) {
                return Ok(news);
            }
            let page = take(storage, reader, entry, &bodies, basket, budget).await?;
            if page.is_some() {
                return Ok(News { page, ..news });
            }
            (news.pos, news.chain) = (entry.pos, entry.chain);
        }
    }
    Ok(news)
}

/// Puts into the basket what one entry brings.
async fn take(
    storage: &dyn Storage,
    reader: &Reader<'_>,
    entry: &FeedEntry,
    bodies: &Bodies,
    basket: &mut Basket,
    budget: usize,
) -> Result<Option<Token>, StorageError> {
    let scope = reader.scope;
    let gain = |part| Token::start(reader.head.epoch, (entry.pos, entry.chain), part);
    match entry.kind {
        FeedKind::Change { .. } => {
            if let Some(change) = bodies.changes.get(&entry.pos) {
                let size = change.raw.len() + 64;
                let raw = change.raw.clone().into();
                basket.put(Item::Change { doc: change.descriptor, raw }, size);
                basket.note_list(change.pos, change.upload);
            }
        }
        FeedKind::Row { table, id, .. } => {
            let row = bodies.rows.get(&(table, id)).filter(|stored| stored.pos == entry.pos);
            if let Some(stored) = row.filter(|stored| scope.has_row(&stored.row)) {
                if let Row::Site(site) = &stored.row {
                    named_orgs(storage, site, basket).await?;
                }
                basket.put(Item::Row(scope.shown(stored.row.clone())), stored.bytes);
            }
        }
        FeedKind::Visible { org, site } if scope.orgs.contains(&org) => {
            if !scope.sight.has(site) {
                basket.put(Item::Gone(site), 16);
            } else if !scope.sight.everything {
                return fill(storage, scope, gain(Part::Site(site)), basket, budget).await;
            }
        }
        FeedKind::DeviceOrg { device, org } if device == reader.device => {
            if scope.orgs.contains(&org) {
                return fill(storage, scope, gain(Part::Org(org)), basket, budget).await;
            }
            let lost: Vec<SiteId> = storage.seen_at(org, entry.pos).await?.into_iter().collect();
            for site in lost.into_iter().filter(|site| !scope.sight.has(*site)) {
                basket.put(Item::Gone(site), 16);
            }
        }
        FeedKind::Decided { device, change, taken } if device == reader.device => {
            basket.put(Item::Decided { change, taken }, 40);
        }
        FeedKind::Frozen { doc, site, org } if scope.has_document(site, org) => {
            if let Some(head) = storage.find_document(doc).await? {
                basket.put(Item::Frozen(head.descriptor), 64);
            }
        }
        FeedKind::Visible { .. }
        | FeedKind::DeviceOrg { .. }
        | FeedKind::Decided { .. }
        | FeedKind::Frozen { .. }
        | FeedKind::Other => {}
    }
    Ok(None)
}

/// What the entries of one portion bring, read at once.
struct Bodies {
    changes: BTreeMap<u64, LoggedChange>,
    rows: BTreeMap<(RowTable, [u8; 16]), StoredRow>,
}

impl Bodies {
    async fn load(
        storage: &dyn Storage,
        reader: &Reader<'_>,
        entries: &[FeedEntry],
    ) -> Result<Self, StorageError> {
        let mut positions = Vec::new();
        let mut ids: BTreeMap<RowTable, BTreeSet<[u8; 16]>> = BTreeMap::new();
        for entry in entries {
            match entry.kind {
                FeedKind::Change { site, org } if reader.scope.has_document(site, org) => {
                    positions.push(entry.pos);
                }
                FeedKind::Row { table, id, site, org } => {
                    let site_seen = site.is_none_or(|site| reader.scope.sight.has(site));
                    let mine =
                        table != RowTable::Person || org.is_some_and(|o| reader.scope.orgs.contains(&o));
                    if site_seen && mine {
                        ids.entry(table).or_default().insert(id);
                    }
                }
                _ => {}
            }
        }
        let changes = storage.changes_at(positions).await?;
        let fresh = changes.into_iter().filter(|change| !reader.sent.contains(&change.hash));
        let mut bodies = Self { changes: fresh.map(|c| (c.pos, c)).collect(), rows: BTreeMap::new() };
        for (table, ids) in ids {
            let rows = storage.rows(table, ids.into_iter().collect()).await?;
            bodies.rows.extend(rows.into_iter().map(|row| ((table, row.id), row)));
        }
        Ok(bodies)
    }
}
