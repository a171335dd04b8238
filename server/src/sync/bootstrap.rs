//! Everything a device may see, in pages: for a new phone, a gained site, a gained organisation.
//!
//! The position at which the phone will stand afterwards is fixed when the first page is
//! made; whatever changes while pages are sent comes again by the feed. Everything in scope
//! comes rows first, in pages of their own: a new phone shows its lists after seconds, while
//! the documents behind them are still on their way. The token between pages is plain: it
//! holds no right, scope is asked anew for every page.

use std::collections::BTreeMap;

use louan_schema::doc::Descriptor;
use louan_schema::id::{Chain, DocId, Epoch, OrgId, SiteId};
use louan_schema::wire::{Item, Proof, Row, Signed, SignedList};
use minicbor::{Decode, Encode};

use super::scope::DeviceScope;
use crate::registry::is_authority;
use crate::storage::registry::{RowTable, Sight};
use crate::storage::{Storage, StorageError};

/// Rows read at once.
const ROWS: usize = 256;
/// What a signed list needs besides its entries, and what an entry needs.
const LIST_BYTES: usize = 192;
const LIST_ENTRY_BYTES: usize = 56;
/// Most bytes of signed lists in one reply: some 20,000 changes.
const LISTS_BYTES_MAX: usize = 1024 * 1024;
/// Documents listed at once.
const DOCUMENTS: usize = 64;

/// What the pages are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Part {
    /// Everything in scope.
    #[n(0)]
    All,
    /// What an organisation brings.
    #[n(1)]
    Org(#[n(0)] OrgId),
    /// One site.
    #[n(2)]
    Site(#[n(0)] SiteId),
}

/// Where the pages stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Token {
    /// The life of the log in which the pages began.
    #[n(0)]
    pub epoch: Epoch,
    /// Where the phone stands after the last page.
    #[n(1)]
    pub pos: u64,
    /// The log's running hash there: a log put back in between is found out.
    #[n(2)]
    pub chain: Chain,
    /// What they are of.
    #[n(3)]
    pub part: Part,
    /// Which table or, beyond the tables, documents.
    #[n(4)]
    phase: u8,
    /// The last id sent of it.
    #[n(5)]
    after: Option<minicbor::bytes::ByteArray<16>>,
}

const TABLES: [RowTable; 5] =
    [RowTable::Org, RowTable::Person, RowTable::Site, RowTable::Building, RowTable::Hazard];

impl Token {
    /// The beginning.
    #[must_use]
    pub const fn start(epoch: Epoch, (pos, chain): (u64, Chain), part: Part) -> Self {
        // One site brings no people and only the organisations it names, which go with its row.
        let phase = if matches!(part, Part::Site(_)) { 2 } else { 0 };
        Self { epoch, pos, chain, part, phase, after: None }
    }

    /// Reads a token that a phone returned; nothing for one that is none.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        minicbor::decode(bytes).ok()
    }

    /// The token's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Writing to a Vec cannot fail, and no field's encoder refuses a value.
        minicbor::to_vec(self).unwrap_or_default()
    }

    fn next_phase(&mut self) {
        self.phase += 1;
        self.after = None;
    }
}

/// Items with their size, up to a budget.
#[derive(Debug, Default)]
pub struct Basket {
    /// What is in it.
    pub items: Vec<Item>,
    /// Its size, in bytes before compression.
    pub bytes: usize,
    /// Changes behind this position go with what their authors signed.
    lists_behind: Option<u64>,
    /// The lists that go with its changes, each at the last of them.
    lists: BTreeMap<[u8; 32], u64>,
}

impl Basket {
    /// An empty basket. Before there is a verified backup there is nothing that could be put back, and nobody
    /// needs to keep what colleagues signed.
    #[must_use]
    pub fn with_lists_behind(backed_up_pos: u64) -> Self {
        Self { lists_behind: Some(backed_up_pos).filter(|pos| *pos > 0), ..Self::default() }
    }

    /// A change at this position goes with the list its author signed, as long as no verified backup has it.
    pub fn note_list(&mut self, pos: u64, digest: [u8; 32]) {
        if self.lists_behind.is_none_or(|behind| pos <= behind) {
            return;
        }
        let last = self.lists.entry(digest).or_default();
        if *last == 0 {
            self.bytes += LIST_BYTES;
        }
        *last = pos.max(*last);
        self.bytes += LIST_ENTRY_BYTES;
    }

    /// Puts the lists noted in, behind everything they speak of: who gets them looks there for the changes.
    ///
    /// # Errors
    /// [`StorageError`] when one cannot be read.
    pub async fn put_lists(&mut self, storage: &dyn Storage) -> Result<(), StorageError> {
        let lists = std::mem::take(&mut self.lists);
        // The smallest first: whoever signs huge lists over single changes costs himself the help, nobody else.
        for upload in storage.smallest_uploads(lists.keys().copied().collect(), LISTS_BYTES_MAX).await? {
            let Some(pos) = lists.get(&upload.digest).copied() else { continue };
            let Ok(list) = minicbor::decode::<SignedList>(&upload.list) else { continue };
            self.items.push(Item::Signed(Box::new(Signed {
                device: upload.device,
                incarnation: upload.incarnation,
                person: upload.person,
                proof: Proof { list, commands: upload.commands_digest.into() },
                signature: upload.signature.into(),
                pos,
            })));
        }
        Ok(())
    }

    /// Puts an item of about `bytes` bytes in.
    pub fn put(&mut self, item: Item, bytes: usize) {
        self.items.push(item);
        self.bytes += bytes + 32;
    }

    /// Whether so much more is within the budget; into an empty basket goes anything.
    #[must_use]
    pub const fn has_room(&self, bytes: usize, budget: usize) -> bool {
        self.items.is_empty() || self.bytes + bytes <= budget
    }

