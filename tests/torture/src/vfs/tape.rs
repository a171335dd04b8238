//! A recorded run, and every state that a power cut during it could have left behind.
//!
//! Beside what was done to the disk the tape notes what had been promised by then ("saved",
//! "acknowledged"): whatever state is built from a prefix of the tape, the promises made
//! within that prefix must hold in it. What a promise means is the caller's business.
//!
//! No two states handed out are the same: neither the files nor what must hold in them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::platter::{Fate, Files, Op, Platter};
use kit::dice::Dice;

/// Attempts at one prefix beyond what is wanted of it, before the next prefix gives the rest.
const TRIES_OVER: usize = 4;

/// A recorded run.
#[derive(Debug, Clone, Default)]
pub struct Tape {
    start: Platter,
    ops: Vec<Op>,
    /// Promises with the number of operations done before each was made.
    promises: Vec<(usize, u32)>,
    /// The number of operations done before the present turn.
    turn: usize,
}

/// A folder as a power cut left it.
#[derive(Debug)]
pub struct State {
    /// Which, counted from 0.
    pub nth: usize,
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

    /// Notes a promise as somebody would make it who does not wait for the first sync of this turn.
    pub fn promise_hastily(&mut self, promise: u32) {
        let since = self.ops.iter().enumerate().skip(self.turn);
        let first_sync = since.filter(|(_, op)| matches!(op, Op::Sync { .. })).map(|(at, _)| at).next();
        self.promises.push((first_sync.unwrap_or(self.turn), promise));
    }

    /// A turn of the run begins.
    pub const fn begin_turn(&mut self) {
        self.turn = self.ops.len();
    }

    /// The names of everything done, in order.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.ops.iter().map(Op::name)
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

    /// Hands `count` different states to `look`, or fewer when there are no more, spread evenly
    /// over the prefixes of the run. Of each prefix the first has everything unsynced dropped, the
    /// second everything kept, all others torn, each differently. The same run, count and dice
    /// give the same states.
    pub fn states(&self, count: usize, dice: &mut Dice, mut look: impl FnMut(State)) {
        let mut seen = HashSet::new();
        loop {
            let before = seen.len();
            self.pass(count, &mut seen, dice, &mut look);
            // What prefixes with little to tear could not give, the others give in the next pass.
            if seen.len() >= count || seen.len() == before {
                return;
            }
        }
    }

    fn pass(&self, count: usize, seen: &mut HashSet<u64>, dice: &mut Dice, look: &mut impl FnMut(State)) {
        let mut platter = self.start.clone();
        let (prefixes, before) = (self.ops.len() + 1, seen.len());
        let mut turn = 0;
        for prefix in 0..prefixes {
            if let Some(op) = prefix.checked_sub(1).and_then(|i| self.ops.get(i)) {
                platter.apply(op);
            }
            // Rounded up: the last few are owed by whichever prefix still has some, not by the last one.
            let due = before + ((count - before) * (prefix + 1)).div_ceil(prefixes);
            let here = due.saturating_sub(seen.len());
            for attempt in 0..here + TRIES_OVER {
                if seen.len() >= due {
                    break;
                }
                // Fewer than three states a prefix: the fates take turns over the prefixes.
                let fate = if here >= 3 { attempt } else { turn % 4 };
                turn += 1;
                let fate = match fate {
                    0 => Fate::Dropped,
                    1 => Fate::Kept,
                    _ => Fate::Torn,
                };
                let promised: Vec<u32> =
                    self.promises.iter().filter(|(ops, _)| *ops <= prefix).map(|(_, p)| *p).collect();
                let files = platter.after(fate, dice);
                let nth = seen.len();
                if seen.insert(digest(&files, &promised)) {
                    look(State { nth, ops: prefix, fate, files, promised });
                }
            }
        }
    }
}

fn digest(files: &Files, promised: &[u32]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (files, promised).hash(&mut hasher);
    hasher.finish()
}
