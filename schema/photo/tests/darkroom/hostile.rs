//! Hostile files: each is refused by name, or leaves as a clean picture; none is passed on.

use louan_photo::{Format, Refusal, develop};

use crate::make::{jpeg, pattern, png, webp};

#[test]
fn a_file_cut_anywhere_is_refused() {
    let picture = pattern(160, 120, 5);
    for file in [jpeg(&picture, 90), png(&picture), webp(&picture)] {
        for percent in 1..100 {
            let cut = &file[..file.len() * percent / 100];
            let refused = develop(cut, None).expect_err("cut");
            let as_expected = matches!(refused, Refusal::Truncated | Refusal::Unsupported(Format::Unknown));
            assert!(as_expected, "{percent} %: {refused}");
        }
        assert_eq!(develop(&file[..file.len() - 1], None), Err(Refusal::Truncated), "one byte short");
        assert!(develop(&file, None).is_ok());
    }
}
