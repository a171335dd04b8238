//! Reading what stores left behind, with queries of our own.
//!
//! The cores are closed when this is called; it opens their files, reads and closes. It
//! relies on names of tables and columns, so a renamed column fails loudly here and not
//! silently somewhere else.

pub mod office;
pub mod phone;

use std::collections::BTreeMap;

use louan_schema::doc::{Descriptor, Document as Opened, first_change};
use louan_schema::id::{ChangeHash, DocId};
use minicbor::Decode;
use rusqlite::Connection;

use super::Document;

/// A query that must succeed: the file was whole a moment ago.
fn rows<T>(
    connection: &Connection,
    sql: &str,
    mut read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Vec<T> {
    let mut statement = connection.prepare(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let rows = statement.query_map([], |row| read(row)).unwrap_or_else(|e| panic!("{sql}: {e}"));
    rows.collect::<Result<_, _>>().unwrap_or_else(|e| panic!("{sql}: {e}"))
}

fn cbor<T: for<'b> Decode<'b, ()>>(bytes: &[u8]) -> T {
    minicbor::decode(bytes).expect("a core wrote this value")
}

/// Changes → documents, without opening a core. What waits for a change that is not here is
/// left out, as the same change would be at the office.
fn documents<'a>(
    bases: impl IntoIterator<Item = (Descriptor, bool, Option<Vec<u8>>)>,
    changes: impl IntoIterator<Item = (DocId, &'a [u8])>,
) -> BTreeMap<DocId, Document> {
    let mut tails: BTreeMap<DocId, Vec<&[u8]>> = BTreeMap::new();
    for (doc, raw) in changes {
        tails.entry(doc).or_default().push(raw);
    }
    bases
        .into_iter()
        .map(|(descriptor, frozen, snapshot)| {
            let id = descriptor.doc_id();
            let mut document = match snapshot {
                Some(bytes) => Opened::load(&bytes).expect("a core saved this document"),
                None => Opened::fresh(id),
            };
            let mut waiting = tails.remove(&id).unwrap_or_default();
            loop {
                let before = waiting.len();
                waiting.retain(|raw| {
                    let mut copy = document.clone();
                    let waits = copy.add(raw).is_err();
                    if !waits {
                        document = copy;
                    }
                    waits
                });
                if waiting.len() == before {
                    break;
                }
            }
            let mut heads = document.heads();
            if heads == [first_change(id).hash] {
                heads = Vec::<ChangeHash>::new();
            }
            let (name, site, org) = (name_of(&descriptor), descriptor.site(), descriptor.org());
            (id, Document { name, site, org, frozen, heads })
        })
        .collect()
}

fn name_of(descriptor: &Descriptor) -> String {
    match descriptor {
        Descriptor::Book { site, org, year } => format!("book {year} of {org} on {site}"),
        Descriptor::Sheet { site, org, round } => format!("sheet {round} of {org} on {site}"),
    }
}
