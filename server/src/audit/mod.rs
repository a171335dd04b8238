//! The audit: who did what, when, with what result, in a chain nobody can mend unseen.
//!
//! Each line carries SHA-256 over the line before and its own canonical bytes, and rides in
//! the same commit as what it describes. Ids only, never names, never contents. This room
//! makes and checks lines; it stores none and removes none.

pub mod checkpoint;

use louan_schema::id::{DeviceId, PersonId};
use louan_schema::time::Timestamp;
use sha2::{Digest, Sha256};

pub use crate::storage::audit::{Entry, Line};

/// The lines about whole names that somebody is shown, one for each person they belong to: who is asked later who read his,
/// finds it by his own id.
#[must_use]
pub fn names_read(
    of: impl IntoIterator<Item = PersonId>,
    by: (Option<PersonId>, Option<DeviceId>),
    at: Timestamp,
) -> Vec<Entry> {
    let (person, device) = by;
    let line = |id: PersonId| Entry {
        at,
        person,
        device,
        act: "read_name".to_owned(),
        subject: id.to_string(),
        outcome: "read".to_owned(),
    };
    of.into_iter().map(line).collect()
}

/// What a check of the whole chain found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditCheck {
    /// Every line follows from the one before; there are this many.
    Whole(u64),
    /// This is the first line that does not.
    Broken(u64),
}

/// The line that follows a line with running hash `before`.
#[must_use]
pub fn next_line(before: &[u8; 32], seq: u64, entry: &Entry) -> Line {
    // Writing to a Vec cannot fail, and no field's encoder refuses a value.
    let bytes = minicbor::to_vec(entry).unwrap_or_default();
    let chain = link(before, seq, &bytes);
    Line { seq, bytes, chain }
}

fn link(before: &[u8; 32], seq: u64, bytes: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(before).chain_update(seq.to_be_bytes()).chain_update(bytes).finalize().into()
}

/// A check under way: feed it the lines in order.
#[derive(Debug, Clone, Copy, Default)]
pub struct Verifier {
    chain: [u8; 32],
    seq: u64,
}

impl Verifier {
    /// Checks further lines.
    ///
    /// # Errors
    /// The number of the first line that does not follow: altered, removed or put in.
    pub fn check(&mut self, lines: &[Line]) -> Result<(), u64> {
        for line in lines {
            let seq = self.seq + 1;
            if line.seq != seq || line.chain != link(&self.chain, seq, &line.bytes) {
                return Err(seq);
            }
            (self.seq, self.chain) = (seq, line.chain);
        }
        Ok(())
    }

    /// How many lines were checked.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.seq
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: u64) -> Vec<Line> {
        let mut before = [0; 32];
        (1..=count)
            .map(|seq| {
                let entry = Entry {
                    at: Timestamp::from_ms(1_580_000_000_000),
                    person: None,
                    device: None,
                    act: "push".to_owned(),
                    subject: seq.to_string(),
                    outcome: "done".to_owned(),
                };
                let line = next_line(&before, seq, &entry);
                before = line.chain;
                line
            })
            .collect()
    }

    #[test]
    fn a_whole_chain_verifies_in_any_portions() {
        let lines = lines(10);
        for portion in 1..=10 {
            let mut verifier = Verifier::default();
            lines.chunks(portion).for_each(|part| verifier.check(part).expect("whole"));
            assert_eq!(verifier.count(), 10);
        }
    }

    #[test]
    fn every_altered_removed_or_inserted_line_is_named() {
        for bad in 0..10 {
            let whole = lines(10);
            let number = bad as u64 + 1;
            let mut altered = whole.clone();
            let last = altered[bad].bytes.len() - 1;
            altered[bad].bytes[last] ^= 1;
            assert_eq!(Verifier::default().check(&altered), Err(number));
            let mut removed = whole.clone();
            removed.remove(bad);
            assert_eq!(Verifier::default().check(&removed), if bad == 9 { Ok(()) } else { Err(number) });
            let mut inserted = whole.clone();
            inserted.insert(bad, whole[(bad + 1) % 10].clone());
            assert_eq!(Verifier::default().check(&inserted), Err(number));
        }
    }
}
