//! A batch opened: its signature checked, its changes taken apart and grouped by document.
//!
//! The hash of a change is computed here over whatever bytes came, so that one malformed
//! change spoils its own verdict and not the signature of its neighbours. Nothing is
//! believed that the device's key has not signed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use louan_schema::doc::Descriptor;
use louan_schema::doc::scan::{ScanFault, Scanned, record_put, scan};
use louan_schema::id::{ChangeHash, DeviceId, DocId, RecordId};
use louan_schema::record::{Body, Record};
use louan_schema::time::Timestamp;
use louan_schema::wire::{Batch, Code, SignedList};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::storage::commit::{Sender, Upload};
use crate::storage::log::StateQuery;

/// A change as it came, measured.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Number of the actor in its life, as the envelope says.
    pub n: u32,
    /// Where an earlier life of the log had it, says the phone.
    pub taken_before: Option<u64>,
    /// Whether another phone brings it back, with nothing but the author's list to show.
    pub relayed: bool,
    /// Its bytes.
    pub raw: Vec<u8>,
    /// Their hash.
    pub hash: ChangeHash,
    /// What the bytes claim.
    pub scanned: Result<Scanned, ScanFault>,
    /// The record in it, for a book: kind and id of its key, and its content.
    pub record: Option<Result<(RecordId, Arc<Record>), Code>>,
}

/// Which changes of a batch are one document's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portion {
    /// The document.
    pub descriptor: Descriptor,
    /// Their places in the batch, in order.
    pub places: Vec<usize>,
}

/// The changes of a batch for one document, measured, in order.
#[derive(Debug, Clone)]
pub struct Group {
    /// The document.
    pub descriptor: Descriptor,
    /// The changes.
    pub pushed: Vec<Pushed>,
}

/// The hash that names bytes sent as a change: a chunk's hash covers all but its magic and checksum.
#[must_use]
pub fn hash_of(raw: &[u8]) -> ChangeHash {
    ChangeHash(Sha256::digest(raw.get(8..).unwrap_or(raw)).into())
}

/// The list a batch is signed over. A change that names no document of the batch stands
/// there under a document id of zeros, which no document has.
#[must_use]
pub fn signed_list(batch: &Batch) -> SignedList {
    let docs: Vec<DocId> = batch.docs.iter().map(Descriptor::doc_id).collect();
    let place = |doc: u32| usize::try_from(doc).ok().and_then(|i| docs.get(i)).copied();
    batch.changes.iter().map(|c| (place(c.doc).unwrap_or(DocId([0; 16])), c.n, hash_of(&c.raw))).collect()
}

/// What a batch says was signed. A batch brought back by another phone names the whole list; each of the changes
/// it carries must stand there, and it carries no commands.
fn signed_of(batch: &Batch) -> Result<(SignedList, [u8; 32]), Code> {
    let carried = signed_list(batch);
    let Some(proof) = &batch.proof else {
        return Ok((carried, Batch::digest_of_commands(&batch.commands)));
    };
    let signed: BTreeSet<_> = proof.list.iter().collect();
    let proven = batch.relayed_for.is_some() && carried.iter().all(|change| signed.contains(change));
    if proven && batch.commands.is_empty() {
        Ok((proof.list.clone(), *proof.commands))
    } else {
        Err(Code::BadSignature)
    }
}

