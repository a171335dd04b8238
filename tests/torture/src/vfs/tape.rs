//! A recorded run, and every state that a power cut during it could have left behind.
//!
//! Beside what was done to the disk the tape notes what had been promised by then ("saved",
//! "acknowledged"): whatever state is built from a prefix of the tape, the promises made
//! within that prefix must hold in it. What a promise means is the caller's business.

use super::platter::{Fate, Files, Op, Platter};
use kit::dice::Dice;

/// A recorded run.
#[derive(Debug, Clone, Default)]
pub struct Tape {
    start: Platter,
    ops: Vec<Op>,
    /// Promises with the number of operations done before each was made.
    promises: Vec<(usize, u32)>,
}

/// A folder as a power cut left it.
#[derive(Debug)]
pub struct State {
    /// How many operations had been done.
    pub ops: usize,
    /// What became of those not synced.
    pub fate: Fate,
    /// The folder.
    pub files: Files,
    /// The promises made by then.
    pub promised: Vec<u32>,
}

impl From<Platter> for Tape {
    fn from(start: Platter) -> Self {
        Self { start, ..Self::default() }
    }
}

impl Tape {
    /// Adds what was done.
    pub fn push(&mut self, op: Op) {
        self.ops.push(op);
    }

    /// Notes a promise.
    pub fn promise(&mut self, promise: u32) {
        self.promises.push((self.ops.len(), promise));
    }

    /// How many operations it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ops.len()
    }

    /// Whether nothing was done.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// How many promises were noted.
    #[must_use]
    pub const fn promises(&self) -> usize {
        self.promises.len()
    }

    /// Hands `count` states to `look`, spread evenly over the prefixes of the run. At each
    /// prefix the first has everything unsynced dropped, the second everything kept, all
    /// others torn, each differently.
    pub fn states(&self, count: usize, dice: &mut Dice, mut look: impl FnMut(State)) {
        let mut platter = self.start.clone();
        let prefixes = self.ops.len() + 1;
        let mut turn = 0;
        for prefix in 0..prefixes {
            if let Some(op) = prefix.checked_sub(1).and_then(|i| self.ops.get(i)) {
                platter.apply(op);
            }
            let here = (prefix + 1) * count / prefixes - prefix * count / prefixes;
            for nth in 0..here {
                // Fewer than three states a prefix: the fates take turns over the prefixes.
                let fate = if here >= 3 { nth } else { turn % 4 };
                turn += 1;
                let fate = match fate {
                    0 => Fate::Dropped,
                    1 => Fate::Kept,
                    _ => Fate::Torn,
                };
                let files = platter.after(fate, dice);
                let promised =
                    self.promises.iter().take_while(|(ops, _)| *ops <= prefix).map(|(_, p)| *p).collect();
                look(State { ops: prefix, fate, files, promised });
            }
        }
    }
}
