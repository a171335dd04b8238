//! Nine digits name a 街镇, twelve a community or village, fifteen a grid.
//!
//! A code that is well formed need not be in the programme: [`super::street`] and [`super::community`] answer that.

use core::fmt;
use core::str::FromStr;

use minicbor::decode::{Decode, Decoder, Error as DecodeError};
use minicbor::encode::{Encode, Encoder, Error as EncodeError, Write};

use super::AreaError;

macro_rules! area_code {
    ($(#[$doc:meta])* $name:ident, $number:ident, $digits:literal, $min:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($number);

        impl $name {
            /// The code with this number, if it has the right number of digits.
            #[must_use]
            pub const fn new(number: $number) -> Option<Self> {
                if $min <= number && number <= $max { Some(Self(number)) } else { None }
            }

            /// The number that stands in records.
            #[must_use]
            pub const fn number(self) -> $number {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = AreaError;
            fn from_str(text: &str) -> Result<Self, AreaError> {
                let digits = text.len() == $digits && text.bytes().all(|b| b.is_ascii_digit());
                let number = if digits { text.parse().ok() } else { None };
                number.and_then(Self::new).ok_or_else(|| AreaError::IllFormed(text.to_owned()))
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), EncodeError<W::Error>> {
                self.0.encode(e, ctx)
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
                let at = d.position();
                Self::new($number::decode(d, ctx)?)
                    .ok_or_else(|| DecodeError::message(concat!("ill-formed ", stringify!($name))).at(at))
            }
        }

        impl<C> minicbor::CborLen<C> for $name {
            fn cbor_len(&self, ctx: &mut C) -> usize {
                minicbor::CborLen::cbor_len(&self.0, ctx)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
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

area_code!(
    /// The code of a street or town (街镇代码): nine digits, the first six its district (GB/T 10114).
    StreetCode,
    u32,
    9,
    100_000_000,
    999_999_999
);
area_code!(
    /// The code of a community or village (社区/村代码): twelve digits, the first nine its 街镇.
    AreaCode,
    u64,
    12,
    100_000_000_000,
    999_999_999_999
);

impl StreetCode {
    /// The district the street belongs to, six digits.
    #[must_use]
    pub const fn district(self) -> u32 {
        self.0 / 1_000
    }
}

/// What a twelve-digit code names, told by its last three digits alone; names mislead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AreaKind {
    /// A residents' committee (居委会), 001–199.
    Community,
    /// A village committee (村委会), 200–399.
    Village,
}

impl AreaCode {
    /// The 街镇 it belongs to.
    #[must_use]
    pub const fn street(self) -> StreetCode {
        #[allow(clippy::cast_possible_truncation, reason = "twelve digits divided by a thousand are nine")]
        StreetCode((self.0 / 1_000) as u32)
    }

    /// Community or village; nothing for numbers that statistics use otherwise.
    #[must_use]
    pub const fn kind(self) -> Option<AreaKind> {
        match self.0 % 1_000 {
            1..=199 => Some(AreaKind::Community),
            200..=399 => Some(AreaKind::Village),
            _ => None,
        }
    }

    /// The community or village inside a grid code (网格编号). A grid code is free text; only fifteen digits, twelve
    /// of the community and three of the grid, say where they are.
    #[must_use]
    pub fn of_grid(grid: &str) -> Option<Self> {
        let digits = grid.len() == 15 && grid.bytes().all(|b| b.is_ascii_digit());
        if digits { grid[..12].parse().ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_as_many_digits_as_it_should() {
        let code: AreaCode = "500110001213".parse().expect("twelve digits");
        assert_eq!((code.street().to_string().as_str(), code.street().district()), ("500110001", 500_110));
        let bytes = minicbor::to_vec(code).expect("a number");
        assert_eq!(minicbor::decode::<AreaCode>(&bytes).expect("a code"), code);
        for text in ["50011000", "5001100010", "+50011000", "50011000a", "", "050011000", "５00110001"] {
            assert!(text.parse::<StreetCode>().is_err(), "{text}");
        }
        assert!(minicbor::decode::<StreetCode>(&minicbor::to_vec(500_110_u32).expect("a number")).is_err());
    }

    #[test]
    fn the_last_three_digits_tell_community_from_village() {
        for (last, kind) in [
            (0, None),
            (1, Some(AreaKind::Community)),
            (199, Some(AreaKind::Community)),
            (200, Some(AreaKind::Village)),
            (399, Some(AreaKind::Village)),
            (400, None),
        ] {
            assert_eq!(AreaCode::new(500_110_001_000 + last).and_then(AreaCode::kind), kind, "{last}");
        }
    }

    #[test]
    fn only_fifteen_digits_of_a_grid_code_name_a_community() {
        assert_eq!(AreaCode::of_grid("500110001001007").map(AreaCode::number), Some(500_110_001_001));
        for grid in ["古南第七网格", "500110001001", "50011000100100a", ""] {
            assert_eq!(AreaCode::of_grid(grid), None, "{grid}");
        }
    }
}
