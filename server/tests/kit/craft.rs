//! Changes made by hand, byte by byte: what no honest writer writes.
//!
//! A chunk is magic, checksum, type, length, body; the body of a change is header, column
//! list, columns. Nothing here knows automerge; it only lays out what it is told.

use sha2::{Digest, Sha256};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];

/// A change in parts, each of which may lie.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) deps: Vec<[u8; 32]>,
    pub(crate) actor: Vec<u8>,
    pub(crate) seq: u64,
    pub(crate) start_op: u64,
    pub(crate) time: i64,
    pub(crate) message: Vec<u8>,
    pub(crate) others: Vec<Vec<u8>>,
    pub(crate) columns: Vec<(u64, Vec<u8>)>,
    pub(crate) extra: Vec<u8>,
}

impl Parts {
    /// Takes an honest change apart.
    pub(crate) fn of(raw: &[u8]) -> Self {
        let mut r = Reader(&raw[9..]);
        r.number();
        let deps = (0..r.number()).map(|_| r.take(32).try_into().expect("32 bytes")).collect();
        let actor = r.prefixed();
        let (seq, start_op) = (r.number(), r.number());
        assert_eq!(r.take(1), [0], "honest changes carry no time");
        let message = r.prefixed();
        let others = (0..r.number()).map(|_| r.prefixed()).collect();
        let specs: Vec<(u64, u64)> = (0..r.number()).map(|_| (r.number(), r.number())).collect();
        let columns = specs
            .into_iter()
            .map(|(spec, len)| (spec, r.take(usize::try_from(len).expect("small")).to_vec()))
            .collect();
        Self { deps, actor, seq, start_op, time: 0, message, others, columns, extra: r.0.to_vec() }
    }

    /// The chunk.
    pub(crate) fn raw(&self) -> Vec<u8> {
        let mut body = leb(self.deps.len() as u64);
        self.deps.iter().for_each(|dep| body.extend(dep));
        body.extend(prefixed(&self.actor));
        body.extend(leb(self.seq));
        body.extend(leb(self.start_op));
        body.extend(signed_leb(self.time));
        body.extend(prefixed(&self.message));
        body.extend(leb(self.others.len() as u64));
        self.others.iter().for_each(|actor| body.extend(prefixed(actor)));
        body.extend(leb(self.columns.len() as u64));
        for (spec, bytes) in &self.columns {
            body.extend(leb(*spec));
            body.extend(leb(bytes.len() as u64));
        }
        self.columns.iter().for_each(|(_, bytes)| body.extend(bytes));
        body.extend(&self.extra);
        chunk(1, &body)
    }

    /// Replaces or adds a column.
    pub(crate) fn column(mut self, spec: u64, bytes: Vec<u8>) -> Self {
        match self.columns.iter_mut().find(|(s, _)| *s == spec) {
            Some((_, old)) => *old = bytes,
            None => {
                self.columns.push((spec, bytes));
                self.columns.sort_by_key(|(s, _)| *s);
            }
        }
        self
    }
}

/// A chunk of a type with a true checksum.
pub(crate) fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut hashed = vec![kind];
    hashed.extend(leb(body.len() as u64));
    hashed.extend(body);
    let mut raw = MAGIC.to_vec();
    raw.extend(&Sha256::digest(&hashed)[..4]);
    raw.extend(hashed);
    raw
}

/// A run of `count` equal values.
pub(crate) fn run(count: i64, value: &[u8]) -> Vec<u8> {
    let mut bytes = signed_leb(count);
    bytes.extend(value);
    bytes
}

pub(crate) fn leb(mut n: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = n.to_le_bytes()[0] & 0x7f;
        n >>= 7;
        if n == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

pub(crate) fn signed_leb(mut n: i64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = n.to_le_bytes()[0] & 0x7f;
        n >>= 7;
        let sign = byte & 0x40 != 0;
        if (n == 0 && !sign) || (n == -1 && sign) {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    let mut out = leb(bytes.len() as u64);
    out.extend(bytes);
    out
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at(n);
        self.0 = tail;
        head
    }

    fn number(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }

    fn prefixed(&mut self) -> Vec<u8> {
        let len = self.number();
        self.take(usize::try_from(len).expect("small")).to_vec()
    }
}
