//! Closed code lists: what may stand in a field, with its wire number, wire string and Chinese label.
//!
//! Numbers and strings are for ever: a list may grow at its end, a row is never renumbered or reused
//! (`schema/fixtures/code_lists.txt` is the golden). In records a code is its number, in JSON its string, on a
//! screen its label. An unknown number is a decode error, never a default. This room holds words and the
//! permission table; it decides nothing about a particular building or hazard.

mod building;
mod campaign;
mod check;
mod hazard;
mod permission;
mod role;

pub use building::{BuildingUse, Datum, HeightSource, Management, RegistryState};
pub use campaign::{Campaign, Goal};
pub use check::{DiscoveryMethod, ItemGroup, Outcome};
pub use hazard::{Disposition, HazardArea, HazardState, Severity};
pub use permission::{Action, may};
pub use role::{OrgKind, Role};

/// A text or a number that stands in no row of the list it was read for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not in the code list `{list}`")]
pub struct CodeError {
    /// The list that was asked.
    pub list: &'static str,
    /// What was found instead of one of its rows.
    pub found: String,
}

/// One row of a code list, for whoever prints or exports the lists (console, golden file).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct CodeRow {
    /// Number in records.
    pub number: u8,
    /// String in JSON and in data files.
    pub code: &'static str,
    /// Chinese label on screens and papers.
    pub label: &'static str,
}

/// One closed code list by name, its rows in the order in which a screen offers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct CodeTable {
    /// The Rust name of the list.
    pub name: &'static str,
    /// The rows, in display order.
    pub rows: &'static [CodeRow],
}

/// Declares a closed code list: `Variant = number, "wire string", "Chinese label";` in display order.
macro_rules! code_list {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $number:literal, $code:literal, $label:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $(#[doc = $label] $variant = $number,)+
        }

        impl $name {
            /// Every row, in the order in which a screen offers them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The list with its numbers, strings and labels.
            pub const TABLE: $crate::code::CodeTable = $crate::code::CodeTable {
                name: stringify!($name),
                rows: &[$($crate::code::CodeRow { number: $number, code: $code, label: $label }),+],
            };

            /// The number that stands in records; stable for ever.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The row with this number, if the list has one.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The string that stands in JSON and in data files; stable for ever.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// The Chinese label for screens and papers.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                }
            }

            /// The place of this row in the order in which a screen offers them, from 0.
            #[must_use]
            pub fn order(self) -> usize {
                Self::ALL.iter().position(|row| *row == self).unwrap_or(Self::ALL.len())
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::code::CodeError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|row| row.as_str() == text).ok_or_else(|| {
                    $crate::code::CodeError { list: stringify!($name), found: text.to_owned() }
                })
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.u8(self.number())?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                let at = d.position();
                Self::from_number(d.u8()?).ok_or_else(|| {
                    minicbor::decode::Error::message(concat!("unknown number in the code list ", stringify!($name))).at(at)
                })
            }
        }

        impl<C> minicbor::CborLen<C> for $name {
            fn cbor_len(&self, ctx: &mut C) -> usize {
                minicbor::CborLen::cbor_len(&self.number(), ctx)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use code_list;

/// Every closed code list, by name.
pub const TABLES: &[CodeTable] = &[
    Role::TABLE,
    OrgKind::TABLE,
    Action::TABLE,
    BuildingUse::TABLE,
    HeightSource::TABLE,
    Datum::TABLE,
    RegistryState::TABLE,
    Management::TABLE,
    Outcome::TABLE,
    DiscoveryMethod::TABLE,
    ItemGroup::TABLE,
    HazardArea::TABLE,
    Disposition::TABLE,
    Severity::TABLE,
    HazardState::TABLE,
    Campaign::TABLE,
    Goal::TABLE,
    crate::photo::TakenBy::TABLE,
    crate::photo::UploadKind::TABLE,
    crate::photo::PositionSource::TABLE,
    crate::photo::UnprovenReason::TABLE,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn numbers_strings_and_labels_never_change() {
        let mut text = String::new();
        for table in TABLES {
            writeln!(text, "[{}]", table.name).expect("writing to a string");
            for row in table.rows {
                writeln!(text, "{} {} {}", row.number, row.code, row.label).expect("writing to a string");
            }
            text.push('\n');
        }
        assert_eq!(
            text,
            include_str!("../../fixtures/code_lists.txt"),
            "a code list moved: rows may only be added, at the end of a list, and then also to the golden file"
        );
    }

    #[test]
    fn no_list_uses_a_number_a_string_or_a_label_twice() {
        for table in TABLES {
            let rows = table.rows.len();
            assert_eq!(
                table.rows.iter().map(|r| r.number).collect::<BTreeSet<_>>().len(),
                rows,
                "{}",
                table.name
            );
            assert_eq!(
                table.rows.iter().map(|r| r.code).collect::<BTreeSet<_>>().len(),
                rows,
                "{}",
                table.name
            );
            assert_eq!(
                table.rows.iter().map(|r| r.label).collect::<BTreeSet<_>>().len(),
                rows,
                "{}",
                table.name
            );
        }
    }

    #[test]
    fn a_code_reads_back_from_its_number_and_from_its_string() {
        for role in Role::ALL {
            let bytes = minicbor::to_vec(role).expect("a byte");
            assert_eq!(bytes.len(), minicbor::len(role));
            assert_eq!(minicbor::decode::<Role>(&bytes).expect("a role"), *role);
            assert_eq!(role.as_str().parse(), Ok(*role));
            assert_eq!(Role::ALL[role.order()], *role);
        }
    }

    #[test]
    fn an_unknown_number_or_string_is_refused_never_defaulted() {
        let unknown = minicbor::to_vec(200_u8).expect("a byte");
        assert!(minicbor::decode::<Outcome>(&unknown).is_err());
        let error = "maybe".parse::<Outcome>().expect_err("not an outcome");
        assert_eq!((error.list, error.found.as_str()), ("Outcome", "maybe"));
    }
}
