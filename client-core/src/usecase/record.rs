//! Saving one record: check, change, outbox and lists in one transaction.
//!
//! The book is that of the writer's organisation in the year of his clock; the id is
//! minted from the act. Faults found by the caller and by `schema` are returned together.

use louan_schema::doc::scan::RecordPut;
use louan_schema::doc::write::record_change;
use louan_schema::doc::{Descriptor, Written};
use louan_schema::id::{BlobHash, HazardId, PersonId, RecordId, SiteId};
use louan_schema::policy::Policy;
use louan_schema::record::{Body, Fault, RECORD_LAYOUT, Record, Rule, check, reserved};
use louan_schema::registry::Person;
use louan_schema::time::Timestamp;

use crate::error::Error;
use crate::phone::Acting;
use crate::store::commit::{Actor, LocalChange};
use crate::store::{Reader, Writer};

/// A record about to be saved.
#[derive(Debug)]
pub(crate) struct Draft {
    pub site: SiteId,
    pub replaces: Option<RecordId>,
    pub photos: Vec<BlobHash>,
    pub body: Body,
}

/// Saves a record unless it has faults; returns its id and its row in the outbox.
pub(crate) fn save(
    w: &Writer<'_>,
    a: &Acting,
    person: &Person,
    draft: Draft,
    mut faults: Vec<Fault>,
    doing: &'static str,
) -> Result<(RecordId, i64), Error> {
    let policy = Policy::qijiang_2020();
    let kind = draft.body.kind();
    let record = Record {
        layout: RECORD_LAYOUT,
        author: person.id,
        written_at: a.at,
        catalogue: policy.catalogue(),
        replaces: draft.replaces,
        photos: draft.photos,
        body: draft.body,
    };
    faults.extend(site_fault(w, person, draft.site)?);
    faults.extend(check(&record, policy));
    faults.extend(reserved(&record.body, person.role, policy));
    Error::unless_faulty(doing, faults)?;
    let id = RecordId::mint(a.at, a.random);
    if w.find_outbox_by_record(id)?.is_some() {
        return Err(Error::bug(doing, "the same chance was handed in for two acts"));
    }
    let descriptor = Descriptor::book_at(draft.site, person.org, a.at);
    let put = RecordPut { kind, id, bytes: record.to_bytes() };
    let local_seq = commit(w, descriptor, (person.id, a.at), &put)?;
    Ok((id, local_seq))
}

/// Writes a record's change, its row in the outbox and its row on the lists; returns the one in the outbox.
pub(crate) fn commit(
    w: &Writer<'_>,
    descriptor: Descriptor,
    (person, written_at): (PersonId, Timestamp),
    put: &RecordPut,
) -> Result<i64, Error> {
    let (actor, written) = change(w, &descriptor, put)?;
    let record = Some(put.id);
    let change = LocalChange { person, descriptor, actor, written: &written, record, written_at };
    let local_seq = change.commit(w)?;
    w.insert_record(&descriptor, put, false)?;
    Ok(local_seq)
}

/// The change that puts a record into its book under the phone's present actor, not kept anywhere yet.
pub(crate) fn change(
    r: &Reader<'_>,
    descriptor: &Descriptor,
    put: &RecordPut,
) -> Result<(Actor, Written), Error> {
    let doc = descriptor.doc_id();
    let actor = Actor::current(r, doc)?;
    let written = record_change(descriptor, actor.id(doc), actor.tip, (put.kind, put.id), put.bytes.clone())?;
    Ok((actor, written))
}

/// The hazard's own id and its compound, from the office's row or the books here. A correction leads to
/// the hazard it corrects.
pub(crate) fn find_hazard_site(r: &Reader<'_>, named: RecordId) -> Result<Option<(HazardId, SiteId)>, Error> {
    if let Some(row) = r.find_hazard(named)? {
        return Ok(Some((named, row.site)));
    }
    let row = r.find_record(named, None)?.filter(|row| matches!(row.record.body, Body::Hazard(_)));
    Ok(row.map(|row| (row.subject.map_or(named, RecordId), row.site)))
}

/// What keeps a person from writing about a site. On a phone that people of several organisations use, each
/// writes where his own may: the office would return everything else.
pub(crate) fn site_fault(r: &Reader<'_>, person: &Person, site: SiteId) -> Result<Option<Fault>, Error> {
    let Some(row) = r.find_site(site)? else { return Ok(Some(unknown("/site"))) };
    let strange = r.find_org(person.org)?.is_some_and(|org| !org.sees(&row));
    Ok(strange.then(|| Fault { pointer: "/site".into(), rule: Rule::NotOurs }))
}

/// The fault of naming something the phone does not know.
pub(crate) fn unknown(pointer: &str) -> Fault {
    Fault { pointer: pointer.into(), rule: Rule::Reference }
}
