//! A stranger's bytes, measured before automerge sees them.
//!
//! A change from a phone is hostile until proven otherwise: 69 bytes can claim ten
//! million operations, a compressed chunk can grow without limit, a wrong counter can
//! brick every phone that receives it. This room reads the chunk's frame, header and
//! column lengths with bounded work and no allocation beyond what it returns. It decides
//! what the bytes *claim*; whether the claims fit the log is the gate's business, what
//! the operations do is [`super::judge`]'s.

use sha2::{Digest, Sha256};

use super::key::parse_record_key;
use super::{CHANGE_BYTES_MAX, CHANGE_DEPS_MAX, CHANGE_OPS_MAX, CHANGE_PREDS_MAX, Kind, OP_COUNTER_MAX};
use crate::id::{ActorId, ChangeHash, RecordId};

/// What a plain change chunk claims about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// SHA-256 of the chunk, computed here, never believed.
    pub hash: ChangeHash,
    /// Who claims to have written it.
    pub actor: ActorId,
    /// Claimed sequence number.
    pub seq: u64,
    /// Claimed first operation counter.
    pub start_op: u64,
    /// Claimed dependencies, in order.
    pub deps: Vec<ChangeHash>,
    /// Operations counted on the raw action column.
    pub ops: u64,
}

impl Scanned {
    /// The highest operation counter the change uses.
    #[must_use]
    pub const fn max_op(&self) -> u64 {
        self.start_op + self.ops - 1
    }
}

/// Why bytes are not even worth judging. Each is a verdict of its own (C03, C04, C05, C07, C10, C21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ScanFault {
    /// Longer than a change may be.
    #[error("larger than a change may be")]
    TooLarge,
    /// Not a chunk, or cut short, or with bytes behind it.
    #[error("not one whole chunk")]
    Malformed,
    /// A document, compressed or bundle chunk, or a compressed column.
    #[error("not a plain change chunk")]
    ChunkType,
    /// The four bytes before a chunk or its checksum do not match the content.
    #[error("the checksum does not match")]
    Checksum,
    /// The actor is not sixteen bytes long.
    #[error("the actor has the wrong length")]
    Actor,
    /// More dependencies than a change may have.
    #[error("too many dependencies")]
    TooManyDeps,
    /// More operations than a change may have, or none.
    #[error("too many operations, or none")]
    TooManyOps,
    /// An operation counter of zero or beyond what may be reached.
    #[error("the operation counter is out of range")]
    BadStartOp,
    /// A header time, a message or extra bytes, which honest changes never carry.
    #[error("the change carries a time, a message or extra bytes")]
    Extra,
    /// A column no change of ours has.
    #[error("unknown column")]
    Column,
}

/// A book change taken apart without automerge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPut {
    /// The record's kind, from its key.
    pub kind: Kind,
    /// The record's id, from its key.
    pub id: RecordId,
    /// The record's bytes.
    pub bytes: Vec<u8>,
}

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const CHUNK_CHANGE: u8 = 1;
const ACTION: u64 = 0x42;
const DEFLATED: u64 = 0x08;
/// Value type "bytes" in the low four bits of a value's metadata.
const VALUE_BYTES: u64 = 7;
/// Column specification → how its values are laid out.
const COLUMNS: [(u64, Layout); 13] = [
    (0x01, Layout::Numbers),
    (0x02, Layout::Numbers),
    (0x11, Layout::Numbers),
    (0x13, Layout::Numbers),
    (0x15, Layout::Texts),
    (0x34, Layout::Booleans),
    (ACTION, Layout::Numbers),
    (0x56, Layout::Numbers),
    (0x57, Layout::Raw),
    (0x70, Layout::Numbers),
    (0x71, Layout::Numbers),
    (0x73, Layout::Numbers),
    (0x94, Layout::Booleans),
];

#[derive(Clone, Copy, PartialEq)]
enum Layout {
    Numbers,
    Texts,
    Booleans,
    Raw,
}