/// Checks a batch's signature against the signing device's key.
///
/// # Errors
/// [`Code::BadSignature`] when key and signature do not belong to this very list.
pub fn opened(
    batch: &Batch,
    device: DeviceId,
    public_key: &[u8],
    received_at: Timestamp,
) -> Result<(Sender, Upload), Code> {
    let (list, commands_digest) = signed_of(batch)?;
    let digest = Batch::digest_of(device, batch.incarnation, batch.person, &list, &commands_digest);
    let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| Code::BadSignature)?;
    let signature = Signature::from_slice(&batch.signature).map_err(|_| Code::BadSignature)?;
    key.verify(&digest, &signature).map_err(|_| Code::BadSignature)?;
    let (incarnation, person) = (batch.incarnation, batch.person);
    let sender = Sender { device, incarnation, person, upload: digest, received_at };
    let upload = Upload {
        digest,
        device,
        incarnation,
        person,
        // Writing to a Vec cannot fail, and no field's encoder refuses a value.
        list: minicbor::to_vec(&list).unwrap_or_default(),
        commands_digest,
        commands: batch.proof.is_none().then(|| minicbor::to_vec(&batch.commands).unwrap_or_default()),
        signature: batch.signature.to_vec(),
        received_at,
    };
    Ok((sender, upload))
}

/// The changes of a batch by document, documents in the order of their first change; changes that name no document
/// are in none.
#[must_use]
pub fn portions(batch: &Batch) -> Vec<Portion> {
    let mut portions: Vec<Portion> = Vec::new();
    let mut of_doc: BTreeMap<DocId, usize> = BTreeMap::new();
    for (index, change) in batch.changes.iter().enumerate() {
        let Some(descriptor) = usize::try_from(change.doc).ok().and_then(|i| batch.docs.get(i)) else {
            continue;
        };
        let portion = *of_doc.entry(descriptor.doc_id()).or_insert_with(|| {
            portions.push(Portion { descriptor: *descriptor, places: Vec::new() });
            portions.len() - 1
        });
        portions[portion].places.push(index);
    }
    portions
}

impl Portion {
    /// Measures the changes. Not before there is room for them: a record taken apart is ten times its bytes.
    #[must_use]
    pub fn measured(&self, batch: &Batch) -> Group {
        // What another phone brings back was taken before, whatever the carrier says: its author shall not lose
        // it because somebody left the claim out.
        let relayed = batch.proof.is_some();
        let changes = self.places.iter().filter_map(|place| batch.changes.get(*place));
        let pushed = changes.map(|change| Pushed {
            taken_before: change.taken_before.or(relayed.then_some(0)),
            relayed,
            ..measured(&self.descriptor, change.n, change.raw.to_vec())
        });
        Group { descriptor: self.descriptor, pushed: pushed.collect() }
    }
}

/// Measures one change.
#[must_use]
pub fn measured(descriptor: &Descriptor, n: u32, raw: Vec<u8>) -> Pushed {
    let scanned = scan(&raw);
    let record = (descriptor.is_book() && scanned.is_ok()).then(|| {
        let put = record_put(&raw).map_err(|_| Code::Schema)?;
        let record = Record::from_bytes(&put.bytes).map_err(|_| Code::Schema)?;
        if record.body.kind() == put.kind { Ok((put.id, Arc::new(record))) } else { Err(Code::Schema) }
    });
    Pushed { n, taken_before: None, relayed: false, hash: hash_of(&raw), raw, scanned, record }
}

impl Group {
    /// What the gate must know before it can judge these changes.
    #[must_use]
    pub fn state_query(&self, sender: &Sender) -> StateQuery {
        let mut query = StateQuery {
            descriptor: self.descriptor,
            device: sender.device,
            incarnation: sender.incarnation,
            actors: Default::default(),
            hashes: Default::default(),
            records: Default::default(),
            hazards_of: Default::default(),
            people: Default::default(),
        };
        for pushed in &self.pushed {
            query.hashes.insert(pushed.hash);
            if let Ok(scanned) = &pushed.scanned {
                query.actors.insert(scanned.actor);
                query.hashes.extend(&scanned.deps);
            }
            let Some(Ok((id, record))) = &pushed.record else { continue };
            query.records.insert(*id);
            query.records.extend(record.replaces);
            query.records.extend(record.body.target());
            if let Body::Recheck(recheck) = &record.body {
                query.hazards_of.insert(recheck.hazard);
                query.people.insert(recheck.checked_by);
            }
        }
        query
    }
}
