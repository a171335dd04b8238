//! When a nightly backup is due: told from the clock and the last backup, so that a missed night is made up for.

use louan_schema::time::Timestamp;

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;

/// Whether a backup is due: none was made since the last time that `minutes` since midnight came round.
#[must_use]
pub fn is_due(now: Timestamp, minutes: i64, last: Option<Timestamp>) -> bool {
    let today = now.day().start().plus_ms(minutes * MINUTE_MS);
    let due = if today <= now { today } else { today.plus_ms(-DAY_MINUTES * MINUTE_MS) };
    // A backup from the future was made by a clock that has been put right since.
    last.is_none_or(|last| last < due || last > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_is_due_once_and_a_missed_one_is_made_up_for() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let half_past_two = 2 * 60 + 30;
        for (now, last, due) in [
            ("2020-03-20T02:29:00+08:00", Some("2020-03-19T02:30:00+08:00"), false),
            ("2020-03-20T02:30:00+08:00", Some("2020-03-19T02:30:10+08:00"), true),
            ("2020-03-20T02:31:00+08:00", Some("2020-03-20T02:30:10+08:00"), false),
            ("2020-03-20T09:00:00+08:00", Some("2020-03-18T02:30:10+08:00"), true),
            ("2020-03-20T01:00:00+08:00", Some("2020-03-18T02:30:10+08:00"), true),
            ("2020-03-20T09:00:00+08:00", None, true),
            ("2020-03-20T09:00:00+08:00", Some("2031-01-01T02:30:00+08:00"), true),
        ] {
            assert_eq!(is_due(at(now), half_past_two, last.map(at)), due, "{now} {last:?}");
        }
    }
}
