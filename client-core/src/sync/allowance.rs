//! How much one request may carry either way: what the link has earned.
//!
//! A request that is lost costs what it carried, so after a loss the next is half as large,
//! and after each success twice as large again. It starts at what a day's work of one
//! inspector takes as sent: at 64 kbit/s that is under half a minute lost, once. Nothing is
//! remembered of a link once the app is closed; it may be another one then.

use louan_schema::wire::{REPLY_BYTES_MAX, frame};

/// Bytes of the first request on a link nobody knows, as sent.
const UP_START: usize = 192 * 1024;
/// Most bytes of a request as sent; the rest of what the office takes is for commands.
const UP_MAX: usize = frame::SENT_BYTES_MAX / 4 * 3;
/// Least bytes of a request, on a link that lost several in a row: a second at 64 kbit/s.
const UP_FLOOR: usize = 8 * 1024;
/// Least bytes asked for, before compression, on such a link.
const DOWN_FLOOR: u32 = 64 * 1024;

/// What one request may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// Most bytes up, as sent.
    pub(crate) up_bytes: usize,
    /// Most bytes asked for in the reply, before compression.
    pub(crate) down_bytes: u32,
}

impl Allowance {
    /// On a link nobody knows: a new phone is set up where the link is good, so it asks for much.
    pub(crate) const START: Self = Self { up_bytes: UP_START, down_bytes: REPLY_BYTES_MAX };

    /// A request or its reply was lost.
    pub(super) fn lost(&mut self) {
        self.up_bytes = (self.up_bytes / 2).max(UP_FLOOR);
        self.down_bytes = (self.down_bytes / 2).max(DOWN_FLOOR);
    }

    /// A reply came; `pushed` when its request carried anything.
    pub(super) fn came(&mut self, pushed: bool) {
        if pushed {
            self.up_bytes = (self.up_bytes * 2).min(UP_MAX);
        }
        self.down_bytes = self.down_bytes.saturating_mul(2).min(REPLY_BYTES_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_halves_down_to_a_floor_and_success_doubles_up_to_what_the_office_takes() {
        let mut allowance = Allowance::START;
        allowance.lost();
        let halved = Allowance { up_bytes: UP_START / 2, down_bytes: REPLY_BYTES_MAX / 2 };
        assert_eq!(allowance, halved);
        (0..40).for_each(|_| allowance.lost());
        assert_eq!(allowance, Allowance { up_bytes: UP_FLOOR, down_bytes: DOWN_FLOOR });
        allowance.came(false);
        assert_eq!(allowance, Allowance { up_bytes: UP_FLOOR, down_bytes: 2 * DOWN_FLOOR });
        (0..40).for_each(|_| allowance.came(true));
        assert_eq!(allowance, Allowance { up_bytes: UP_MAX, down_bytes: REPLY_BYTES_MAX });
    }
}
