//! How long to wait before trying again: a pure function.
//!
//! The driver waits; the core only says how long. Chance comes in, so that ten thousand
//! phones that lost the same server do not come back in the same second.

const FIRST_MS: u64 = 2_000;
const LONGEST_MS: u64 = 15 * 60 * 1_000;

/// Milliseconds to wait after `failures` failed requests in a row: doubling from two seconds to a quarter
/// of an hour, of which `chance` takes off up to half.
#[must_use]
pub fn wait_ms(failures: u32, chance: u8) -> u64 {
    if failures == 0 {
        return 0;
    }
    let whole = FIRST_MS.saturating_mul(1_u64 << (failures - 1).min(20)).min(LONGEST_MS);
    whole - whole * u64::from(chance) / 512
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_and_ends_at_a_quarter_of_an_hour() {
        let waits: Vec<u64> = (0..=4).map(|n| wait_ms(n, 0)).collect();
        assert_eq!(waits, [0, 2_000, 4_000, 8_000, 16_000]);
        assert_eq!(wait_ms(u32::MAX, 0), 900_000);
    }

    #[test]
    fn chance_takes_off_less_than_half() {
        for failures in [1, 5, 30] {
            assert!(wait_ms(failures, 255) > wait_ms(failures, 0) / 2);
            assert!(wait_ms(failures, 255) < wait_ms(failures, 0));
        }
    }
}