/// Measures one change.
///
/// # Errors
/// The first [`ScanFault`] met. Work is linear in the bytes given, whatever they claim.
pub fn scan(raw: &[u8]) -> Result<Scanned, ScanFault> {
    if raw.len() > CHANGE_BYTES_MAX {
        return Err(ScanFault::TooLarge);
    }
    let mut r = Reader(raw);
    let (magic, checksum) = (r.take(4)?, r.take(4)?);
    // Neither is covered by the hash that names a change: what is said of a wrong one must not be
    // remembered under the name of the honest one, or whoever carries a batch could spoil it.
    if magic != MAGIC {
        return Err(ScanFault::Checksum);
    }
    let kind = r.byte()?;
    if kind != CHUNK_CHANGE {
        return Err(ScanFault::ChunkType);
    }
    if r.number()? != r.0.len() as u64 {
        return Err(ScanFault::Malformed);
    }
    let hash = Sha256::new().chain_update([kind]).chain_update(leb(r.0.len())).chain_update(r.0).finalize();
    if hash[..4] != *checksum {
        return Err(ScanFault::Checksum);
    }
    let mut scanned = header(&mut r)?;
    scanned.hash.0.copy_from_slice(&hash);
    scanned.ops = columns(&mut r)?;
    if scanned.start_op == 0 || scanned.start_op.saturating_add(scanned.ops) > OP_COUNTER_MAX {
        return Err(ScanFault::BadStartOp);
    }
    if r.0.is_empty() { Ok(scanned) } else { Err(ScanFault::Extra) }
}

fn header(r: &mut Reader<'_>) -> Result<Scanned, ScanFault> {
    let count = r.number()?;
    if count > CHANGE_DEPS_MAX as u64 {
        return Err(ScanFault::TooManyDeps);
    }
    let mut deps = Vec::with_capacity(CHANGE_DEPS_MAX);
    for _ in 0..count {
        deps.push(ChangeHash::from_slice(r.take(32)?).map_err(|_| ScanFault::Malformed)?);
    }
    let actor = r.prefixed().and_then(|b| ActorId::from_slice(b).map_err(|_| ScanFault::Actor))?;
    let (seq, start_op) = (r.number()?, r.number()?);
    // A zero in signed LEB128 is the single byte 0, as is an empty message's length.
    let (time, message) = (r.byte()?, r.byte()?);
    if time != 0 || message != 0 {
        return Err(ScanFault::Extra);
    }
    // Other actors are those whose values a sheet's writer saw; each must be ours in shape.
    // The chunk's own size bounds how many there can be.
    for _ in 0..r.number()? {
        if r.prefixed()?.len() != 16 {
            return Err(ScanFault::Actor);
        }
    }
    Ok(Scanned { hash: ChangeHash([0; 32]), actor, seq, start_op, deps, ops: 0 })
}

/// Takes a scanned book change apart: one value at one key, in the one spelling that
/// [`super::write::record_change`] has for it. The worker later proves the spelling whole.
///
/// # Errors
/// [`ScanFault::Column`] for any other shape, [`ScanFault::Malformed`] for a key that is no record's.
pub fn record_put(raw: &[u8]) -> Result<RecordPut, ScanFault> {
    let mut r = Reader(raw);
    r.take(9)?;
    r.number()?;
    header(&mut r)?;
    let (mut key, mut meta, mut value) = (None, None, None);
    for (spec, len) in column_specs(&mut r)? {
        let mut column = Reader(r.take(len)?);
        match spec {
            0x15 => key = Some(single(&mut column, Reader::prefixed)?),
            0x56 => meta = Some(single(&mut column, Reader::number)?),
            0x57 => value = Some(column.0),
            _ => {}
        }
    }
    let (Some(key), Some(meta), Some(value)) = (key, meta, value) else { return Err(ScanFault::Column) };
    if meta != (value.len() as u64) << 4 | VALUE_BYTES {
        return Err(ScanFault::Column);
    }
    let key = core::str::from_utf8(key).map_err(|_| ScanFault::Malformed)?;
    let (kind, id) = parse_record_key(key).ok_or(ScanFault::Malformed)?;
    Ok(RecordPut { kind, id, bytes: value.to_vec() })
}

/// The value of a column that has exactly one, written as a literal run of one.
fn single<'a, T>(
    column: &mut Reader<'a>,
    read: impl Fn(&mut Reader<'a>) -> Result<T, ScanFault>,
) -> Result<T, ScanFault> {
    if column.signed()? != -1 {
        return Err(ScanFault::Column);
    }
    let value = read(column)?;
    if column.0.is_empty() { Ok(value) } else { Err(ScanFault::Column) }
}