    /// Whether the budget is used up.
    #[must_use]
    pub const fn is_full(&self, budget: usize) -> bool {
        self.bytes >= budget
    }
}

/// Fills the basket from where the token stands. The token for the next page, or nothing
/// when this was the last.
///
/// # Errors
/// [`StorageError`] when something cannot be read.
pub async fn fill(
    storage: &dyn Storage,
    scope: &DeviceScope,
    mut token: Token,
    basket: &mut Basket,
    budget: usize,
) -> Result<Option<Token>, StorageError> {
    let (narrowed, site) = narrowed(storage, scope, token.part).await?;
    while !basket.is_full(budget) {
        let Some(table) = TABLES.get(usize::from(token.phase)) else {
            match documents(storage, &narrowed, site, &mut token, basket, budget).await? {
                Reached::End => return Ok(None),
                Reached::Portion => continue,
                Reached::Budget => break,
            }
        };
        let reached = rows(storage, &narrowed, (*table, site), &mut token, basket, budget).await?;
        if reached == Reached::End {
            token.next_phase();
            // A phone takes a page whole, and takes documents apart while it does.
            let rows_are_through = usize::from(token.phase) == TABLES.len();
            if token.part == Part::All && rows_are_through && !basket.items.is_empty() {
                break;
            }
        }
    }
    Ok(Some(token))
}

/// How far one portion came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// There is no more of it.
    End,
    /// There may be more.
    Portion,
    /// There is more, for the next page.
    Budget,
}

/// What is left of a scope for one part of it.
async fn narrowed(
    storage: &dyn Storage,
    scope: &DeviceScope,
    part: Part,
) -> Result<(DeviceScope, Option<SiteId>), StorageError> {
    Ok(match part {
        Part::All => (scope.clone(), None),
        Part::Site(site) => {
            let sites = if scope.sight.has(site) { [site].into() } else { [].into() };
            let sight = Sight { sites, ..Sight::default() };
            (DeviceScope { sight, ..scope.clone() }, Some(site))
        }
        Part::Org(org) if scope.orgs.contains(&org) => {
            let sight = storage.sight(vec![org]).await?;
            (DeviceScope { orgs: [org].into(), people: scope.people.clone(), sight }, None)
        }
        Part::Org(_) => (DeviceScope::default(), None),
    })
}

/// Sends rows of a table.
async fn rows(
    storage: &dyn Storage,
    scope: &DeviceScope,
    (table, site): (RowTable, Option<SiteId>),
    token: &mut Token,
    basket: &mut Basket,
    budget: usize,
) -> Result<Reached, StorageError> {
    let found = storage.rows_after(table, token.after.map(Into::into), site, ROWS).await?;
    let reached = if found.len() < ROWS { Reached::End } else { Reached::Portion };
    for stored in found {
        if basket.is_full(budget) {
            return Ok(Reached::Budget);
        }
        token.after = Some(stored.id.into());
        if scope.has_row(&stored.row) {
            if let (Row::Site(row), Part::Site(_)) = (&stored.row, token.part) {
                named_orgs(storage, row, basket).await?;
            }
            basket.put(Item::Row(scope.shown(stored.row)), stored.bytes);
        }
    }
    Ok(reached)
}

/// Sends the organisations a site names that not everybody knows; they go before its row.
///
/// # Errors
/// [`StorageError`] when they cannot be read.
pub async fn named_orgs(
    storage: &dyn Storage,
    site: &louan_schema::registry::Site,
    basket: &mut Basket,
) -> Result<(), StorageError> {
    let ids: Vec<[u8; 16]> = site.managed_by.iter().chain([&site.supervised_by]).map(|org| org.0).collect();
    for stored in storage.rows(RowTable::Org, ids).await? {
        let known = matches!(&stored.row, Row::Org(org) if is_authority(org));
        let item = Item::Row(stored.row);
        if !known && !basket.items.contains(&item) {
            basket.put(item, stored.bytes);
        }
    }
    Ok(())
}

/// Sends documents.
async fn documents(
    storage: &dyn Storage,
    scope: &DeviceScope,
    site: Option<SiteId>,
    token: &mut Token,
    basket: &mut Basket,
    budget: usize,
) -> Result<Reached, StorageError> {
    let after = token.after.map(|id| DocId(id.into()));
    let heads = storage.documents_after(after, site, DOCUMENTS).await?;
    let reached = if heads.len() < DOCUMENTS { Reached::End } else { Reached::Portion };
    for head in heads {
        if basket.is_full(budget) {
            return Ok(Reached::Budget);
        }
        let (doc, id) = (head.descriptor, head.descriptor.doc_id());
        // A submitted sheet is history; a book is a book, closed or not.
        let wanted = doc.is_book() || !head.frozen;
        if !wanted || !scope.has_document(doc.site(), doc.org()) {
            token.after = Some(id.0.into());
            continue;
        }
        if let Some(bytes) = storage.snapshot(id).await? {
            let size = bytes.len();
            // A document is the one thing that may be large: the phone must be able to unpack the page.
            if !basket.has_room(size, budget) {
                return Ok(Reached::Budget);
            }
            basket.put(Item::Snapshot { doc, bytes: bytes.into() }, size);
            if head.frozen && matches!(doc, Descriptor::Book { .. }) {
                basket.put(Item::Frozen(doc), 0);
            }
            if let Some(behind) = basket.lists_behind.filter(|behind| head.head_pos > *behind) {
                for (pos, digest) in storage.uploads_of(id, behind).await? {
                    basket.note_list(pos, digest);
                }
            }
        }
        token.after = Some(id.0.into());
    }
    Ok(reached)
}
