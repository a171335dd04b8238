//! Reports: what leaders read, folded from ledger rows.
//!
//! Only figures so far. Nothing here stores or computes anything of its own: the fold
//! stands in `schema`, so console, spreadsheet and phone print the same.

mod month;

pub use month::month;