fn column_specs(r: &mut Reader<'_>) -> Result<Vec<(u64, usize)>, ScanFault> {
    let count = r.number()?;
    if count > COLUMNS.len() as u64 {
        return Err(ScanFault::Column);
    }
    let mut specs = Vec::with_capacity(COLUMNS.len());
    for _ in 0..count {
        let (spec, len) = (r.number()?, r.number()?);
        specs.push((spec, usize::try_from(len).map_err(|_| ScanFault::Malformed)?));
    }
    Ok(specs)
}

fn columns(r: &mut Reader<'_>) -> Result<u64, ScanFault> {
    let mut ops = 0;
    for (spec, len) in column_specs(r)? {
        let bytes = r.take(len)?;
        if spec & DEFLATED != 0 && !COLUMNS.iter().any(|(known, _)| *known == spec) {
            return Err(ScanFault::ChunkType);
        }
        let (_, layout) = COLUMNS.iter().find(|(known, _)| *known == spec).ok_or(ScanFault::Column)?;
        let values = match layout {
            Layout::Raw => 0,
            Layout::Booleans => runs_of_booleans(bytes)?,
            Layout::Numbers => runs(bytes, |r| r.skip_number())?,
            Layout::Texts => runs(bytes, |r| r.prefixed().map(|_| ()))?,
        };
        // Predecessors may outnumber operations, but only by the live conflicts under one key.
        if values > if spec > 0x70 { CHANGE_PREDS_MAX } else { CHANGE_OPS_MAX } {
            return Err(ScanFault::TooManyOps);
        }
        if spec == ACTION {
            ops = values;
        }
    }
    if ops == 0 { Err(ScanFault::TooManyOps) } else { Ok(ops) }
}

/// Counts the values a run-length column stands for, without expanding it.
fn runs(bytes: &[u8], skip: impl Fn(&mut Reader<'_>) -> Result<(), ScanFault>) -> Result<u64, ScanFault> {
    let mut r = Reader(bytes);
    let mut values: u64 = 0;
    while !r.0.is_empty() {
        let run = r.signed()?;
        let count = match run {
            0 => r.number()?,
            1.. => {
                skip(&mut r)?;
                run.unsigned_abs()
            }
            _ => {
                // Each value takes a byte at least, so a claim of more ends with the column.
                let literal = run.unsigned_abs();
                for _ in 0..literal {
                    skip(&mut r)?;
                }
                literal
            }
        };
        values = values.saturating_add(count);
    }
    Ok(values)
}

fn runs_of_booleans(bytes: &[u8]) -> Result<u64, ScanFault> {
    let mut r = Reader(bytes);
    let mut values: u64 = 0;
    while !r.0.is_empty() {
        values = values.saturating_add(r.number()?);
    }
    Ok(values)
}

fn leb(mut n: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(4);
    while n >= 0x80 {
        out.push(n.to_le_bytes()[0] | 0x80);
        n >>= 7;
    }
    out.push(n.to_le_bytes()[0]);
    out
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], ScanFault> {
        let (head, tail) = self.0.split_at_checked(n).ok_or(ScanFault::Malformed)?;
        self.0 = tail;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, ScanFault> {
        self.take(1).map(|b| b[0])
    }

    fn prefixed(&mut self) -> Result<&'a [u8], ScanFault> {
        let len = self.number()?;
        self.take(usize::try_from(len).map_err(|_| ScanFault::Malformed)?)
    }

    fn skip_number(&mut self) -> Result<(), ScanFault> {
        for _ in 0..10 {
            if self.byte()? & 0x80 == 0 {
                return Ok(());
            }
        }
        Err(ScanFault::Malformed)
    }

    /// Unsigned LEB128; overlong and overflowing spellings are refused.
    fn number(&mut self) -> Result<u64, ScanFault> {
        let mut value: u64 = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(ScanFault::Malformed);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 { Err(ScanFault::Malformed) } else { Ok(value) };
            }
        }
        Err(ScanFault::Malformed)
    }

    /// Signed LEB128.
    fn signed(&mut self) -> Result<i64, ScanFault> {
        let mut value: i64 = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let sign = shift + 7;
                return Ok(if byte & 0x40 != 0 && sign < 64 { value | (-1 << sign) } else { value });
            }
        }
        Err(ScanFault::Malformed)
    }
}
