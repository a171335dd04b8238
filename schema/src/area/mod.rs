//! Where things are: street codes, community and village codes, the programme's 21 街镇, the district's outline.
//!
//! Codes are keys, names are labels: sixteen names occur twice in 500110, and the order of the annexes is not the
//! order of codes. Ten 街镇 of 500110 are administered by 万盛经开区 and outside this programme: they are refused by
//! code and by name, and the error says why (AMB-22). Nothing here guesses a street from a name that is unknown.

mod code;
mod outline;
mod table;

pub use code::{AreaCode, AreaKind, StreetCode};
pub use outline::{contains, outline_e6};
pub use table::{Community, Street, communities_of, community, street, street_named, streets};

/// The district of the built-in programme, 綦江区 (GB/T 2260).
pub const DISTRICT: u32 = 500_110;

/// Why a place is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AreaError {
    /// Not nine, or not twelve, digits.
    #[error("`{0}` is not an area code of nine or twelve digits")]
    IllFormed(String),
    /// One of the ten 街镇 of 500110 that 万盛经开区 administers.
    #[error(
        "`{name}` ({code}) is administered by 万盛经开区 and is not among the 21 街镇 of this programme; enter it there"
    )]
    OutsideProgramme {
        /// Its code.
        code: StreetCode,
        /// Its name.
        name: &'static str,
    },
    /// Neither in the programme nor known to lie beside it.
    #[error(
        "`{0}` is not among the 21 街镇 of this programme or their communities and villages; choose one from the list"
    )]
    Unknown(String),
}
